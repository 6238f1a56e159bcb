extension Parser {
    /// `SET @x = ...`, `SET TRANSACTION ISOLATION LEVEL ...` and `SET option value`.
    mutating func set() throws(SQLError) -> Statement.Body {
        try expect("SET")
        if current.kind == .variable {
            let name = try variableName()
            if let compound = ["+=", "-=", "*=", "/="].first(where: { isSymbol($0) }),
                let operation = BinaryOperator(rawValue: String(compound.prefix(1)))
            {
                advance()
                return .assign(name, .binary(operation, .variable(name), try expression()))
            }
            try expect(symbol: "=")
            return .assign(name, try expression())
        }
        if take("TRANSACTION") {
            try expect("ISOLATION")
            try expect("LEVEL")
            return .setOption(.isolation(try isolationLevel()))
        }
        if take("IDENTITY_INSERT") {
            let table = try objectName()
            return .setOption(.identityInsert(table, try onOrOff()))
        }
        return try optionList()
    }

    private mutating func isolationLevel() throws(SQLError) -> IsolationLevel {
        if take(words: "READ", "UNCOMMITTED") { return .readUncommitted }
        if take(words: "READ", "COMMITTED") { return .readCommitted }
        if take(words: "REPEATABLE", "READ") { return .repeatableRead }
        if take("SERIALIZABLE") { return .serializable }
        if take("SNAPSHOT") { return .snapshot }
        throw unexpected()
    }

    private mutating func onOrOff() throws(SQLError) -> Bool {
        if take("ON") { return true }
        try expect("OFF")
        return false
    }

    /// `SET a, b, c ON` takes switches alone; options with a value stand alone.
    private mutating func optionList() throws(SQLError) -> Statement.Body {
        var names: [String] = []
        let line = self.line
        repeat {
            names.append(current.text.uppercased())
            advance()
        } while take(symbol: ",")
        if names.count == 1, let option = try valueOption(names[0], line: line) { return .setOption(option) }
        for name in names where !Parser.switches.contains(name) {
            throw SQLError(
                number: 195, level: 15, state: 5, message: "'\(name)' is not a recognized SET option.", line: line, scope: .batch)
        }
        let isOn = try onOrOff()
        let options = try names.map { name throws(SQLError) in
            Statement(body: .setOption(try Parser.option(name, isOn: isOn, line: line)), line: line)
        }
        return options.count == 1 ? options[0].body : .block(options)
    }

    private mutating func valueOption(_ name: String, line: Int) throws(SQLError) -> SessionOption? {
        switch name {
        case "ROWCOUNT":
            return .rowCount(try integer())
        case "LOCK_TIMEOUT":
            return .lockTimeout(try integer())
        case "TEXTSIZE", "DATEFIRST", "LANGUAGE", "DATEFORMAT", "DEADLOCK_PRIORITY", "QUERY_GOVERNOR_COST_LIMIT":
            let value = isSymbol("-") ? "-\(token(ahead: 1).text)" : current.text
            if take(symbol: "-") { advance() } else { advance() }
            let isNeutral =
                switch name {
                case "DATEFIRST": value == "7"
                case "LANGUAGE": ["us_english", "english"].contains(value.lowercased())
                case "DATEFORMAT": value.lowercased() == "mdy"
                // SQL Server cuts long values at TEXTSIZE; drivers ask for "as much as there is".
                case "TEXTSIZE": (Int(value) ?? 0) == -1 || (Int(value) ?? 0) == 0 || (Int(value) ?? 0) >= 64_512
                default: true
                }
            guard isNeutral else { throw .unsupported("SET \(name) \(value)", line: line) }
            return .noEffect(name)
        default:
            return nil
        }
    }

    private static let switches: Set<String> = [
        "NOCOUNT", "XACT_ABORT", "IMPLICIT_TRANSACTIONS", "QUOTED_IDENTIFIER", "ANSI_NULLS", "ANSI_NULL_DFLT_ON", "ANSI_NULL_DFLT_OFF",
        "ANSI_PADDING", "ANSI_WARNINGS", "ANSI_DEFAULTS", "ARITHABORT", "ARITHIGNORE", "CONCAT_NULL_YIELDS_NULL", "CURSOR_CLOSE_ON_COMMIT",
        "NUMERIC_ROUNDABORT", "FMTONLY", "NOEXEC", "PARSEONLY", "NO_BROWSETABLE", "REMOTE_PROC_TRANSACTIONS", "STATISTICS", "FORCEPLAN",
    ]

    private static func option(_ name: String, isOn: Bool, line: Int) throws(SQLError) -> SessionOption {
        switch name {
        case "NOCOUNT": return .noCount(isOn)
        case "XACT_ABORT": return .xactAbort(isOn)
        case "IMPLICIT_TRANSACTIONS": return .implicitTransactions(isOn)
        case "QUOTED_IDENTIFIER": return .quotedIdentifier(isOn)
        case "ANSI_NULLS", "CONCAT_NULL_YIELDS_NULL":
            guard isOn else { throw .unsupported("SET \(name) OFF", line: line) }
            return .noEffect(name)
        case "FMTONLY", "NOEXEC", "PARSEONLY", "STATISTICS":
            guard !isOn else { throw .unsupported("SET \(name) ON", line: line) }
            return .noEffect(name)
        default:
            return .noEffect(name)
        }
    }
}
