/// A change of who may log in, and do what.
enum LoginChange: Equatable {
    case create(String, password: String)
    case drop(String)
    case set([Logins.Permission], of: String, granted: Bool)
}

extension Parser {
    /// `CREATE LOGIN name WITH PASSWORD = '...'`, the first two words of which were taken.
    mutating func createLogin() throws(SQLError) -> Statement.Body {
        let name = try identifier()
        try expect("WITH")
        try expect("PASSWORD")
        try expect(symbol: "=")
        guard case .string = current.kind else { throw unexpected() }
        let password = current.text
        advance()
        while take(symbol: ",") {
            let option = try identifier().uppercased()
            try expect(symbol: "=")
            let value = current.text
            advance()
            switch (option, value.lowercased()) {
            case ("DEFAULT_DATABASE", "master"), ("CHECK_POLICY", "on"), ("CHECK_EXPIRATION", "off"), ("DEFAULT_LANGUAGE", _): break
            default: throw .unsupported("CREATE LOGIN ... \(option) = \(value)", line: line)
            }
        }
        return .login(.create(name, password: password))
    }

    /// `GRANT a, b TO name`, and `REVOKE a, b FROM name`, for permissions on the server.
    mutating func permissions() throws(SQLError) -> Statement.Body {
        let isGrant = isWord("GRANT")
        advance()
        var permissions: [Logins.Permission] = []
        repeat {
            var words: [String] = []
            while current.kind == .word, !isWord("TO"), !isWord("FROM"), !isWord("ON") {
                words.append(current.text.uppercased())
                advance()
            }
            let text = words.joined(separator: " ")
            guard !words.isEmpty else { throw unexpected() }
            guard !isWord("ON"), let permission = Logins.Permission(rawValue: text) else {
                throw .unsupported("\(isGrant ? "GRANT" : "REVOKE") \(text)", line: line)
            }
            permissions.append(permission)
        } while take(symbol: ",")
        if isGrant || !isWord("FROM") { try expect("TO") } else { try expect("FROM") }
        return .login(.set(permissions, of: try identifier(), granted: isGrant))
    }
}
