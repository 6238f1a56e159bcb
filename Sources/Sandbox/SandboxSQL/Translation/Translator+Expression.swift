extension Translator {
    /// A condition; anything that is not one is an error, as T-SQL has no boolean values.
    mutating func condition(_ expression: Expression) throws(SQLError) -> String {
        switch expression {
        case .binary(.and, let left, let right): return "(\(try condition(left)) AND \(try condition(right)))"
        case .binary(.or, let left, let right): return "(\(try condition(left)) OR \(try condition(right)))"
        case .unary(.not, let operand): return "(NOT \(try condition(operand)))"
        case .binary(let operation, let left, let right) where operation.isComparison:
            let (a, b) = try unified(try scalar(left), try scalar(right))
            return "(\(a.collated) \(operation.rawValue) \(b.sql))"
        case .isNull(let operand, let negated):
            return "(\(try scalar(operand).sql) IS \(negated ? "NOT " : "")NULL)"
        case .inList(let operand, let values, let negated):
            let scalars = try ([operand] + values).map { expression throws(SQLError) in try scalar(expression) }
            let type = try commonType(scalars)
            let converted = try scalars.map { scalar throws(SQLError) in try convert(scalar, to: type, isExplicit: false) }
            return "(\(converted[0].collated) \(negated ? "NOT " : "")IN (\(converted.dropFirst().map(\.sql).joined(separator: ", "))))"
        case .inQuery(let operand, let query, let negated):
            return try membership(operand, query, negated: negated)
        case .between(let operand, let low, let high, let negated):
            let inside = Expression.binary(.and, .binary(.greaterOrEqual, operand, low), .binary(.lessOrEqual, operand, high))
            return negated ? "(NOT \(try condition(inside)))" : try condition(inside)
        case .like(let operand, let pattern, let escape, let negated):
            var arguments = [try text(operand), try text(pattern)]
            if let escape { arguments.append(try text(escape)) }
            return "(\(negated ? "NOT " : "")ts_like(\(arguments.joined(separator: ", "))))"
        case .exists(let query):
            return "EXISTS (\(try self.query(query).sql))"
        case .literal, .variable, .global, .column, .unary, .binary, .function, .cast, .choice, .subquery:
            throw SQLError(
                number: 4145, level: 15,
                message: "An expression of non-boolean type specified in a context where a condition is expected.", scope: .batch)
        }
    }

    private mutating func membership(_ operand: Expression, _ query: Query, negated: Bool) throws(SQLError) -> String {
        let left = try scalar(operand)
        let inner = try self.query(query)
        guard inner.columns.count == 1 else { throw .onlyOneExpression }
        let type = try commonType([left, Scalar("", inner.columns[0].type)])
        let alias = nextAlias()
        let value = try convert(Scalar("\(alias).v", inner.columns[0].type), to: type, isExplicit: false).sql
        let rows = "SELECT \(value) FROM (SELECT NULL AS v WHERE 0 UNION ALL SELECT * FROM (\(inner.sql))) AS \(alias)"
        return "(\(try convert(left, to: type, isExplicit: false).collated) \(negated ? "NOT " : "")IN (\(rows)))"
    }

    private mutating func text(_ expression: Expression) throws(SQLError) -> String {
        let scalar = try scalar(expression)
        return scalar.type.family == .string ? scalar.sql : try convert(scalar, to: .nvarchar(nil), isExplicit: false).sql
    }

    /// A value with its type.
    mutating func scalar(_ expression: Expression) throws(SQLError) -> Scalar {
        // An expression of GROUP BY may be used as a whole, whatever columns are in it.
        if let scope = scopes.last, let groups = scope.groups, !scope.isInsideAggregate, !expression.isColumn, groups.contains(expression) {
            scopes[scopes.count - 1].isInsideAggregate = true
            defer { scopes[scopes.count - 1].isInsideAggregate = false }
            return try scalar(expression)
        }
        switch expression {
        case .literal(let literal):
            return try self.literal(literal)
        case .variable(let name):
            guard let type = context.type(ofVariable: name) else { throw .undeclared(name) }
            return Scalar(bind(.variable(name.lowercased())), type)
        case .global(let name):
            return try global(name)
        case .column(let parts):
            return try column(parts)
        case .unary(let operation, let operand):
            return try unary(operation, operand)
        case .binary(let operation, let left, let right):
            guard !operation.isComparison, operation != .and, operation != .or else { throw .conditionAsValue(operation.rawValue) }
            return try arithmetic(operation, try scalar(left), try scalar(right))
        case .function(let call):
            return try function(call)
        case .cast(let operand, let type, let style, let failsToNull):
            return try cast(try scalar(operand), to: type, style: style, failsToNull: failsToNull)
        case .choice(let operand, let branches, let otherwise):
            return try choice(operand, branches, otherwise)
        case .subquery(let query):
            let inner = try self.query(query)
            guard inner.columns.count == 1 else { throw .onlyOneExpression }
            guard !query.hasOneRow else { return Scalar("(\(inner.sql))", inner.columns[0].type) }
            let count = "(SELECT count(*) FROM (SELECT 1 FROM (\(inner.sql)) LIMIT 2))"
            return Scalar("ts_single((\(inner.sql)), \(count))", inner.columns[0].type)
        case .isNull: throw .conditionAsValue("IS")
        case .inList, .inQuery: throw .conditionAsValue("IN")
        case .between: throw .conditionAsValue("BETWEEN")
        case .like: throw .conditionAsValue("LIKE")
        case .exists: throw .conditionAsValue("EXISTS")
        }
    }

    private func literal(_ literal: Literal) throws(SQLError) -> Scalar {
        switch literal {
        case .null:
            return Scalar(constant: .null, .int)
        case .integer(let digits):
            guard let value = Int64(digits) else {
                throw .unsupported("the literal \(digits): a precision above \(DataType.maximumPrecision)")
            }
            if DataType.int.integerRange?.contains(value) ?? false { return Scalar(constant: .integer(value), .int) }
            // SQL Server takes a literal beyond int as decimal; up to 18 digits it behaves as bigint in all that the sandbox does.
            return Scalar(constant: .integer(value), .bigint)
        case .decimal(let digits):
            guard let (value, scale) = Decimals.parse(digits), scale <= DataType.maximumPrecision else {
                throw .unsupported("the literal \(digits): a precision above \(DataType.maximumPrecision)")
            }
            let precision = max(String(value.magnitude).count, scale, 1)
            return Scalar(constant: .integer(value), .decimal(precision: min(precision, DataType.maximumPrecision), scale: scale))
        case .float(let digits):
            guard let value = Double(digits), value.isFinite else { throw .overflow(to: .float) }
            return Scalar(constant: .real(value), .float)
        case .string(let text, let national):
            let count = text.utf16.count
            if national { return Scalar(constant: .text(text), .nvarchar(count > 4000 ? nil : max(1, count))) }
            return Scalar(constant: .text(CodePage1252.representable(text)), .varchar(count > 8000 ? nil : max(1, count)))
        case .binary(let bytes):
            return Scalar(constant: .blob(bytes), .varbinary(bytes.count > 8000 ? nil : max(1, bytes.count)))
        }
    }

    private mutating func column(_ parts: [String]) throws(SQLError) -> Scalar {
        let name = parts[parts.count - 1]
        for index in scopes.indices.reversed() {
            let found = scopes[index].sources.flatMap { source -> [(Source, ResultColumn)] in
                guard parts.count == 1 || source.alias.caseInsensitivelyEquals(parts[parts.count - 2]) else { return [] }
                return source.columns.filter { $0.name.caseInsensitivelyEquals(name) }.map { (source, $0) }
            }
            guard found.count <= 1 else {
                throw SQLError(number: 209, message: "Ambiguous column name '\(name)'.", scope: .batch)
            }
            guard let (source, column) = found.first else { continue }
            if let groups = scopes[index].groups, !scopes[index].isInsideAggregate,
                !groups.contains(where: { matches($0, source, column, in: index) })
            {
                throw SQLError(
                    number: 8120,
                    message:
                        "Column '\(source.alias).\(column.name)' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause.",
                    scope: .batch)
            }
            return Scalar("\(source.sqlAlias).\(column.name.quotedName)", column.type)
        }
        throw parts.count == 1 ? .invalidColumn(name) : .unbound(parts.joined(separator: "."))
    }

    private func matches(_ group: Expression, _ source: Source, _ column: ResultColumn, in scope: Int) -> Bool {
        guard case .column(let parts) = group, let name = parts.last, name.caseInsensitivelyEquals(column.name) else { return false }
        return parts.count == 1 || source.alias.caseInsensitivelyEquals(parts[parts.count - 2])
    }

    // MARK: Operators

    private mutating func unary(_ operation: UnaryOperator, _ operand: Expression) throws(SQLError) -> Scalar {
        guard operation != .not else { throw .conditionAsValue("NOT") }
        if operation == .minus, case .literal(let literal) = operand {
            // The smallest bigint has no positive counterpart, so the sign goes into the literal.
            switch literal {
            case .integer(let digits): return try self.literal(.integer("-\(digits)"))
            case .decimal(let digits): return try self.literal(.decimal("-\(digits)"))
            case .float(let digits): return try self.literal(.float("-\(digits)"))
            case .null, .string, .binary: break
            }
        }
        let scalar = try scalar(operand)
        switch (operation, scalar.type.family) {
        case (.plus, .integer), (.plus, .decimal), (.plus, .approximate): return scalar
        case (.minus, .approximate): return Scalar("(-\(scalar.sql))", scalar.type)
        case (.minus, .integer), (.minus, .decimal):
            return try arithmetic(.subtract, Scalar(constant: .integer(0), scalar.type), scalar)
        case (.bitNot, .integer):
            return Scalar(scalar.type == .bit ? "(1 - \(scalar.sql))" : "(~\(scalar.sql))", scalar.type)
        default:
            throw .invalidOperand(scalar.type, operation == .minus ? "minus" : operation == .plus ? "plus" : "bitwise not")
        }
    }

    private mutating func arithmetic(_ operation: BinaryOperator, _ left: Scalar, _ right: Scalar) throws(SQLError) -> Scalar {
        let families = Set([left.type.family, right.type.family])
        if operation == .add, families == [.string] {
            let length = left.type.isMax || right.type.isMax ? nil : (left.type.length ?? 0) + (right.type.length ?? 0)
            let base = DataType.common(left.type, right.type)
            return Scalar("(\(left.sql) || \(right.sql))", (base.isUnicode ? DataType.nvarchar(1) : .varchar(1)).with(length: length))
        }
        let type = DataType.common(left.type, right.type)
        switch type.family {
        case .integer:
            let target: DataType = type == .bit ? .int : type
            let (a, b) = (try convert(left, to: target, isExplicit: false), try convert(right, to: target, isExplicit: false))
            switch operation {
            case .bitAnd, .bitOr: return Scalar("(\(a.sql) \(operation.rawValue) \(b.sql))", target)
            case .bitXor: return Scalar("((\(a.sql) | \(b.sql)) - (\(a.sql) & \(b.sql)))", target)
            default: return Scalar("ts_integer('\(operation.rawValue)', '\(target.name)', \(a.sql), \(b.sql))", target)
            }
        case .approximate:
            let (a, b) = (try convert(left, to: .float, isExplicit: false), try convert(right, to: .float, isExplicit: false))
            switch operation {
            case .add, .subtract, .multiply: return Scalar("(\(a.sql) \(operation.rawValue) \(b.sql))", .float)
            case .divide: return Scalar("ts_divide(\(a.sql), \(b.sql))", .float)
            default: throw .invalidOperand(type, "'\(operation.rawValue)' operator")
            }
        case .decimal:
            return try decimal(operation, left, right)
        case .string, .binary, .guid, .temporal:
            throw SQLError(
                number: 402,
                message: "The data types \(left.type.name) and \(right.type.name) are incompatible in the \(operation.rawValue) operator.",
                scope: .batch)
        }
    }

    /// Decimals are scaled integers: sums align the scales, products add them, quotients have six places.
    private mutating func decimal(_ operation: BinaryOperator, _ left: Scalar, _ right: Scalar) throws(SQLError) -> Scalar {
        let type = DataType.common(left.type, right.type)
        let maximum = DataType.maximumPrecision
        func own(_ scalar: Scalar) -> DataType {
            scalar.type.family == .decimal || scalar.type.family == .integer
                ? .decimal(precision: maximum, scale: scalar.type.decimalShape.scale)
                : .decimal(precision: maximum, scale: type.decimalShape.scale)
        }
        switch operation {
        case .add, .subtract, .modulo:
            let target = DataType.decimal(precision: maximum, scale: type.decimalShape.scale)
            let (a, b) = (try convert(left, to: target, isExplicit: false), try convert(right, to: target, isExplicit: false))
            return Scalar("ts_integer('\(operation.rawValue)', 'numeric', \(a.sql), \(b.sql))", target)
        case .multiply, .divide:
            let (a, b) = (try convert(left, to: own(left), isExplicit: false), try convert(right, to: own(right), isExplicit: false))
            let (leftScale, rightScale) = (a.type.decimalShape.scale, b.type.decimalShape.scale)
            let scale = operation == .multiply ? leftScale + rightScale : max(6, leftScale)
            guard scale < maximum else { throw .unsupported("a decimal result with \(scale) places") }
            let shift = scale + rightScale - leftScale
            let sql =
                operation == .multiply
                ? "ts_integer('*', 'numeric', \(a.sql), \(b.sql))" : "ts_decimal_divide(\(a.sql), \(b.sql), \(shift))"
            return Scalar(sql, .decimal(precision: maximum, scale: scale))
        default:
            throw .invalidOperand(type, "'\(operation.rawValue)' operator")
        }
    }

    private mutating func choice(_ operand: Expression?, _ branches: [Expression.Branch], _ otherwise: Expression?) throws(SQLError)
        -> Scalar
    {
        var conditions: [String] = []
        for branch in branches {
            let condition = operand.map { Expression.binary(.equal, $0, branch.condition) } ?? branch.condition
            conditions.append(try self.condition(condition))
        }
        var results = try branches.map { branch throws(SQLError) in try scalar(branch.result) }
        if let otherwise { results.append(try scalar(otherwise)) }
        let type = try commonType(results)
        let converted = try results.map { scalar throws(SQLError) in try convert(scalar, to: type, isExplicit: false).sql }
        var sql = "CASE"
        for (condition, result) in zip(conditions, converted) { sql += " WHEN \(condition) THEN \(result)" }
        if otherwise != nil { sql += " ELSE \(converted[converted.count - 1])" }
        return Scalar("(\(sql) END)", type)
    }

    // MARK: Types

    /// Both operands in the type of higher precedence.
    private mutating func unified(_ left: Scalar, _ right: Scalar) throws(SQLError) -> (Scalar, Scalar) {
        let type = try commonType([left, right])
        return (try convert(left, to: type, isExplicit: false), try convert(right, to: type, isExplicit: false))
    }

    /// The type all of the scalars are brought to; a bare NULL takes part only when there is nothing else.
    func commonType(_ scalars: [Scalar]) throws(SQLError) -> DataType {
        let typed = scalars.filter { !$0.isNull }.map(\.type)
        guard let first = typed.first else { return .int }
        return typed.dropFirst().reduce(first, DataType.common)
    }

    func convert(_ scalar: Scalar, to type: DataType, isExplicit: Bool, column: Conversion.Column? = nil) throws(SQLError) -> Scalar {
        if scalar.isNull { return Scalar(constant: .null, type) }
        let conversion = Conversion(from: scalar.type, to: type, column: column)
        try conversion.check(isExplicit: isExplicit)
        return apply(conversion, to: scalar)
    }

    private func cast(_ scalar: Scalar, to type: DataType, style: Int?, failsToNull: Bool) throws(SQLError) -> Scalar {
        if scalar.isNull { return Scalar(constant: .null, type) }
        let conversion = Conversion(from: scalar.type, to: type, style: style)
        try conversion.check(isExplicit: true)
        if failsToNull { return Scalar("ts_try_convert(\(scalar.sql), \(context.register(conversion)))", type) }
        return apply(conversion, to: scalar)
    }

    private func apply(_ conversion: Conversion, to scalar: Scalar) -> Scalar {
        if conversion.isIdentity {
            var same = scalar
            same.type = conversion.to
            return same
        }
        // A literal that cannot be converted fails when its row is reached, not before.
        if let constant = scalar.constant, let value = try? conversion(constant) { return Scalar(constant: value, conversion.to) }
        return Scalar("ts_convert(\(scalar.sql), \(context.register(conversion)))", conversion.to)
    }
}

extension SQLError {
    static let onlyOneExpression = SQLError(
        number: 116, message: "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.",
        scope: .batch)

    static func conditionAsValue(_ word: String) -> SQLError {
        SQLError(number: 102, level: 15, message: "Incorrect syntax near '\(word)': a condition is not a value.", scope: .batch)
    }

    static func invalidOperand(_ type: DataType, _ operation: String) -> SQLError {
        SQLError(number: 8117, message: "Operand data type \(type.name) is invalid for \(operation) operator.", scope: .batch)
    }
}
