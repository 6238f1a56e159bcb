/// A host and a port in one text, as URLs have it: `host:port`, `[IPv6 address]:port`.
public enum HostPort {
    public static func text(_ host: String, _ port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Splits `host`, `host:port`, `[IPv6 address]`, `[IPv6 address]:port` and a bare IPv6 address, which cannot have a port.
    ///
    /// - Returns: the host without brackets, and the text behind its colon, which may be anything; `nil` when the brackets do not match.
    public static func split(_ text: Substring) -> (host: Substring, port: Substring?)? {
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let rest = text[end...].dropFirst()
            guard rest.isEmpty || rest.first == ":" else { return nil }
            return (text[..<end].dropFirst(), rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].dropFirst().firstIndex(of: ":") == nil else { return (text, nil) }
        return (text[..<colon], text[colon...].dropFirst())
    }
}
