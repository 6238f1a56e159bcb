extension Parser {
    mutating func query() throws(SQLError) -> Query {
        try nested { parser throws(SQLError) in try parser.unnestedQuery() }
    }

    private mutating func unnestedQuery() throws(SQLError) -> Query {
        var query = Query(selects: [try select()])
        while take("UNION") {
            query.unionAll.append(take("ALL"))
            query.selects.append(try select())
        }
        guard !isWord("EXCEPT"), !isWord("INTERSECT") else { throw .unsupported(current.text, line: line) }
        if take("ORDER") {
            try expect("BY")
            repeat {
                let expression = try expression()
                let isDescending = take("DESC")
                if !isDescending { _ = take("ASC") }
                query.order.append(OrderItem(expression: expression, descending: isDescending))
            } while take(symbol: ",")
            if take("OFFSET") {
                query.offset = try expression()
                if !take("ROWS") { try expect("ROW") }
                if take("FETCH") {
                    if !take("NEXT") { try expect("FIRST") }
                    query.fetch = try expression()
                    if !take("ROWS") { try expect("ROW") }
                    try expect("ONLY")
                }
            }
        }
        if take("FOR") { throw .unsupported("FOR \(current.text)", line: line) }
        try options()
        return query
    }

    /// `OPTION (...)`: only hints that cannot change a result.
    private mutating func options() throws(SQLError) {
        guard take("OPTION") else { return }
        try expect(symbol: "(")
        repeat {
            if take("RECOMPILE") || take(words: "FORCE", "ORDER") || take(words: "LOOP", "JOIN") || take(words: "HASH", "JOIN") {
                continue
            } else if take("MAXDOP") || take("MAXRECURSION") || take("FAST") {
                _ = try integer()
            } else {
                throw .unsupported("OPTION (\(current.text))", line: line)
            }
        } while take(symbol: ",")
        try expect(symbol: ")")
    }

    private mutating func select() throws(SQLError) -> Select {
        if take(symbol: "(") {
            let inner = try nested { parser throws(SQLError) in try parser.select() }
            try expect(symbol: ")")
            return inner
        }
        try expect("SELECT")
        var select = Select(items: [])
        if take("DISTINCT") { select.isDistinct = true } else { _ = take("ALL") }
        select.top = try top()
        repeat { select.items.append(try item()) } while take(symbol: ",")
        if take("INTO") { throw .unsupported("SELECT INTO", line: line) }
        if take("FROM") {
            var source = try joined()
            while take(symbol: ",") { source = .join(.cross, source, try joined(), on: nil) }
            select.source = source
        }
        if take("WHERE") { select.filter = try expression() }
        if take("GROUP") {
            try expect("BY")
            repeat { select.groups.append(try expression()) } while take(symbol: ",")
        }
        if take("HAVING") { select.having = try expression() }
        return select
    }

    /// `TOP (n)` or `TOP n`.
    mutating func top() throws(SQLError) -> Expression? {
        guard take("TOP") else { return nil }
        let limit: Expression
        if take(symbol: "(") {
            limit = try expression()
            try expect(symbol: ")")
        } else {
            limit = .literal(.integer(String(try integer())))
        }
        guard !isWord("PERCENT") else { throw .unsupported("TOP PERCENT", line: line) }
        guard !(isWord("WITH") && isWord("TIES", ahead: 1)) else { throw .unsupported("TOP WITH TIES", line: line) }
        return limit
    }

    private mutating func item() throws(SQLError) -> SelectItem {
        if take(symbol: "*") { return .all(of: []) }
        if let qualifier = try qualifiedStar() { return .all(of: qualifier) }
        if current.kind == .variable, isSymbol("=", ahead: 1) {
            let name = try variableName()
            advance()
            return .assignment(variable: name, try expression())
        }
        // `alias = expression`
        if current.kind == .word || current.kind == .quoted, isSymbol("=", ahead: 1) {
            let alias = try identifier()
            advance()
            return .expression(try expression(), alias: alias)
        }
        let expression = try expression()
        return .expression(expression, alias: try alias())
    }

    private mutating func qualifiedStar() throws(SQLError) -> [String]? {
        var offset = 0
        var parts: [String] = []
        while [.word, .quoted].contains(token(ahead: offset).kind), isSymbol(".", ahead: offset + 1) {
            parts.append(token(ahead: offset).text)
            offset += 2
            if isSymbol("*", ahead: offset) {
                for _ in 0...offset { advance() }
                return parts
            }
        }
        return nil
    }

    /// An alias with or without AS; a string may be one too.
    private mutating func alias() throws(SQLError) -> String? {
        let isExplicit = take("AS")
        if case .string = current.kind {
            defer { advance() }
            return current.text
        }
        guard isExplicit || isAlias(current) else { return nil }
        return try identifier()
    }

    private func isAlias(_ token: Token) -> Bool {
        switch token.kind {
        case .quoted: true
        case .word: !Parser.reserved.contains(token.text.uppercased()) && token.text.uppercased() != "OFFSET"
        default: false
        }
    }

    private mutating func joined() throws(SQLError) -> TableSource {
        var left = try tableSource()
        while let kind = try joinKind() {
            let right = try tableSource()
            var condition: Expression?
            if kind != .cross {
                try expect("ON")
                condition = try expression()
            }
            left = .join(kind, left, right, on: condition)
        }
        return left
    }

    private mutating func joinKind() throws(SQLError) -> JoinKind? {
        if take("JOIN") || take(words: "INNER", "JOIN") { return .inner }
        for (word, kind) in [("LEFT", JoinKind.left), ("RIGHT", .right), ("FULL", .full)] where isWord(word) {
            advance()
            _ = take("OUTER")
            try expect("JOIN")
            return kind
        }
        if take("CROSS") {
            guard !isWord("APPLY") else { throw .unsupported("CROSS APPLY", line: line) }
            try expect("JOIN")
            return .cross
        }
        return nil
    }

    private mutating func tableSource() throws(SQLError) -> TableSource {
        guard take(symbol: "(") else {
            let name = try objectName()
            if isSymbol("(") { try systemFunction(name) }
            let alias = try alias()
            return .table(name, alias: alias, hints: try hints())
        }
        if isWord("SELECT") {
            let query = try query()
            try expect(symbol: ")")
            let (alias, columns) = try derivedName()
            return .derived(query, alias: alias, columns: columns)
        }
        if take("VALUES") {
            let rows = try rows()
            try expect(symbol: ")")
            let (alias, columns) = try derivedName()
            return .values(rows, alias: alias, columns: columns)
        }
        let inner = try nested { parser throws(SQLError) in try parser.joined() }
        try expect(symbol: ")")
        return inner
    }

    /// The arguments of the only table function there is: `sys.dm_db_log_stats(DB_ID())`, of the session's own database.
    private mutating func systemFunction(_ name: ObjectName) throws(SQLError) {
        guard name.schema?.lowercased() == "sys", name.object.lowercased() == "dm_db_log_stats", isWord("DB_ID", ahead: 1) else {
            throw .unsupported("the table function \(name.text)", line: line)
        }
        try expect(symbol: "(")
        try expect("DB_ID")
        try expect(symbol: "(")
        try expect(symbol: ")")
        try expect(symbol: ")")
    }

    private mutating func derivedName() throws(SQLError) -> (String, [String]) {
        _ = take("AS")
        let alias = try identifier()
        return (alias, isSymbol("(") ? try columnNames() : [])
    }

    mutating func columnNames() throws(SQLError) -> [String] {
        try expect(symbol: "(")
        var names: [String] = []
        repeat { names.append(try identifier()) } while take(symbol: ",")
        try expect(symbol: ")")
        return names
    }

    private mutating func rows() throws(SQLError) -> [[Expression]] {
        var rows: [[Expression]] = []
        repeat {
            try expect(symbol: "(")
            var row: [Expression] = []
            repeat { row.append(try expression()) } while take(symbol: ",")
            try expect(symbol: ")")
            rows.append(row)
        } while take(symbol: ",")
        return rows
    }

    /// `WITH (hint, ...)`, from a fixed list.
    mutating func hints() throws(SQLError) -> Set<String> {
        guard isWord("WITH"), isSymbol("(", ahead: 1) else { return [] }
        advance()
        advance()
        var hints: Set<String> = []
        repeat {
            let hint = current.text.uppercased()
            guard Parser.knownHints.contains(hint) else { throw .unsupported("the table hint \(current.text)", line: line) }
            hints.insert(hint)
            advance()
        } while take(symbol: ",")
        try expect(symbol: ")")
        return hints
    }

    /// Those in ``lockingHints`` take the writer's lock inside a transaction; a reader of SQLite's WAL needs nothing for the others.
    private static let knownHints: Set<String> = lockingHints.union([
        "NOLOCK", "READUNCOMMITTED", "READCOMMITTED", "READCOMMITTEDLOCK", "ROWLOCK", "PAGLOCK", "TABLOCK",
    ])
    static let lockingHints: Set<String> = ["UPDLOCK", "XLOCK", "HOLDLOCK", "TABLOCKX", "SERIALIZABLE", "REPEATABLEREAD"]
}
