import Foundation
import Secrets

/// Interprets an HTTP answer of the API server.
enum APIAnswer {
    /// Returns the error of an answer outside 2xx.
    static func error(
        status: Int, headers: [String: String], body: [UInt8], request: String, server: APIServerURL
    ) -> KubernetesError {
        if (300..<400).contains(status) {
            let target = headers["location"].flatMap { URLComponents(string: $0)?.host }.map { " to \($0)" } ?? ""
            return KubernetesError(
                .unexpectedAnswer, "\(server) redirects\(target) (HTTP \(status)), which an API server does not do",
                hint: "Is a login page or a proxy in front of it? Check 'server' in the kubeconfig.", httpStatus: status, request: request)
        }
        guard var answer = decodeStatus(body) else {
            return KubernetesError(
                code(status, reason: nil), "\(server) answered HTTP \(status) without saying why\(excerpt(body, headers))",
                hint: hint(status), httpStatus: status, request: request)
        }
        if answer.details?.retryAfterSeconds == nil, let seconds = headers["retry-after"].flatMap({ Int($0) }) {
            var details = answer.details ?? Status.Details()
            details.retryAfterSeconds = seconds
            answer.details = details
        }
        var message = answer.message ?? answer.reason ?? "HTTP \(status)"
        let causes = (answer.details?.causes ?? []).compactMap(\.message).filter { !message.contains($0) }
        if !causes.isEmpty { message += ": \(causes.joined(separator: "; "))" }
        return KubernetesError(
            code(status, reason: answer.reason), message, hint: hint(status), status: answer, httpStatus: status, request: request)
    }

    /// Returns the error of a Status inside a stream (a watch's ERROR event).
    static func error(_ status: Status, request: String) -> KubernetesError {
        let number = status.code ?? 500
        return KubernetesError(
            code(number, reason: status.reason), status.message ?? status.reason ?? "HTTP \(number)", hint: hint(number), status: status,
            httpStatus: number, request: request)
    }

    private static func decodeStatus(_ body: [UInt8]) -> Status? {
        // Answers without a Status are usual: proxies and load balancers answer in HTML.
        guard let status = try? JSONDecoder().decode(Status.self, from: Data(body)) else { return nil }
        return status.status == nil && status.reason == nil && status.message == nil ? nil : status
    }

    private static func code(_ status: Int, reason: String?) -> KubernetesError.Code {
        switch status {
        case 400: .badRequest
        case 401: .unauthorized
        case 403: .forbidden
        case 404: .notFound
        case 405, 406, 415, 501: .unsupported
        case 409: reason == "AlreadyExists" ? .alreadyExists : .conflict
        case 410: .gone
        case 422: .invalid
        case 429: .tooManyRequests
        case 504: .serverTimeout
        case 500...: .serverError
        default: .unexpectedAnswer
        }
    }

    private static func hint(_ status: Int) -> String? {
        switch status {
        case 401: "The server does not accept the credentials of this kubeconfig. Log in again, or get a new kubeconfig."
        case 403: "Ask for a Role with this verb on this resource; 'aftershock rbac' prints what an experiment needs."
        default: nil
        }
    }

    /// Returns the start of a text answer; empty for other content.
    private static func excerpt(_ body: [UInt8], _ headers: [String: String]) -> String {
        guard headers["content-type"]?.hasPrefix("text/plain") == true else { return "" }
        let lines = String(decoding: body.prefix(4096), as: UTF8.self).withoutSecrets.split(whereSeparator: \.isNewline)
        let text = lines.joined(separator: " ").prefix(200)
        return text.isEmpty ? "" : ": \(text)"
    }
}
