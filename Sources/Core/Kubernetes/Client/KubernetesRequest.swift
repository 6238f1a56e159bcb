import Foundation
import JSON

/// A request to the API server, before server, credentials and TLS are added.
struct KubernetesRequest: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    var method: Method = .get
    /// The path below the server's own path, with escaped segments.
    var path: String
    var query: [(name: String, value: String)] = []
    var body: JSONValue?
    var contentType = "application/json"
    var accept = "application/json"
    /// The timeout of the whole exchange; `nil` for no limit (watches, followed logs).
    var timeout: Duration?
    /// The timeout for the start of the answer.
    var headTimeout: Duration?
    /// See ``CurlRequest/tick``.
    var tick: Duration?

    /// Path and query, for the URL.
    var target: String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\(Self.escape($0.name))=\(Self.escape($0.value))" }.joined(separator: "&")
    }

    /// The text for messages, without the query, which can contain a command line.
    var description: String { "\(method.rawValue) \(path)" }

    /// Escapes everything but RFC 3986's unreserved characters.
    static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }

    /// Creates the path of a collection, of an object in it, or of one of its subresources.
    static func path<Resource: KubernetesResource>(
        _ type: Resource.Type, version: String, namespace: String?, name: String? = nil, subresource: String? = nil
    ) -> String {
        var path = Resource.group.isEmpty ? "/api/\(version)" : "/apis/\(Resource.group)/\(version)"
        if Resource.isNamespaced, let namespace { path += "/namespaces/\(escape(namespace))" }
        path += "/\(Resource.plural)"
        if let name { path += "/\(escape(name))" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}
