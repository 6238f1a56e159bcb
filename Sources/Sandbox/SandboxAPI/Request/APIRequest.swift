import Foundation
package import JSON
package import NIOCore
package import NIOHTTP1
package import SandboxStore

/// One HTTP request, read in full.
package struct APIRequest: Sendable {
    package let method: HTTPMethod
    /// The decoded segments of the path.
    package let path: [String]
    let query: QueryParameters
    package let headers: HTTPHeaders
    package var body = ByteBuffer()
    /// The user whom the server has authenticated.
    package var user = UserIdentity.administrator

    package init(method: HTTPMethod, uri: String, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        let parts = uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        self.method = method
        path = parts[0].split(separator: "/").map { String($0).removingPercentEncoding ?? String($0) }
        query = QueryParameters(parsing: parts.count == 2 ? parts[1] : "")
        self.headers = headers
        self.body = body
    }

    /// The body's media type without parameters, in lower case; empty when there is none.
    var contentType: String {
        let first = headers.first(name: "Content-Type")?.split(separator: ";").first ?? ""
        return String(first).trimmingCharacters(in: .whitespaces).lowercased()
    }

    /// The body as JSON, whatever it was sent as.
    package func json() throws(APIError) -> JSONValue {
        switch contentType {
        case ProtobufDecoder.mediaType: return try ProtobufDecoder.object(body)
        case "", "application/json", "application/json-patch+json", "application/merge-patch+json",
            "application/strategic-merge-patch+json":
            break
        case let other:
            throw .unsupportedMediaType(
                "the body of the request was in an unknown format - accepted media types include: application/json (not \(other))")
        }
        try ObjectLimits.check(body: body.readableBytesView)
        do {
            return try JSONValue(parsing: Data(body.readableBytesView))
        } catch {
            throw .badRequest("the request's body is no valid JSON")
        }
    }
}

/// The query of a URL, in order.
struct QueryParameters: Sendable {
    let items: [(name: String, value: String)]

    init(parsing text: some StringProtocol) {
        items = text.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(parts[0]), parts.count == 2 ? Self.decoded(parts[1]) : "")
        }
    }

    private static func decoded(_ text: some StringProtocol) -> String {
        let spaced = String(text).replacing("+", with: " ")
        return spaced.removingPercentEncoding ?? spaced
    }

    subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

    /// A boolean parameter, as Kubernetes reads it: present without a value counts as true.
    func flag(_ name: String) -> Bool {
        guard let value = self[name]?.lowercased() else { return false }
        return value != "0" && value != "false"
    }

    /// A whole number.
    func integer(_ name: String) throws(APIError) -> Int64? {
        guard let text = self[name], !text.isEmpty else { return nil }
        guard let value = Int64(text) else {
            throw .badRequest("the query parameter \(name) must be a whole number, not \"\(text)\"")
        }
        return value
    }

    /// `dryRun=All`; anything else is refused, so that nothing is done by mistake.
    func isDryRun() throws(APIError) -> Bool {
        let values = all("dryRun").filter { !$0.isEmpty }
        guard values.allSatisfy({ $0 == "All" }) else {
            throw APIError(422, "Invalid", "dryRun: Unsupported value: \(values): supported values: \"All\"")
        }
        return !values.isEmpty
    }
}
