import Crypto

extension Session {
    /// The functions that translated SQL calls.
    func addFunctions() {
        connection.addCollation(Scalar.collation, Collation.compare)
        addConversions()
        addArithmetic()
        addStringFunctions()
        addDateFunctions()
        addLookups()
    }

    private func add(
        _ name: String, _ count: Int, isDeterministic: Bool = true, _ body: @escaping ([SQLValue]) throws(SQLError) -> SQLValue
    ) {
        connection.addFunction(name, arguments: count, isDeterministic: isDeterministic, body)
    }

    /// As ``add(_:_:isDeterministic:_:)``, for functions that give NULL when an argument is NULL.
    private func addStrict(_ name: String, _ count: Int, _ body: @escaping ([SQLValue]) throws(SQLError) -> SQLValue) {
        add(name, count) { arguments throws(SQLError) in arguments.contains(.null) ? .null : try body(arguments) }
    }

    // The connection belongs to the session, so its functions must not hold the session in turn.

    private func addConversions() {
        addStrict("ts_convert", 2) { [unowned self] arguments throws(SQLError) in
            try self.conversions[Int(arguments[1].number)](arguments[0])
        }
        addStrict("ts_try_convert", 2) { [unowned self] arguments throws(SQLError) in
            (try? self.conversions[Int(arguments[1].number)](arguments[0])) ?? .null
        }
        addStrict("ts_datalength", 2) { [unowned self] arguments throws(SQLError) in
            .integer(Int64(self.conversions[Int(arguments[1].number)].to.storageLength(of: arguments[0])))
        }
        add("ts_single", 2) { arguments throws(SQLError) in
            guard arguments[1].number < 2 else {
                throw SQLError(
                    number: 512,
                    message:
                        "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression."
                )
            }
            return arguments[0]
        }
    }

    private func addArithmetic() {
        addStrict("ts_integer", 4) { arguments throws(SQLError) in
            let (left, right) = (arguments[2].number, arguments[3].number)
            let result: (partialValue: Int64, overflow: Bool)
            switch arguments[0].string {
            case "+": result = left.addingReportingOverflow(right)
            case "-": result = left.subtractingReportingOverflow(right)
            case "*": result = left.multipliedReportingOverflow(by: right)
            case "/": result = left.dividedReportingOverflow(by: right)
            default: result = left.remainderReportingOverflow(dividingBy: right)
            }
            guard right != 0 || !["/", "%"].contains(arguments[0].string) else { throw .divideByZero }
            let type = arguments[1].string == "numeric" ? nil : DataType(declaration: arguments[1].string)
            let limit = type?.integerRange ?? -power10(DataType.maximumPrecision)...power10(DataType.maximumPrecision)
            guard !result.overflow, limit.contains(result.partialValue) else {
                throw .overflow(to: type ?? .decimal(precision: DataType.maximumPrecision, scale: 0))
            }
            return .integer(result.partialValue)
        }
        addStrict("ts_divide", 2) { arguments throws(SQLError) in
            guard case .real(let left) = arguments[0].asReal, case .real(let right) = arguments[1].asReal, right != 0 else {
                throw .divideByZero
            }
            return .real(left / right)
        }
        addStrict("ts_decimal_divide", 3) { arguments throws(SQLError) in
            let (left, right, shift) = (arguments[0].number, arguments[1].number, Int(arguments[2].number))
            guard right != 0 else { throw .divideByZero }
            // 128 bits hold the shifted dividend, whose 18 digits grow by at most 18.
            let dividend = shift >= 0 ? Int128(left) * Int128(power10(shift)) : Int128(left) / Int128(power10(-shift))
            guard let quotient = Int64(exactly: dividend / Int128(right)) else { throw .overflow(to: .decimal(precision: 18, scale: 6)) }
            return .integer(quotient)
        }
        addStrict("ts_abs", 2) { arguments throws(SQLError) in
            guard arguments[0].number != .min else { throw .overflow(to: .bigint) }
            return .integer(abs(arguments[0].number))
        }
        add("ts_newid", 0, isDeterministic: false) { _ throws(SQLError) in
            var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
            bytes[7] = bytes[7] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            return .text(GUID.text(of: bytes))
        }
        add("ts_rand", 0, isDeterministic: false) { _ throws(SQLError) in .real(Double.random(in: 0..<1)) }
        add("ts_identity", 0, isDeterministic: false) { [unowned self] _ throws(SQLError) in
            guard var cursor = self.identityCursor else { return .null }
            let value = cursor.next
            cursor.last = value
            cursor.next = value &+ cursor.increment
            self.identityCursor = cursor
            return .integer(value)
        }
    }

    private func addStringFunctions() {
        addStrict("ts_like", 2) { arguments throws(SQLError) in
            .integer(LikePattern(arguments[1].string, escape: nil).matches(arguments[0].string) ? 1 : 0)
        }
        addStrict("ts_like", 3) { arguments throws(SQLError) in
            guard let escape = arguments[2].string.first, arguments[2].string.count == 1 else {
                throw SQLError(
                    number: 506, message: "The invalid escape character \"\(arguments[2].string)\" was specified in a LIKE predicate.")
            }
            return .integer(LikePattern(arguments[1].string, escape: escape).matches(arguments[0].string) ? 1 : 0)
        }
        addStrict("ts_len", 1) { arguments throws(SQLError) in .integer(Int64(arguments[0].string.withoutTrailingBlanks.utf16.count)) }
        addStrict("ts_upper", 1) { arguments throws(SQLError) in .text(arguments[0].string.uppercased()) }
        addStrict("ts_lower", 1) { arguments throws(SQLError) in .text(arguments[0].string.lowercased()) }
        addStrict("ts_ltrim", 1) { arguments throws(SQLError) in .text(String(arguments[0].string.drop { $0 == " " })) }
        addStrict("ts_rtrim", 1) { arguments throws(SQLError) in .text(arguments[0].string.withoutTrailingBlanks) }
        addStrict("ts_trim", 1) { arguments throws(SQLError) in .text(String(arguments[0].string.withoutTrailingBlanks.drop { $0 == " " }))
        }
        addStrict("ts_substring", 3) { arguments throws(SQLError) in
            guard arguments[2].number >= 0 else { throw .invalidLength("substring") }
            // Places count from 1, and a start before that takes its share of the length.
            let start = max(1, arguments[1].number)
            let end =
                arguments[1].number.addingReportingOverflow(arguments[2].number).overflow
                ? Int64.max : arguments[1].number + arguments[2].number
            let skip = Int(min(start - 1, Int64(Int32.max)))
            let keep = Int(min(max(0, end - start), Int64(Int32.max)))
            if case .blob(let bytes) = arguments[0] { return .blob(Array(bytes.dropFirst(skip).prefix(keep))) }
            return .text(arguments[0].string.units(skip, keep))
        }
        addStrict("ts_left", 2) { arguments throws(SQLError) in
            guard arguments[1].number >= 0 else { throw .invalidLength("left") }
            return .text(arguments[0].string.units(0, Int(arguments[1].number)))
        }
        addStrict("ts_right", 2) { arguments throws(SQLError) in
            guard arguments[1].number >= 0 else { throw .invalidLength("right") }
            let count = arguments[0].string.utf16.count
            return .text(arguments[0].string.units(max(0, count - Int(arguments[1].number)), count))
        }
        addStrict("ts_replace", 3) { arguments throws(SQLError) in
            guard !arguments[1].string.isEmpty else { return arguments[0] }
            return .text(arguments[0].string.replacingWithoutCase(arguments[1].string, with: arguments[2].string))
        }
        addStrict("ts_replicate", 3) { arguments throws(SQLError) in
            guard arguments[1].number >= 0 else { return .null }
            let limit = arguments[2].number < 0 ? 16_777_216 : Int(arguments[2].number)
            let unit = max(1, arguments[0].string.utf16.count)
            let count = min(Int(clamping: arguments[1].number), limit / unit + 1)
            return .text(String(repeating: arguments[0].string, count: count).units(0, limit))
        }
        addStrict("ts_charindex", 3) { arguments throws(SQLError) in
            .integer(Int64(arguments[1].string.place(of: arguments[0].string, from: Int(clamping: arguments[2].number))))
        }
        addStrict("ts_hashbytes", 2) { arguments throws(SQLError) in
            guard case .blob(let bytes) = arguments[1] else { return .null }
            switch arguments[0].string.uppercased() {
            case "SHA2_256": return .blob(Array(SHA256.hash(data: bytes)))
            case "SHA2_512": return .blob(Array(SHA512.hash(data: bytes)))
            case "SHA1", "SHA": return .blob(Array(Insecure.SHA1.hash(data: bytes)))
            case "MD5": return .blob(Array(Insecure.MD5.hash(data: bytes)))
            default: return .null
            }
        }
    }

    private func addDateFunctions() {
        addStrict("ts_dateadd", 4) { [unowned self] arguments throws(SQLError) in
            guard let part = DatePart(rawValue: arguments[0].string), let moment = Moment(arguments[2].string) else {
                throw .temporalConversion
            }
            let type = self.conversions[Int(arguments[3].number)].to
            guard let result = moment.adding(arguments[1].number, part) else {
                throw SQLError(number: 517, message: "Adding a value to a '\(type.name)' column caused an overflow.")
            }
            return .text(result.text(as: type))
        }
        addStrict("ts_datediff", 4) { arguments throws(SQLError) in
            guard let part = DatePart(rawValue: arguments[0].string), let from = Moment(arguments[1].string),
                let to = Moment(arguments[2].string)
            else { throw .temporalConversion }
            let difference = from.boundaries(of: part, to: to)
            guard let difference, arguments[3].string == "bigint" || Int32(exactly: difference) != nil else {
                throw SQLError(
                    number: 535, state: 0,
                    message:
                        "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart."
                )
            }
            return .integer(difference)
        }
        addStrict("ts_datepart", 2) { arguments throws(SQLError) in
            guard let part = DatePart(rawValue: arguments[0].string), let moment = Moment(arguments[1].string) else {
                throw .temporalConversion
            }
            return .integer(moment.value(of: part))
        }
    }

    private func addLookups() {
        add("ts_db_id", 1, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
            self.server.databases[arguments[0].string].map { .integer(Int64($0.id)) } ?? .null
        }
        add("ts_has_dbaccess", 1, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
            self.server.databases[arguments[0].string].map { .integer(self.mayUse($0) ? 1 : 0) } ?? .null
        }
        add("ts_has_permission", 3, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
            .integer(self.hasPermission(arguments[2].string, onServer: arguments[0] == .null) ? 1 : 0)
        }
        add("ts_is_server_role_member", 1, isDeterministic: false) { [unowned self] _ throws(SQLError) in
            .integer(self.isAdministrator ? 1 : 0)
        }
        add("ts_is_member", 1, isDeterministic: false) { [unowned self] _ throws(SQLError) in
            .integer(self.server.databases[self.database].map(self.owns) ?? false ? 1 : 0)
        }
        for count in 1...2 {
            add("ts_object_id", count, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
                guard !arguments.contains(.null) else { return .null }
                let kind = arguments.count > 1 ? arguments[1].string.uppercased() : "U"
                return kind == "U" ? try self.objectID(arguments[0].string).map { .integer($0) } ?? .null : .null
            }
        }
        add("ts_serverproperty", 1, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
            self.server.product.property(arguments[0].string).map { .text($0) } ?? .null
        }
        add("ts_databasepropertyex", 2, isDeterministic: false) { [unowned self] arguments throws(SQLError) in
            guard let file = self.server.databases[arguments[0].string] else { return .null }
            switch arguments[1].string.lowercased() {
            case "status": return .text(self.server.status(of: file).rawValue)
            case "updateability": return .text("READ_WRITE")
            case "recovery": return .text("FULL")
            case "collation": return .text(ServerProduct.collation)
            case "useraccess": return .text("MULTI_USER")
            default: return .null
            }
        }
    }

    private func objectID(_ text: String) throws(SQLError) -> Int64? {
        guard var parser = try? Parser(text), let name = try? parser.objectName(), parser.isAtEnd else { return nil }
        guard name.database.map({ server.databases[$0] != nil }) ?? true, let table = try table(name), !table.isReadOnly else { return nil }
        let rows = try metadata(
            "SELECT rowid FROM \(table.database.quotedName).sqlite_master WHERE type = 'table' AND name = ?", [.text(table.name)])
        guard case .integer(let row)? = rows.first?.first else { return nil }
        return SystemViews.objectID(ofRow: row)
    }
}

extension SQLError {
    static func invalidLength(_ function: String) -> SQLError {
        SQLError(number: 537, state: 2, message: "Invalid length parameter passed to the \(function) function.")
    }
}

extension SQLValue {
    var number: Int64 {
        if case .integer(let value) = self { value } else { 0 }
    }

    var string: String {
        if case .text(let value) = self { value } else { "" }
    }

    fileprivate var asReal: SQLValue {
        if case .integer(let value) = self { .real(Double(value)) } else { self }
    }
}

extension DataType {
    /// DATALENGTH: the bytes that SQL Server would store.
    func storageLength(of value: SQLValue) -> Int {
        switch (self, value) {
        case (.bit, _), (.tinyint, _): 1
        case (.smallint, _): 2
        case (.int, _), (.real, _): 4
        case (.bigint, _), (.float, _), (.datetime, _): 8
        case (.decimal(let precision, _), _): precision <= 9 ? 5 : 9
        case (.uniqueidentifier, _): 16
        case (.date, _): 3
        case (.time(let scale), _): scale <= 2 ? 3 : scale <= 4 ? 4 : 5
        case (.datetime2(let scale), _): scale <= 2 ? 6 : scale <= 4 ? 7 : 8
        case (_, .blob(let bytes)): bytes.count
        case (_, .text(let text)): isUnicode ? text.utf16.count * 2 : CodePage1252.bytes(of: text).count
        default: 0
        }
    }
}
