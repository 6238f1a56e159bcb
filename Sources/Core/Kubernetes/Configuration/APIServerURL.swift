import Foundation
import Network

/// The API server's base URL, which may have a path (a proxy that serves several clusters).
public struct APIServerURL: Sendable, Hashable, CustomStringConvertible {
    public let isTLS: Bool
    /// Without the brackets of an IPv6 address.
    public let host: String
    public let port: Int
    /// Empty, or `/` and more, without a slash at the end.
    public let path: String

    /// Reads a kubeconfig's `server`. Without a scheme it is plain HTTP, as for kubectl.
    init(_ text: String, origin: String) throws(KubernetesError) {
        let full = text.contains("://") ? text : "http://\(text)"
        guard let parts = URLComponents(string: full), let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil
        else {
            throw KubernetesError(
                .configurationInvalid, "\(origin): '\(text)' is not the address of an API server", hint: "Write it like https://host:6443.")
        }
        isTLS = scheme == "https"
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        port = parts.port ?? (isTLS ? 443 : 80)
        var path = parts.percentEncodedPath
        while path.hasSuffix("/") { path.removeLast() }
        self.path = path
    }

    public var description: String { "\(isTLS ? "https" : "http")://\(authority)\(path)" }

    /// `host:port`, as in a URL.
    var authority: String { HostPort.text(host, port) }
}
