public import Foundation
import Network
import Secrets

/// A server that documents are posted to: a collector of telemetry or a webhook. Requests go through the environment's proxy.
public struct HTTPReceiver: Sendable, CustomStringConvertible {
    /// The address without what may be secret in it: user, password, query.
    public let description: String
    private let server: APIServerURL
    private let query: String
    private let headers: [String]
    private let authority: [UInt8]?
    private let proxy: Proxy?
    private let timeout: Duration

    /// - Parameters:
    ///   - origin: of the address, for messages: an option or a variable.
    ///   - isSecret: whoever knows the address may send: only its host is ever shown.
    ///   - authority: PEM certificates to trust instead of the system's.
    /// - Throws: when the address or a header cannot be one. The error has neither of them, which may be secret.
    public init(
        _ address: String, origin: String, isSecret: Bool = false, headers: [String: String] = [:], authority: [UInt8]? = nil,
        timeout: Duration = .seconds(10), environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(HTTPReceiverError) {
        guard var parts = URLComponents(string: address), ["http", "https"].contains(parts.scheme?.lowercased()),
            let host = parts.host, !host.isEmpty
        else { throw HTTPReceiverError("\(origin): this is not an address; write it like http://host:4318") }
        var lines: [String] = []
        for (name, value) in headers.sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, name.utf8.allSatisfy(\.isHeaderName), !value.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
                throw HTTPReceiverError("\(origin): one of the headers for it is none: write them like name=value,other=value")
            }
            if Self.holdsSecret(name, value) {
                KnownSecrets.add(value)
                // The secret comes after the scheme: `Bearer abc`.
                if let credential = value.split(separator: " ", maxSplits: 1).dropFirst().first { KnownSecrets.add(String(credential)) }
            }
            lines.append("\(name): \(value)")
        }
        if let user = parts.user {
            let credential = Data("\(user):\(parts.password ?? "")".utf8).base64EncodedString()
            for secret in [parts.password, parts.percentEncodedPassword, credential] { KnownSecrets.add(secret ?? "") }
            lines.append("Authorization: Basic \(credential)")
        }
        query = parts.percentEncodedQuery.map { "?\($0)" } ?? ""
        KnownSecrets.add(String(query.dropFirst()))
        if isSecret {
            KnownSecrets.add(address)
            // Of a path such as /hook the word is in other texts as well, and no secret.
            if parts.percentEncodedPath.count > 16 { KnownSecrets.add(parts.percentEncodedPath) }
        }
        (parts.user, parts.password, parts.percentEncodedQuery, parts.fragment) = (nil, nil, nil, nil)
        do {
            server = try APIServerURL(parts.string ?? "", origin: origin)
            proxy = try Proxy(to: server, environment: environment)
        } catch {
            throw HTTPReceiverError(error.message)
        }
        description = isSecret ? server.authority : server.description
        self.headers = lines
        self.authority = authority
        self.timeout = timeout
    }

    /// Tells if a header holds a credential. Others, such as a tenant's number, would be masked wherever their value is a word of a report.
    private static func holdsSecret(_ name: String, _ value: String) -> Bool {
        let names = ["auth", "token", "key", "secret", "cookie", "pass", "sign", "credential"]
        return value.count >= 20 || names.contains { name.lowercased().contains($0) }
    }

    /// Sends `body` once and returns the answer to it. Redirects are not followed: the headers are for this server alone.
    public func post(_ body: Data, type: String) async throws(HTTPReceiverError) -> Data {
        var request = CurlRequest(method: "POST", url: server.description + query)
        request.headers = headers + ["Content-Type: \(type)", "User-Agent: aftershock"]
        request.body = Array(body)
        request.authority = authority
        request.proxy = proxy?.url
        request.connectTimeout = timeout
        request.timeout = timeout
        let (status, answer): (Int, Data)
        do throws(CurlFailure) {
            (status, answer) = try await CurlTransport().answer(to: request)
        } catch {
            throw HTTPReceiverError("\(self) cannot be reached\(proxy.map { " over \($0)" } ?? ""): \(error.text)")
        }
        guard (200..<300).contains(status) else { throw HTTPReceiverError("\(self) answered \(status)\(Self.excerpt(of: answer))") }
        return answer
    }

    private static func excerpt(of answer: Data) -> String {
        let line = String(decoding: answer, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.isEmpty ? "" : ": \(line.prefix(200))"
    }
}

/// The reason for which an ``HTTPReceiver`` did not take a document.
public struct HTTPReceiverError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    init(_ text: String) { description = text }
}

extension UInt8 {
    /// A character of a header's name (RFC 9110, token).
    fileprivate var isHeaderName: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
