extension Translator {
    mutating func global(_ name: String) throws(SQLError) -> Scalar {
        switch name {
        case "TRANCOUNT": Scalar(bind(.session(.transactionCount)), .int)
        case "ROWCOUNT": Scalar(bind(.session(.rowCount)), .int)
        case "SPID": Scalar(bind(.session(.sessionID)), .smallint)
        case "VERSION": Scalar(bind(.session(.version)), .nvarchar(300))
        case "SERVERNAME": Scalar(bind(.session(.serverName)), .nvarchar(128))
        case "LANGUAGE": Scalar(bind(.session(.languageName)), .nvarchar(128))
        case "ERROR": Scalar(bind(.session(.error)), .int)
        case "IDENTITY": Scalar(bind(.session(.identity)), .decimal(precision: 18, scale: 0))
        case "OPTIONS": Scalar(bind(.session(.options)), .int)
        case "LOCK_TIMEOUT": Scalar(bind(.session(.lockTimeout)), .int)
        case "MAX_PRECISION": Scalar(bind(.session(.maximumPrecision)), .tinyint)
        case "TEXTSIZE": Scalar(bind(.session(.textSize)), .int)
        case "DATEFIRST": Scalar(bind(.session(.dateFirst)), .tinyint)
        case "NESTLEVEL": Scalar(bind(.session(.nestLevel)), .int)
        default:
            throw SQLError(number: 137, level: 15, state: 2, message: "Must declare the scalar variable \"@@\(name)\".", scope: .batch)
        }
    }

    mutating func function(_ call: FunctionCall) throws(SQLError) -> Scalar {
        if call.isAggregate { return try aggregate(call) }
        guard !call.isStar, !call.isDistinct else { throw .syntax(near: "*", line: 1) }
        if ["DATEADD", "DATEDIFF", "DATEDIFF_BIG", "DATEPART", "DATENAME"].contains(call.name) { return try date(call) }
        if let result = try sessionFunction(call) { return result }
        let arguments = try call.arguments.map { argument throws(SQLError) in
            // IIF alone takes a condition.
            if call.name == "IIF", argument == call.arguments.first { return Scalar("", .bit) }
            return try scalar(argument)
        }
        if let result = try stringFunction(call, arguments) { return result }
        if let result = try generalFunction(call, arguments) { return result }
        throw SQLError(
            number: 195, level: 15, state: 10, message: "'\(call.name)' is not a recognized built-in function name.", scope: .batch)
    }

    private func check(_ call: FunctionCall, _ count: ClosedRange<Int>) throws(SQLError) {
        guard count.contains(call.arguments.count) else {
            let needed = count.lowerBound == count.upperBound ? "\(count.lowerBound)" : "\(count.lowerBound) to \(count.upperBound)"
            throw SQLError(
                number: 174, level: 15, message: "The \(call.name.lowercased()) function requires \(needed) argument(s).", scope: .batch)
        }
    }

    // MARK: Aggregates

    private mutating func aggregate(_ call: FunctionCall) throws(SQLError) -> Scalar {
        guard let scope = scopes.indices.last, scopes[scope].allowsAggregates else {
            throw SQLError(
                number: 147, level: 15,
                message:
                    "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list.",
                scope: .batch)
        }
        guard !scopes[scope].isInsideAggregate else {
            throw SQLError(
                number: 130, level: 15,
                message: "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.", scope: .batch)
        }
        if call.isStar {
            guard call.name == "COUNT" || call.name == "COUNT_BIG" else { throw .syntax(near: "*", line: 1) }
            return Scalar("count(*)", call.name == "COUNT" ? .int : .bigint)
        }
        try check(call, 1...1)
        scopes[scope].isInsideAggregate = true
        defer { scopes[scope].isInsideAggregate = false }
        let operand = try scalar(call.arguments[0])
        let distinct = call.isDistinct ? "DISTINCT " : ""
        switch call.name {
        case "COUNT": return Scalar("count(\(distinct)\(operand.collated))", .int)
        case "COUNT_BIG": return Scalar("count(\(distinct)\(operand.collated))", .bigint)
        case "MIN", "MAX":
            guard operand.type != .bit else { throw .invalidOperand(.bit, call.name.lowercased()) }
            return Scalar("\(call.name.lowercased())(\(operand.collated))", operand.type)
        case "SUM":
            switch operand.type.family {
            case .integer where operand.type != .bit:
                let target: DataType = operand.type == .bigint ? .bigint : .int
                return Scalar("ts_integer('+', '\(target.name)', sum(\(distinct)\(operand.sql)), 0)", target)
            case .approximate:
                return Scalar("sum(\(distinct)\(operand.sql))", .float)
            case .decimal:
                return Scalar(
                    "sum(\(distinct)\(operand.sql))", .decimal(precision: DataType.maximumPrecision, scale: operand.type.decimalShape.scale)
                )
            default: throw .invalidOperand(operand.type, "sum")
            }
        default:
            switch operand.type.family {
            case .integer where operand.type != .bit:
                let value = "(sum(\(distinct)\(operand.sql)) / count(\(distinct)\(operand.sql)))"
                return Scalar(value, operand.type == .bigint ? .bigint : .int)
            case .approximate: return Scalar("avg(\(distinct)\(operand.sql))", .float)
            case .decimal: throw .unsupported("AVG of numeric")
            default: throw .invalidOperand(operand.type, "avg")
            }
        }
    }

    // MARK: Session

    /// Functions of no argument, or of names that are looked up when the statement runs.
    private mutating func sessionFunction(_ call: FunctionCall) throws(SQLError) -> Scalar? {
        func lookUp(_ function: String, _ type: DataType) throws(SQLError) -> Scalar {
            var copy = self
            defer { self = copy }
            let arguments = try call.arguments.map { argument throws(SQLError) in
                try copy.convert(try copy.scalar(argument), to: .nvarchar(nil), isExplicit: false).sql
            }
            return Scalar("\(function)(\(arguments.joined(separator: ", ")))", type)
        }
        switch (call.name, call.arguments.count) {
        case ("GETDATE", 0), ("CURRENT_TIMESTAMP", 0), ("GETUTCDATE", 0): return Scalar(bind(.session(.now)), .datetime)
        case ("SYSUTCDATETIME", 0), ("SYSDATETIME", 0): return Scalar(bind(.session(.utcNow)), .datetime2(scale: 7))
        case ("NEWID", 0): return Scalar("ts_newid()", .uniqueidentifier)
        case ("RAND", 0): return Scalar("ts_rand()", .float)
        case ("DB_NAME", 0), ("ORIGINAL_DB_NAME", 0): return Scalar(bind(.session(.databaseName)), .nvarchar(128))
        case ("DB_ID", 0): return Scalar(bind(.session(.databaseID)), .smallint)
        case ("SUSER_SNAME", 0), ("SUSER_NAME", 0), ("SYSTEM_USER", 0), ("ORIGINAL_LOGIN", 0):
            return Scalar(bind(.session(.login)), .nvarchar(128))
        case ("USER_NAME", 0), ("CURRENT_USER", 0), ("SESSION_USER", 0), ("USER", 0): return Scalar(bind(.session(.user)), .nvarchar(128))
        case ("SCHEMA_NAME", 0): return Scalar(constant: .text("dbo"), .nvarchar(128))
        case ("HOST_NAME", 0): return Scalar(bind(.session(.hostName)), .nvarchar(128))
        case ("APP_NAME", 0): return Scalar(bind(.session(.applicationName)), .nvarchar(128))
        case ("SCOPE_IDENTITY", 0): return Scalar(bind(.session(.scopeIdentity)), .decimal(precision: 18, scale: 0))
        case ("XACT_STATE", 0): return Scalar(bind(.session(.transactionState)), .smallint)
        case ("ROWCOUNT_BIG", 0): return Scalar(bind(.session(.rowCount)), .bigint)
        case ("DB_ID", 1): return try lookUp("ts_db_id", .smallint)
        case ("OBJECT_ID", 1...2): return try lookUp("ts_object_id", .int)
        case ("SERVERPROPERTY", 1): return try lookUp("ts_serverproperty", .nvarchar(128))
        case ("DATABASEPROPERTYEX", 2): return try lookUp("ts_databasepropertyex", .nvarchar(128))
        case ("HAS_DBACCESS", 1): return try lookUp("ts_has_dbaccess", .int)
        case ("HAS_PERMS_BY_NAME", 3): return try lookUp("ts_has_permission", .int)
        case ("IS_SRVROLEMEMBER", 1): return try lookUp("ts_is_server_role_member", .int)
        case ("IS_MEMBER", 1), ("IS_ROLEMEMBER", 1): return try lookUp("ts_is_member", .int)
        default: return nil
        }
    }

    // MARK: Strings

    private func stringFunction(_ call: FunctionCall, _ arguments: [Scalar]) throws(SQLError) -> Scalar? {
        func text(_ index: Int) throws(SQLError) -> Scalar {
            arguments[index].type.family == .string
                ? arguments[index] : try convert(arguments[index], to: .nvarchar(nil), isExplicit: false)
        }
        func number(_ index: Int) throws(SQLError) -> String { try convert(arguments[index], to: .bigint, isExplicit: false).sql }
        switch call.name {
        case "LEN":
            try check(call, 1...1)
            return Scalar("ts_len(\(try text(0).sql))", arguments[0].type.isMax ? .bigint : .int)
        case "DATALENGTH":
            try check(call, 1...1)
            let index = context.register(Conversion(from: arguments[0].type, to: arguments[0].type))
            return Scalar("ts_datalength(\(arguments[0].sql), \(index))", arguments[0].type.isMax ? .bigint : .int)
        case "UPPER", "LOWER", "LTRIM", "RTRIM", "TRIM":
            try check(call, 1...1)
            let operand = try text(0)
            return Scalar("ts_\(call.name.lowercased())(\(operand.sql))", operand.type)
        case "SUBSTRING":
            try check(call, 3...3)
            let operand = arguments[0].type.family == .binary ? arguments[0] : try text(0)
            return Scalar("ts_substring(\(operand.sql), \(try number(1)), \(try number(2)))", operand.type)
        case "LEFT", "RIGHT":
            try check(call, 2...2)
            let operand = try text(0)
            return Scalar("ts_\(call.name.lowercased())(\(operand.sql), \(try number(1)))", operand.type)
        case "REPLACE":
            try check(call, 3...3)
            return Scalar("ts_replace(\(try text(0).sql), \(try text(1).sql), \(try text(2).sql))", .nvarchar(nil))
        case "REPLICATE":
            try check(call, 2...2)
            let operand = try text(0)
            // Without (max) the result is cut at 8000 bytes.
            let limit = operand.type.isMax ? -1 : operand.type.isUnicode ? 4000 : 8000
            return Scalar(
                "ts_replicate(\(operand.sql), \(try number(1)), \(limit))", operand.type.with(length: operand.type.isMax ? nil : limit))
        case "CHARINDEX":
            try check(call, 2...3)
            return Scalar("ts_charindex(\(try text(0).sql), \(try text(1).sql), \(arguments.count == 3 ? try number(2) : "1"))", .int)
        case "CONCAT":
            try check(call, 2...254)
            let parts = try arguments.indices.map { index throws(SQLError) in "coalesce(\(try text(index).sql), '')" }
            return Scalar("(\(parts.joined(separator: " || ")))", .nvarchar(nil))
        default:
            return nil
        }
    }

    private mutating func generalFunction(_ call: FunctionCall, _ arguments: [Scalar]) throws(SQLError) -> Scalar? {
        switch call.name {
        case "ISNULL":
            try check(call, 2...2)
            let type = arguments[0].isNull ? arguments[1].type : arguments[0].type
            return Scalar(
                "coalesce(\(arguments[0].sql), \(try convert(arguments[1], to: type, isExplicit: false).sql))", type)
        case "COALESCE":
            try check(call, 2...254)
            let type = try commonType(arguments)
            let converted = try arguments.map { argument throws(SQLError) in try convert(argument, to: type, isExplicit: false).sql }
            return Scalar("coalesce(\(converted.joined(separator: ", ")))", type)
        case "NULLIF":
            try check(call, 2...2)
            return try scalar(
                .choice(
                    operand: nil,
                    branches: [.init(condition: .binary(.equal, call.arguments[0], call.arguments[1]), result: .literal(.null))],
                    otherwise: call.arguments[0]))
        case "IIF":
            try check(call, 3...3)
            return try scalar(
                .choice(
                    operand: nil, branches: [.init(condition: call.arguments[0], result: call.arguments[1])], otherwise: call.arguments[2]))
        case "ABS":
            try check(call, 1...1)
            switch arguments[0].type.family {
            case .approximate: return Scalar("abs(\(arguments[0].sql))", .float)
            case .integer, .decimal: return Scalar("ts_abs(\(arguments[0].sql), '\(arguments[0].type.name)')", arguments[0].type)
            default: throw .invalidOperand(arguments[0].type, "abs")
            }
        case "HASHBYTES":
            try check(call, 2...2)
            let type = arguments[1].type
            guard type.family == .string || type.family == .binary else { throw .clash(type, .varbinary(nil)) }
            let bytes = apply(Conversion(from: type, to: .varbinary(nil)), arguments[1])
            return Scalar("ts_hashbytes(\(arguments[0].sql), \(bytes))", .varbinary(64))
        default:
            return nil
        }
    }

    private func apply(_ conversion: Conversion, _ scalar: Scalar) -> String {
        "ts_convert(\(scalar.sql), \(context.register(conversion)))"
    }

    // MARK: Dates

    private mutating func date(_ call: FunctionCall) throws(SQLError) -> Scalar {
        guard case .column(let parts)? = call.arguments.first, parts.count == 1, let part = DatePart(name: parts[0]) else {
            throw SQLError(
                number: 155, level: 15, message: "The first argument of \(call.name) is not a recognized datepart.", scope: .batch)
        }
        func moment(_ expression: Expression) throws(SQLError) -> Scalar {
            let value = try scalar(expression)
            return value.type.family == .temporal ? value : try convert(value, to: .datetime2(scale: 7), isExplicit: false)
        }
        switch call.name {
        case "DATEADD":
            try check(call, 3...3)
            let amount = try convert(try scalar(call.arguments[1]), to: .bigint, isExplicit: false)
            let value = try moment(call.arguments[2])
            let index = context.register(Conversion(from: value.type, to: value.type))
            return Scalar("ts_dateadd('\(part.rawValue)', \(amount.sql), \(value.sql), \(index))", value.type)
        case "DATEDIFF", "DATEDIFF_BIG":
            try check(call, 3...3)
            let (from, to) = (try moment(call.arguments[1]), try moment(call.arguments[2]))
            let type: DataType = call.name == "DATEDIFF" ? .int : .bigint
            return Scalar("ts_datediff('\(part.rawValue)', \(from.sql), \(to.sql), '\(type.name)')", type)
        case "DATEPART":
            try check(call, 2...2)
            return Scalar("ts_datepart('\(part.rawValue)', \(try moment(call.arguments[1]).sql))", .int)
        default:
            throw .unsupported(call.name)
        }
    }
}

/// The units of DATEADD, DATEDIFF and DATEPART.
enum DatePart: String {
    case year, quarter, month, day, hour, minute, second, millisecond, microsecond, nanosecond

    init?(name: String) {
        switch name.lowercased() {
        case "year", "yy", "yyyy": self = .year
        case "quarter", "qq", "q": self = .quarter
        case "month", "mm", "m": self = .month
        case "day", "dd", "d", "dayofyear", "dy", "y": self = .day
        case "hour", "hh": self = .hour
        case "minute", "mi", "n": self = .minute
        case "second", "ss", "s": self = .second
        case "millisecond", "ms": self = .millisecond
        case "microsecond", "mcs": self = .microsecond
        case "nanosecond", "ns": self = .nanosecond
        default: return nil
        }
    }

    /// 100 ns ticks of one unit; nil for units of the calendar and for the nanosecond, which is finer than a tick.
    var ticks: Int64? {
        switch self {
        case .year, .quarter, .month, .day, .nanosecond: nil
        case .hour: 36_000_000_000
        case .minute: 600_000_000
        case .second: 10_000_000
        case .millisecond: 10_000
        case .microsecond: 10
        }
    }
}
