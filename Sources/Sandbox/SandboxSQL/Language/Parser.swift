/// A recursive descent parser for the sandbox's subset of T-SQL.
///
/// It is strict on purpose: what it does not know is an error with SQL Server's number, never skipped.
struct Parser {
    private var tokens: [Token]
    private let source: [UInt8]
    private var index = 0
    /// Drivers declare decimal parameters with 38 digits whatever the value, which is checked on its own when it comes.
    private var takesAnyPrecision = false

    init(_ text: String, quotedIdentifiers: Bool = true) throws(SQLError) {
        self.source = Array(text.utf8)
        self.tokens = try Tokenizer.tokens(of: text, quotedIdentifiers: quotedIdentifiers)
    }

    /// Parses a whole batch; a syntax error anywhere means that nothing of it runs.
    static func statements(of text: String, quotedIdentifiers: Bool = true) throws(SQLError) -> [Statement] {
        var parser = try Parser(text, quotedIdentifiers: quotedIdentifiers)
        var statements: [Statement] = []
        while true {
            while parser.take(symbol: ";") {}
            if parser.isAtEnd { return statements }
            statements.append(try parser.statement(isFirst: statements.isEmpty))
        }
    }

    /// Parses a lone expression, such as a stored DEFAULT.
    static func expression(of text: String) throws(SQLError) -> Expression {
        var parser = try Parser(text)
        let expression = try parser.expression()
        guard parser.isAtEnd else { throw parser.unexpected() }
        return expression
    }

    /// Parses the parameter declarations of `sp_executesql`: `@a int, @b nvarchar(10) OUTPUT`.
    static func parameters(of text: String) throws(SQLError) -> [Declaration] {
        var parser = try Parser(text)
        parser.takesAnyPrecision = true
        var declarations: [Declaration] = []
        guard !parser.isAtEnd else { return [] }
        repeat {
            let name = try parser.variableName()
            _ = parser.take("AS")
            declarations.append(Declaration(name: name, type: try parser.dataType(), value: nil))
            if !parser.take("OUTPUT") { _ = parser.take("OUT") }
        } while parser.take(symbol: ",")
        guard parser.isAtEnd else { throw parser.unexpected() }
        return declarations
    }

    // MARK: Depth

    private var depth = 0
    /// Nesting costs stack here and in the translator.
    private static let depthLimit = 100
    /// SQLite takes expressions of up to 1000 levels, and every operator of a chain is one.
    static let chainLimit = 900

    mutating func nested<Result>(_ body: (inout Parser) throws(SQLError) -> Result) throws(SQLError) -> Result {
        guard depth < Parser.depthLimit else { throw tooDeep() }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    func tooDeep() -> SQLError {
        SQLError(
            number: 191, level: 15,
            message: "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.",
            line: line,
            scope: .batch)
    }

    // MARK: Tokens

    var current: Token { tokens[index] }
    var isAtEnd: Bool { current.kind == .end }
    var line: Int { current.line }

    func token(ahead offset: Int) -> Token { tokens[min(index + offset, tokens.count - 1)] }

    mutating func advance() {
        if index < tokens.count - 1 { index += 1 }
    }

    func isWord(_ word: String, ahead offset: Int = 0) -> Bool {
        let token = token(ahead: offset)
        return token.kind == .word && token.text.uppercased() == word
    }

    func isSymbol(_ symbol: String, ahead offset: Int = 0) -> Bool {
        let token = token(ahead: offset)
        return token.kind == .symbol && token.text == symbol
    }

    mutating func take(_ word: String) -> Bool {
        guard isWord(word) else { return false }
        advance()
        return true
    }

    /// Takes the words if all of them follow.
    mutating func take(words: String...) -> Bool {
        guard words.indices.allSatisfy({ isWord(words[$0], ahead: $0) }) else { return false }
        for _ in words { advance() }
        return true
    }

    mutating func take(symbol: String) -> Bool {
        guard isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ word: String) throws(SQLError) {
        guard take(word) else { throw unexpected() }
    }

    mutating func expect(symbol: String) throws(SQLError) {
        guard take(symbol: symbol) else { throw unexpected() }
    }

    func unexpected() -> SQLError {
        let token = isAtEnd && index > 0 ? tokens[index - 1] : current
        if token.kind == .word, Parser.reserved.contains(token.text.uppercased()) {
            return .syntax(nearKeyword: token.text, line: token.line)
        }
        return .syntax(near: token.text, line: token.line)
    }

    /// The source text between two tokens, blanks inside included.
    func text(from start: Int) -> String {
        guard index > 0, start < tokens[index - 1].end else { return "" }
        return String(decoding: source[start..<tokens[index - 1].end], as: UTF8.self)
    }

    // MARK: Names and types

    mutating func identifier() throws(SQLError) -> String {
        let token = current
        switch token.kind {
        case .quoted:
            break
        case .word where !Parser.reserved.contains(token.text.uppercased()):
            break
        default:
            throw unexpected()
        }
        guard token.text.utf16.count <= 128 else {
            throw SQLError(
                number: 103, level: 15, state: 4,
                message: "The identifier that starts with '\(token.text.prefix(100))' is too long. Maximum length is 128.",
                line: token.line, scope: .batch)
        }
        guard !token.text.isEmpty else {
            throw SQLError(
                number: 1038, level: 15, state: 4,
                message: "An object or column name is missing or empty.", line: token.line, scope: .batch)
        }
        advance()
        return token.text
    }

    /// `a.b.c`; an empty middle part (`db..t`) is the default schema.
    mutating func objectName() throws(SQLError) -> ObjectName {
        var parts = [try identifier()]
        while isSymbol(".") {
            advance()
            parts.append(isSymbol(".") ? "dbo" : try identifier())
        }
        guard parts.count <= 3 else {
            throw .unsupported("the linked server name \(parts.joined(separator: "."))", line: line)
        }
        return ObjectName(parts: parts)
    }

    mutating func variableName() throws(SQLError) -> String {
        guard current.kind == .variable else { throw unexpected() }
        defer { advance() }
        return current.text
    }

    mutating func integer() throws(SQLError) -> Int {
        let isNegative = take(symbol: "-")
        guard current.kind == .integer, let value = Int(current.text) else { throw unexpected() }
        advance()
        return isNegative ? -value : value
    }

    mutating func dataType() throws(SQLError) -> DataType {
        let name = current
        guard name.kind == .word || name.kind == .quoted else { throw unexpected() }
        advance()
        var arguments: [Int?] = []
        if take(symbol: "(") {
            repeat {
                arguments.append(take("MAX") ? nil : try integer())
            } while take(symbol: ",")
            try expect(symbol: ")")
        }
        if takesAnyPrecision, arguments.count == 2, let precision = arguments[0], (DataType.maximumPrecision + 1...38).contains(precision) {
            arguments[0] = DataType.maximumPrecision
        }
        guard let type = try DataType(name: name.text.lowercased(), arguments: arguments, line: name.line) else {
            throw SQLError(
                number: 2715, state: 6,
                message: "Cannot find data type \(name.text), or the sandbox does not support it.", line: name.line, scope: .batch)
        }
        return type
    }

    /// Words that cannot be a name without brackets.
    static let reserved: Set<String> = [
        "ADD", "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "AUTHORIZATION", "BACKUP", "BEGIN", "BETWEEN", "BREAK", "BROWSE", "BULK", "BY",
        "CASCADE", "CASE", "CHECK", "CHECKPOINT", "CLOSE", "CLUSTERED", "COALESCE", "COLLATE", "COLUMN", "COMMIT", "COMPUTE", "CONSTRAINT",
        "CONTAINS", "CONTINUE", "CONVERT", "CREATE", "CROSS", "CURRENT", "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "CURSOR", "DATABASE", "DBCC", "DEALLOCATE", "DECLARE", "DEFAULT", "DELETE", "DENY", "DESC", "DISTINCT", "DISTRIBUTED", "DOUBLE",
        "DROP", "ELSE", "END", "ERRLVL", "ESCAPE", "EXCEPT", "EXEC", "EXECUTE", "EXISTS", "EXIT", "EXTERNAL", "FETCH", "FILE", "FOR",
        "FOREIGN", "FROM", "FULL", "FUNCTION", "GOTO", "GRANT", "GROUP", "HAVING", "HOLDLOCK", "IDENTITY", "IDENTITY_INSERT", "IF", "IN",
        "INDEX", "INNER", "INSERT", "INTERSECT", "INTO", "IS", "JOIN", "KEY", "KILL", "LEFT", "LIKE", "MERGE", "NATIONAL", "NOCHECK",
        "NONCLUSTERED", "NOT", "NULL", "NULLIF", "OF", "OFF", "OFFSETS", "ON", "OPEN", "OPTION", "OR", "ORDER", "OUTER", "OVER", "PERCENT",
        "PIVOT", "PLAN", "PRIMARY", "PRINT", "PROC", "PROCEDURE", "PUBLIC", "RAISERROR", "READ", "RECONFIGURE", "REFERENCES", "REPLICATION",
        "RESTORE", "RESTRICT", "RETURN", "REVERT", "REVOKE", "RIGHT", "ROLLBACK", "ROWCOUNT", "RULE", "SAVE", "SCHEMA", "SELECT",
        "SESSION_USER",
        "SET", "SETUSER", "SHUTDOWN", "SOME", "STATISTICS", "SYSTEM_USER", "TABLE", "TABLESAMPLE", "THEN", "TO", "TOP", "TRAN",
        "TRANSACTION",
        "TRIGGER", "TRUNCATE", "TRY_CONVERT", "UNION", "UNIQUE", "UNPIVOT", "UPDATE", "UPDATETEXT", "USE", "USER", "VALUES", "VARYING",
        "VIEW",
        "WAITFOR", "WHEN", "WHERE", "WHILE", "WITH", "WRITETEXT",
    ]
}

extension DataType {
    /// The type that a declaration names, nil for a name that is not in the subset.
    init?(name: String, arguments: [Int?], line: Int = 1) throws(SQLError) {
        func length(_ maximum: Int) throws(SQLError) -> Int {
            guard let argument = arguments.first else { return 1 }
            guard arguments.count == 1, let length = argument, length >= 1, length <= maximum else {
                throw SQLError(
                    number: 131, level: 15, state: 2,
                    message: "The size given to the type '\(name)' exceeds the maximum allowed (\(maximum)) or is not a length.",
                    line: line, scope: .batch)
            }
            return length
        }
        func varying(_ maximum: Int) throws(SQLError) -> Int? {
            arguments == [nil] || arguments == [DataType.maximumLength] ? nil : try length(maximum)
        }
        func scale() throws(SQLError) -> Int {
            guard let argument = arguments.first else { return 7 }
            guard arguments.count == 1, let scale = argument, (0...7).contains(scale) else {
                throw SQLError(number: 1002, level: 15, message: "Line \(line): Specified scale is invalid.", line: line, scope: .batch)
            }
            return scale
        }
        switch name {
        case "bit": self = .bit
        case "tinyint": self = .tinyint
        case "smallint": self = .smallint
        case "int", "integer": self = .int
        case "bigint": self = .bigint
        case "real": self = .real
        case "float": self = (arguments.first ?? 53) ?? 53 <= 24 ? .real : .float
        case "decimal", "numeric", "dec":
            let precision = (arguments.first ?? 18) ?? 0
            let scale = (arguments.dropFirst().first ?? 0) ?? -1
            guard arguments.count <= 2, precision >= 1, precision <= 38, scale >= 0, scale <= precision else {
                throw SQLError(
                    number: 1007, level: 15, message: "The precision or scale of '\(name)' is out of range.", line: line, scope: .batch)
            }
            guard precision <= DataType.maximumPrecision else {
                throw .unsupported("\(name)(\(precision),\(scale)): a precision above \(DataType.maximumPrecision)", line: line)
            }
            self = .decimal(precision: precision, scale: scale)
        case "char", "character": self = .char(try length(8000))
        case "varchar": self = .varchar(try varying(8000))
        case "nchar": self = .nchar(try length(4000))
        case "nvarchar": self = .nvarchar(try varying(4000))
        case "sysname": self = .nvarchar(128)
        case "binary": self = .binary(try length(8000))
        case "varbinary": self = .varbinary(try varying(8000))
        case "uniqueidentifier": self = .uniqueidentifier
        case "date": self = .date
        case "time": self = .time(scale: try scale())
        case "datetime": self = .datetime
        case "datetime2": self = .datetime2(scale: try scale())
        default: return nil
        }
    }

    /// The type that a SQLite column was declared with by ``declaration``, an IDENTITY suffix left aside.
    init?(declaration: String) {
        guard var parser = try? Parser(declaration), let type = try? parser.dataType() else { return nil }
        self = type
    }
}
