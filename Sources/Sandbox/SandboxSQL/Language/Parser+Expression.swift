extension Parser {
    /// An expression or condition; which of the two it must be is decided by ``Translator``.
    mutating func expression() throws(SQLError) -> Expression {
        try nested { parser throws(SQLError) in
            try parser.chain({ parser throws(SQLError) in try parser.conjunction() }) { $0.take("OR") ? .or : nil }
        }
    }

    private mutating func conjunction() throws(SQLError) -> Expression {
        try chain({ parser throws(SQLError) in try parser.negation() }) { $0.take("AND") ? .and : nil }
    }

    private mutating func negation() throws(SQLError) -> Expression {
        guard take("NOT") else { return try predicate() }
        return .unary(.not, try nested { parser throws(SQLError) in try parser.negation() })
    }

    private mutating func predicate() throws(SQLError) -> Expression {
        if isWord("EXISTS"), isSymbol("(", ahead: 1) {
            advance()
            try expect(symbol: "(")
            let query = try query()
            try expect(symbol: ")")
            return .exists(query)
        }
        let left = try sum()
        if let comparison = comparisonOperator() {
            advance()
            guard !isWord("ANY"), !isWord("ALL"), !isWord("SOME") else { throw .unsupported("a quantified comparison", line: line) }
            return .binary(comparison, left, try sum())
        }
        if take("IS") {
            let isNegated = take("NOT")
            try expect("NULL")
            return .isNull(left, negated: isNegated)
        }
        let isNegated = isWord("NOT") && ["IN", "BETWEEN", "LIKE"].contains { isWord($0, ahead: 1) }
        if isNegated { advance() }
        if take("IN") { return try membership(of: left, negated: isNegated) }
        if take("BETWEEN") {
            let low = try sum()
            try expect("AND")
            return .between(left, low, try sum(), negated: isNegated)
        }
        if take("LIKE") {
            let pattern = try sum()
            return .like(left, pattern: pattern, escape: take("ESCAPE") ? try sum() : nil, negated: isNegated)
        }
        return left
    }

    private mutating func membership(of left: Expression, negated: Bool) throws(SQLError) -> Expression {
        try expect(symbol: "(")
        if isWord("SELECT") {
            let query = try query()
            try expect(symbol: ")")
            return .inQuery(left, query, negated: negated)
        }
        var values: [Expression] = []
        repeat { values.append(try sum()) } while take(symbol: ",")
        try expect(symbol: ")")
        return .inList(left, values, negated: negated)
    }

    private func comparisonOperator() -> BinaryOperator? {
        guard current.kind == .symbol else { return nil }
        switch current.text {
        case "!=": return .notEqual
        case "!<": return .greaterOrEqual
        case "!>": return .lessOrEqual
        default:
            guard let binary = BinaryOperator(rawValue: current.text), binary.isComparison else { return nil }
            return binary
        }
    }

    /// `+ - & | ^`, which bind equally in T-SQL.
    mutating func sum() throws(SQLError) -> Expression {
        try chain({ parser throws(SQLError) in try parser.product() }) { $0.takeOperator(of: ["+", "-", "&", "|", "^"]) }
    }

    private mutating func product() throws(SQLError) -> Expression {
        try chain({ parser throws(SQLError) in try parser.factor() }) { $0.takeOperator(of: ["*", "/", "%"]) }
    }

    /// Operands joined by operators of one rank, from left to right.
    private mutating func chain(
        _ operand: (inout Parser) throws(SQLError) -> Expression, _ operation: (inout Parser) -> BinaryOperator?
    ) throws(SQLError) -> Expression {
        var left = try operand(&self)
        var length = 0
        while let operation = operation(&self) {
            length += 1
            guard length < Parser.chainLimit else { throw tooDeep() }
            left = .binary(operation, left, try operand(&self))
        }
        return left
    }

    private mutating func takeOperator(of symbols: [String]) -> BinaryOperator? {
        guard current.kind == .symbol, symbols.contains(current.text), let operation = BinaryOperator(rawValue: current.text) else {
            return nil
        }
        advance()
        return operation
    }

    private mutating func factor() throws(SQLError) -> Expression {
        for (symbol, operation) in [("-", UnaryOperator.minus), ("+", .plus), ("~", .bitNot)] where take(symbol: symbol) {
            return .unary(operation, try nested { parser throws(SQLError) in try parser.factor() })
        }
        let primary = try primary()
        guard take("COLLATE") else { return primary }
        let name = current.text
        throw .unsupported("COLLATE \(name)", line: line)
    }

    private mutating func primary() throws(SQLError) -> Expression {
        let token = current
        switch token.kind {
        case .integer:
            advance()
            return .literal(.integer(token.text))
        case .decimal:
            advance()
            return .literal(.decimal(token.text))
        case .float:
            advance()
            return .literal(.float(token.text))
        case .string(let national):
            advance()
            return .literal(.string(token.text, national: national))
        case .binary(let bytes):
            advance()
            return .literal(.binary(bytes))
        case .variable:
            advance()
            return .variable(token.text)
        case .global:
            advance()
            return .global(token.text.uppercased())
        case .symbol where token.text == "(":
            advance()
            let inner: Expression = isWord("SELECT") ? .subquery(try query()) : try expression()
            try expect(symbol: ")")
            return inner
        case .word:
            return try word()
        case .quoted:
            return try named()
        case .symbol, .end:
            throw unexpected()
        }
    }

    private mutating func word() throws(SQLError) -> Expression {
        let word = current.text.uppercased()
        switch word {
        case "NULL":
            advance()
            return .literal(.null)
        case "CASE":
            return try choice()
        case "CAST", "TRY_CAST":
            guard isSymbol("(", ahead: 1) else { return try named() }
            advance()
            advance()
            let operand = try expression()
            try expect("AS")
            let type = try castType()
            try expect(symbol: ")")
            return .cast(operand, type, style: nil, failsToNull: word == "TRY_CAST")
        case "CONVERT", "TRY_CONVERT":
            advance()
            try expect(symbol: "(")
            let type = try castType()
            try expect(symbol: ",")
            let operand = try expression()
            let style = take(symbol: ",") ? try integer() : nil
            try expect(symbol: ")")
            return .cast(operand, type, style: style, failsToNull: word == "TRY_CONVERT")
        case "CURRENT_TIMESTAMP", "CURRENT_USER", "SESSION_USER", "SYSTEM_USER", "USER":
            advance()
            return .function(FunctionCall(name: word, arguments: []))
        case "LEFT", "RIGHT", "COALESCE", "NULLIF":
            guard isSymbol("(", ahead: 1) else { throw unexpected() }
            advance()
            return try call(word)
        default:
            return try named()
        }
    }

    /// In CAST and CONVERT, a string or binary type without length has length 30.
    private mutating func castType() throws(SQLError) -> DataType {
        let hasLength = isSymbol("(", ahead: 1)
        let type = try dataType()
        return type.length == 1 && !hasLength ? type.with(length: 30) : type
    }

    private mutating func choice() throws(SQLError) -> Expression {
        try expect("CASE")
        let operand = isWord("WHEN") ? nil : try expression()
        var branches: [Expression.Branch] = []
        while take("WHEN") {
            let condition = try expression()
            try expect("THEN")
            branches.append(Expression.Branch(condition: condition, result: try expression()))
        }
        guard !branches.isEmpty else { throw unexpected() }
        let otherwise = take("ELSE") ? try expression() : nil
        try expect("END")
        return .choice(operand: operand, branches: branches, otherwise: otherwise)
    }

    /// A column, or a function when an opening parenthesis follows.
    private mutating func named() throws(SQLError) -> Expression {
        let name = try objectName()
        guard isSymbol("(") else { return .column(name.parts) }
        return try call(name.object.uppercased())
    }

    private mutating func call(_ name: String) throws(SQLError) -> Expression {
        try expect(symbol: "(")
        var call = FunctionCall(name: name, arguments: [])
        if take(symbol: "*") {
            call.isStar = true
        } else if !isSymbol(")") {
            call.isDistinct = take("DISTINCT")
            if !call.isDistinct { _ = take("ALL") }
            repeat { call.arguments.append(try expression()) } while take(symbol: ",")
        }
        try expect(symbol: ")")
        guard !isWord("OVER") else { throw .unsupported("OVER", line: line) }
        return .function(call)
    }
}
