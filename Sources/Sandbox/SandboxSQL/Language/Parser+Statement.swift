extension Parser {
    /// - Parameter isFirst: whether a bare procedure name may stand here, as at the start of a batch.
    mutating func statement(isFirst: Bool = false) throws(SQLError) -> Statement {
        let line = self.line
        let body = try nested { parser throws(SQLError) in try parser.statementBody(isFirst: isFirst) }
        _ = take(symbol: ";")
        return Statement(body: body, line: line)
    }

    private mutating func statementBody(isFirst: Bool) throws(SQLError) -> Statement.Body {
        guard current.kind == .word || current.kind == .quoted else {
            if isSymbol("("), isWord("SELECT", ahead: 1) { return .select(try query()) }
            throw unexpected()
        }
        let word = current.kind == .word ? current.text.uppercased() : ""
        switch word {
        case "SELECT": return .select(try query())
        case "INSERT": return .insert(try insert())
        case "UPDATE": return .update(try update())
        case "DELETE": return .delete(try delete())
        case "CREATE": return try create()
        case "DROP": return try drop()
        case "TRUNCATE":
            advance()
            try expect("TABLE")
            return .truncate(try objectName())
        case "USE":
            advance()
            return .use(try identifier())
        case "BEGIN": return try begin()
        case "COMMIT", "ROLLBACK": return try endTransaction(word)
        case "DECLARE": return .declare(try declarations())
        case "SET": return try set()
        case "IF": return try condition()
        case "PRINT":
            advance()
            return .print(try expression())
        case "RAISERROR", "THROW": return .raise(try raisedError(word))
        case "WAITFOR":
            advance()
            try expect("DELAY")
            return .wait(try expression())
        case "DBCC": return try databaseConsole()
        case "CHECKPOINT":
            advance()
            return .checkpoint
        case "EXEC", "EXECUTE":
            advance()
            return .execute(try procedure())
        case "RETURN":
            advance()
            return .returnNow
        case "SHUTDOWN":
            advance()
            return .shutdown
        case "GRANT", "REVOKE": return try permissions()
        case "ALTER", "MERGE", "WHILE", "DENY", "BACKUP", "RESTORE", "KILL", "SAVE", "OPEN", "FETCH", "CLOSE",
            "DEALLOCATE", "GOTO", "BULK", "RECONFIGURE", "WITH", "REVERT":
            throw .unsupported(token(ahead: 1).kind == .word ? "\(word) \(token(ahead: 1).text.uppercased())" : word, line: line)
        default:
            guard isFirst, current.kind == .quoted || !Parser.reserved.contains(word) else { throw unexpected() }
            return .execute(try procedure())
        }
    }

    // MARK: Data

    private mutating func insert() throws(SQLError) -> Insert {
        try expect("INSERT")
        guard !isWord("TOP") else { throw .unsupported("INSERT TOP", line: line) }
        _ = take("INTO")
        let table = try objectName()
        let hints = try hints()
        var columns: [String]?
        if isSymbol("("), !isWord("SELECT", ahead: 1) { columns = try columnNames() }
        guard !isWord("OUTPUT") else { throw .unsupported("OUTPUT", line: line) }
        if take(words: "DEFAULT", "VALUES") { return Insert(table: table, hints: hints, columns: columns, source: .defaults) }
        if take("VALUES") { return Insert(table: table, hints: hints, columns: columns, source: .values(try insertedRows())) }
        guard isWord("SELECT") || isSymbol("(") else {
            if isWord("EXEC") || isWord("EXECUTE") { throw .unsupported("INSERT EXEC", line: line) }
            throw unexpected()
        }
        let isEnclosed = take(symbol: "(")
        let query = try query()
        if isEnclosed { try expect(symbol: ")") }
        return Insert(table: table, hints: hints, columns: columns, source: .query(query))
    }

    private mutating func insertedRows() throws(SQLError) -> [[Expression?]] {
        let line = self.line
        var rows: [[Expression?]] = []
        repeat {
            try expect(symbol: "(")
            var row: [Expression?] = []
            repeat { row.append(take("DEFAULT") ? nil : try expression()) } while take(symbol: ",")
            try expect(symbol: ")")
            rows.append(row)
        } while take(symbol: ",")
        guard rows.count <= 1000 else {
            throw SQLError(
                number: 10738, level: 15,
                message:
                    "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values.",
                line: line, scope: .batch)
        }
        return rows
    }

    private mutating func update() throws(SQLError) -> Update {
        try expect("UPDATE")
        guard !isWord("TOP") else { throw .unsupported("UPDATE TOP", line: line) }
        let table = try objectName()
        _ = try hints()
        try expect("SET")
        var assignments: [Update.Assignment] = []
        repeat {
            guard current.kind != .variable else { throw .unsupported("UPDATE ... SET @variable", line: line) }
            let column = try objectName().object
            let compound = ["+=", "-=", "*=", "/="].first { isSymbol($0) }
            if let compound, let operation = BinaryOperator(rawValue: String(compound.prefix(1))) {
                advance()
                assignments.append(Update.Assignment(column: column, value: .binary(operation, .column([column]), try expression())))
            } else {
                try expect(symbol: "=")
                assignments.append(Update.Assignment(column: column, value: take("DEFAULT") ? nil : try expression()))
            }
        } while take(symbol: ",")
        guard !isWord("OUTPUT") else { throw .unsupported("OUTPUT", line: line) }
        guard !isWord("FROM") else { throw .unsupported("UPDATE ... FROM", line: line) }
        return Update(table: table, assignments: assignments, filter: take("WHERE") ? try expression() : nil)
    }

    private mutating func delete() throws(SQLError) -> Delete {
        try expect("DELETE")
        let top = try top()
        _ = take("FROM")
        let table = try objectName()
        _ = try hints()
        guard !isWord("OUTPUT") else { throw .unsupported("OUTPUT", line: line) }
        guard !isWord("FROM") else { throw .unsupported("DELETE ... FROM ... FROM", line: line) }
        return Delete(table: table, top: top, filter: take("WHERE") ? try expression() : nil)
    }

    // MARK: Transactions and flow

    private mutating func begin() throws(SQLError) -> Statement.Body {
        try expect("BEGIN")
        if take("TRAN") || take("TRANSACTION") {
            try transactionName()
            return .begin
        }
        guard !isWord("TRY"), !isWord("CATCH"), !isWord("DISTRIBUTED") else { throw .unsupported("BEGIN \(current.text)", line: line) }
        var statements: [Statement] = []
        while take(symbol: ";") {}
        while !isWord("END") {
            guard !isAtEnd else { throw unexpected() }
            statements.append(try statement())
            while take(symbol: ";") {}
        }
        advance()
        return .block(statements)
    }

    private mutating func endTransaction(_ word: String) throws(SQLError) -> Statement.Body {
        advance()
        if take("TRAN") || take("TRANSACTION") { try transactionName() } else { _ = take("WORK") }
        return word == "COMMIT" ? .commit : .rollback
    }

    /// Names of transactions mean nothing without savepoints, which the sandbox has not.
    private mutating func transactionName() throws(SQLError) {
        if current.kind == .variable || current.kind == .quoted {
            advance()
        } else if current.kind == .word, !Parser.reserved.contains(current.text.uppercased()), current.text.uppercased() != "THROW" {
            advance()
        }
    }

    private mutating func condition() throws(SQLError) -> Statement.Body {
        try expect("IF")
        let condition = try expression()
        let then = try statement()
        while isSymbol(";"), isWord("ELSE", ahead: 1) { advance() }
        return .condition(condition, then: then, otherwise: take("ELSE") ? try statement() : nil)
    }

    private mutating func declarations() throws(SQLError) -> [Declaration] {
        try expect("DECLARE")
        var declarations: [Declaration] = []
        repeat {
            let name = try variableName()
            _ = take("AS")
            guard !isWord("TABLE"), !isWord("CURSOR") else { throw .unsupported("DECLARE \(name) \(current.text)", line: line) }
            let type = try dataType()
            declarations.append(Declaration(name: name, type: type, value: take(symbol: "=") ? try expression() : nil))
        } while take(symbol: ",")
        return declarations
    }

    /// `RAISERROR('text', level, state)` and `THROW number, 'text', state`.
    private mutating func raisedError(_ word: String) throws(SQLError) -> RaisedError {
        advance()
        if word == "THROW" {
            let number = try integer()
            try expect(symbol: ",")
            let message = try expression()
            try expect(symbol: ",")
            return RaisedError(number: Int32(clamping: number), message: message, level: 16, state: try integer())
        }
        try expect(symbol: "(")
        let message = try expression()
        try expect(symbol: ",")
        let level = try integer()
        try expect(symbol: ",")
        let state = try integer()
        guard isSymbol(")") else { throw .unsupported("RAISERROR with arguments", line: line) }
        advance()
        guard !isWord("WITH") else { throw .unsupported("RAISERROR ... WITH", line: line) }
        return RaisedError(number: 50000, message: message, level: level, state: state)
    }

    private mutating func databaseConsole() throws(SQLError) -> Statement.Body {
        try expect("DBCC")
        guard take("CHECKDB") else { throw .unsupported("DBCC \(current.text)", line: line) }
        var database: String?
        if take(symbol: "(") {
            if case .string = current.kind {
                database = current.text
                advance()
            } else if current.kind == .integer, current.text == "0" {
                advance()
            } else {
                database = try identifier()
            }
            guard isSymbol(")") else { throw .unsupported("DBCC CHECKDB with repair options", line: line) }
            advance()
        }
        var isQuiet = false
        if take("WITH") {
            repeat {
                if take("NO_INFOMSGS") {
                    isQuiet = true
                } else if !take("PHYSICAL_ONLY"), !take("ALL_ERRORMSGS") {
                    throw .unsupported("DBCC CHECKDB WITH \(current.text)", line: line)
                }
            } while take(symbol: ",")
        }
        return .checkDatabase(database, noInfoMessages: isQuiet)
    }

    private mutating func procedure() throws(SQLError) -> ProcedureCall {
        guard !isSymbol("(") else { throw .unsupported("EXEC (string)", line: line) }
        guard current.kind != .variable else { throw .unsupported("EXEC with a return value or a variable name", line: line) }
        let name = try objectName()
        var call = ProcedureCall(name: name.object.lowercased(), arguments: [])
        while !isAtEnd, !isSymbol(";"), current.kind != .word || isWord("NULL") || token(ahead: 1).kind != .word {
            var argument: String?
            if current.kind == .variable, isSymbol("=", ahead: 1) {
                argument = try variableName()
                advance()
            }
            // A bare word is a string here: EXEC sp_x master
            if current.kind == .word, !isWord("NULL") {
                call.arguments.append(.init(name: argument, value: .literal(.string(try identifier(), national: false))))
            } else {
                call.arguments.append(.init(name: argument, value: try sum()))
            }
            guard take(symbol: ",") else { break }
        }
        return call
    }
}
