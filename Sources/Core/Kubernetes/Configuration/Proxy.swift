import Foundation
import Network
import Secrets

/// A proxy on the way to the API server, with the meaning that Go's client gives to its address.
struct Proxy: Sendable, Hashable, CustomStringConvertible {
    /// For libcurl: with the default port of its kind, and with user and password where it has them.
    let url: String
    /// The same without user and password, for messages.
    private let address: String
    /// Its source: a kubeconfig's `proxy-url`, or a variable.
    let origin: String

    var description: String { "the proxy \(address) (\(origin))" }

    private static let ports = ["http": 80, "https": 443, "socks5": 1080, "socks5h": 1080]

    /// - Throws: ``KubernetesError`` when the text is not a proxy's address. The error omits the text, which can hold a password.
    init(_ text: String, origin: String) throws(KubernetesError) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(), let defaultPort = Self.ports[scheme],
            let host = parts.host, !host.isEmpty
        else {
            throw KubernetesError(
                .configurationInvalid, "\(origin): this is not the address of a proxy",
                hint: "Write it like http://proxy:3128, https://proxy:443 or socks5://proxy:1080.")
        }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let authority = HostPort.text(bare, parts.port ?? defaultPort)
        var login = ""
        if let user = parts.percentEncodedUser {
            login = "\(user):\(parts.percentEncodedPassword ?? "")@"
            if let password = parts.password {
                KnownSecrets.add(password)
                KnownSecrets.add(Data("\(parts.user ?? ""):\(password)".utf8).base64EncodedString())
            }
        }
        // In Go's client a SOCKS proxy resolves the names, which libcurl calls socks5h.
        url = "\(scheme == "socks5" ? "socks5h" : scheme)://\(login)\(authority)"
        address = "\(scheme)://\(authority)"
        self.origin = origin
    }

    /// The proxy that the environment wants for a server: `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` excludes it, and never for this
    /// machine itself (`golang.org/x/net/http/httpproxy`). Go's client does not know `ALL_PROXY`.
    init?(to server: APIServerURL, environment: [String: String]) throws(KubernetesError) {
        func variable(_ names: String...) -> (name: String, value: String)? {
            for name in names {
                if let value = environment[name], !value.isEmpty { return (name, value) }
            }
            return nil
        }
        let found = server.isTLS ? variable("HTTPS_PROXY", "https_proxy") : variable("HTTP_PROXY", "http_proxy")
        guard let (name, value) = found, !IPAddress.isThisMachine(server.host) else { return nil }
        let exceptions = variable("NO_PROXY", "no_proxy")?.value ?? ""
        guard !exceptions.split(separator: ",").contains(where: { ProxyException($0).covers(server) }) else { return nil }
        try self.init(value.contains("://") ? value : "http://\(value)", origin: name)
    }
}

/// One entry of `NO_PROXY`: `*`, an address, a network, or a name with all names below it; the latter and addresses also with a port.
struct ProxyException {
    private let text: String

    init(_ text: some StringProtocol) { self.text = text.trimmingCharacters(in: .whitespaces).lowercased() }

    func covers(_ server: APIServerURL) -> Bool {
        if text == "*" { return true }
        let host = server.host.lowercased()
        let address = IPAddress(host)
        if let network = IPNetwork(text) { return address.map(network.contains) ?? false }
        var name = text
        if IPAddress(text) == nil, let (before, port) = HostPort.split(text[...]), let port {
            guard port == "\(server.port)" else { return false }
            name = String(before)
        }
        if let excepted = IPAddress(name) { return excepted == address }
        if name.hasPrefix("*.") { name.removeFirst() }
        guard !name.isEmpty else { return false }
        return host.hasSuffix(name.hasPrefix(".") ? name : ".\(name)") || host == name
    }
}
