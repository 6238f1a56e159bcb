/// A conversion of a value from one T-SQL type to another, as CAST, CONVERT and assignment do it.
struct Conversion: Hashable {
    var from: DataType
    var to: DataType
    /// The style argument of CONVERT.
    var style: Int?
    /// Set for the value of a column in INSERT and UPDATE, where a string that does not fit is an error instead of being cut.
    var column: Column?

    struct Column: Hashable {
        var table: String
        var name: String
    }

    init(from: DataType, to: DataType, style: Int? = nil, column: Column? = nil) {
        self.from = from
        self.to = to
        self.style = style
        self.column = column
    }

    /// Is `true` when every value of ``from`` is already one of ``to``, in the same layout.
    var isIdentity: Bool {
        guard style == nil else { return false }
        if from == to { return true }
        switch (from.family, to.family) {
        case (.integer, .integer):
            guard to != .bit, let source = from.integerRange, let target = to.integerRange else { return false }
            return target.lowerBound <= source.lowerBound && source.upperBound <= target.upperBound
        case (.string, .string):
            if case .char = to { return false }
            if case .nchar = to { return false }
            guard to.isUnicode || !from.isUnicode else { return false }
            return to.isMax || (from.length ?? .max) <= (to.length ?? 0)
        case (.binary, .binary):
            if case .binary = to { return false }
            return to.isMax || (from.length ?? .max) <= (to.length ?? 0)
        default:
            return from == .real && to == .float
        }
    }

    /// Is `true` when SQL Server has the conversion at all, with or without CAST.
    func check(isExplicit: Bool) throws(SQLError) {
        let pair = (from.family, to.family)
        let isForbidden: Bool =
            switch pair {
            case (.temporal, .integer), (.temporal, .approximate), (.temporal, .decimal),
                (.integer, .temporal), (.approximate, .temporal), (.decimal, .temporal):
                // SQL Server counts days for datetime; the sandbox has no need of it.
                true
            case (.guid, .integer), (.guid, .approximate), (.guid, .decimal), (.guid, .temporal),
                (.integer, .guid), (.approximate, .guid), (.decimal, .guid), (.temporal, .guid):
                true
            case (.binary, .temporal), (.temporal, .binary), (.binary, .approximate), (.approximate, .binary), (.decimal, .binary),
                (.binary, .decimal):
                true
            case (.temporal, .temporal):
                (from == .date && to.isTime) || (from.isTime && to == .date)
            default: false
            }
        guard !isForbidden else {
            throw isExplicit ? .conversionNotAllowed(from: from, to: to) : .clash(from, to)
        }
        guard isExplicit else {
            switch pair {
            case (.string, .binary), (.binary, .string): throw .explicitConversionNeeded(from: from, to: to)
            default: return
            }
        }
    }

    func callAsFunction(_ value: SQLValue) throws(SQLError) -> SQLValue {
        guard value != .null else { return .null }
        switch to.family {
        case .integer: return .integer(try integer(value))
        case .approximate: return .real(try approximate(value))
        case .decimal: return .integer(try decimal(value))
        case .string: return .text(try fit(try string(value)))
        case .binary: return .blob(try fit(try binary(value)))
        case .guid: return .text(try guid(value))
        case .temporal: return .text(try temporal(value).text(as: to))
        }
    }

    // MARK: Numbers

    private func integer(_ value: SQLValue) throws(SQLError) -> Int64 {
        let number: Int64
        switch (value, from.family) {
        case (.integer(let scaled), .decimal):
            number = scaled / power10(from.decimalShape.scale)
        case (.integer(let value), _):
            number = value
        case (.real(let value), _):
            guard to != .bit else { return value == 0 ? 0 : 1 }
            guard let exact = Int64(exactly: value.rounded(.towardZero)) else { throw .overflow(to: to) }
            number = exact
        case (.text(let text), _):
            number = try integer(from: text)
        case (.blob(let bytes), _):
            number = bytes.suffix(8).reduce(0) { $0 << 8 | Int64($1) }
        case (.null, _):
            number = 0
        }
        guard to != .bit else { return number == 0 ? 0 : 1 }
        guard let range = to.integerRange, range.contains(number) else {
            if case .text(let text) = value { throw overflow(of: text) }
            guard from.family == .integer, to != .bigint, to != .int else { throw .overflow(to: to) }
            throw SQLError(number: 220, state: 1, message: "Arithmetic overflow error for data type \(to.name), value = \(number).")
        }
        return number
    }

    private func integer(from text: String) throws(SQLError) -> Int64 {
        let digits = text.trimmed
        if to == .bit, digits.lowercased() == "true" { return 1 }
        if to == .bit, digits.lowercased() == "false" { return 0 }
        if digits.isEmpty { return 0 }
        if let number = Int64(digits) { return number }
        let isNumber = digits.allSatisfy { ("0"..."9").contains($0) || $0 == "-" || $0 == "+" }
        if to == .bigint { throw .conversionFailure(from: from, to: to) }
        throw isNumber ? overflow(of: text) : .conversion(of: text, from: from, to: to)
    }

    private func overflow(of text: String) -> SQLError {
        SQLError(
            number: to == .int ? 248 : 244,
            message: "The conversion of the \(from.name) value '\(text)' overflowed an \(to.name) column.", scope: .transaction)
    }

    private func approximate(_ value: SQLValue) throws(SQLError) -> Double {
        let number: Double
        switch (value, from.family) {
        case (.integer(let scaled), .decimal): number = Double(scaled) / Double(power10(from.decimalShape.scale))
        case (.integer(let value), _): number = Double(value)
        case (.real(let value), _): number = value
        case (.text(let text), _):
            guard let parsed = text.trimmed.isEmpty ? 0 : Double(text.trimmed), parsed.isFinite else {
                throw .conversionFailure(from: from, to: to)
            }
            number = parsed
        case (.blob, _), (.null, _): throw .conversionNotAllowed(from: from, to: to)
        }
        guard to == .real else { return number }
        guard Float(number).isFinite else { throw .overflow(to: to) }
        return Double(Float(number))
    }

    private func decimal(_ value: SQLValue) throws(SQLError) -> Int64 {
        let (precision, scale) = to.decimalShape
        let scaled: Int64?
        switch (value, from.family) {
        case (.integer(let value), .decimal): scaled = Decimals.rescale(value, from: from.decimalShape.scale, to: scale)
        case (.integer(let value), _): scaled = Decimals.rescale(value, from: 0, to: scale)
        case (.real(let value), _): scaled = Int64(exactly: (value * Double(power10(scale))).rounded(.toNearestOrAwayFromZero))
        case (.text(let text), _):
            guard let parsed = Decimals.parse(text.trimmed) else { throw .conversionFailure(from: from, to: to) }
            scaled = Decimals.rescale(parsed.value, from: parsed.scale, to: scale)
        case (.blob, _), (.null, _): throw .conversionNotAllowed(from: from, to: to)
        }
        guard let scaled, scaled.magnitude < UInt64(power10(precision)) else { throw .overflow(to: to) }
        return scaled
    }

    // MARK: Strings and bytes

    private func string(_ value: SQLValue) throws(SQLError) -> String {
        switch (value, from.family) {
        case (.integer(let value), .decimal): return Decimals.text(value, scale: from.decimalShape.scale)
        case (.integer(let value), _): return String(value)
        case (.real(let value), _): return try Conversion.text(of: value, style: style)
        case (.text(let text), .temporal): return try temporalText(text)
        case (.text(let text), _): return text
        case (.blob(let bytes), _):
            switch style {
            case 1: return "0x" + hexadecimal(bytes)
            case 2: return hexadecimal(bytes)
            case nil, 0:
                guard to.isUnicode else { return String(decoding: bytes, as: UTF8.self) }
                let units = stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
                return String(decoding: units, as: UTF16.self)
            default: throw .unsupported("CONVERT with style \(style ?? 0) of \(from.name)")
            }
        case (.null, _): return ""
        }
    }

    /// A float converts to at most six digits, as SQL Server's style 0 has it.
    private static func text(of value: Double, style: Int?) throws(SQLError) -> String {
        switch style {
        case nil, 0: return formatted(value, "%.6g")
        case 3: return formatted(value, "%.17g")
        case 1: return formatted(value, "%.7e")
        case 2: return formatted(value, "%.15e")
        default: throw .unsupported("CONVERT of float with style \(style ?? 0)")
        }
    }

    /// Cuts to the length of the target, or refuses where a column would lose data.
    private func fit(_ text: String) throws(SQLError) -> String {
        var text = text
        let limit = to.length
        if let limit {
            let count = text.utf16.count
            if count > limit {
                if from.family == .integer || from.family == .decimal, column == nil {
                    // Numbers are never cut: int gives '*', others fail.
                    guard from == .int || from == .smallint || from == .tinyint, !to.isUnicode else { throw .overflow(to: to) }
                    return "*"
                }
                let kept = String(decoding: Array(text.utf16.prefix(limit)), as: UTF16.self)
                let onlyBlanksLost = text.utf16.dropFirst(limit).allSatisfy { $0 == 0x20 }
                if let column, !onlyBlanksLost { throw truncation(column, kept: kept) }
                text = kept
            } else if count < limit {
                switch to {
                case .char, .nchar: text += String(repeating: " ", count: limit - count)
                default: break
                }
            }
        }
        // varchar columns hold code page 1252; what it lacks becomes a question mark, as on the server.
        guard !to.isUnicode, from.isUnicode || from.family == .binary else { return text }
        return CodePage1252.representable(text)
    }

    private func truncation(_ column: Column, kept: String) -> SQLError {
        SQLError(
            number: 2628,
            message:
                "String or binary data would be truncated in table '\(column.table)', column '\(column.name)'. Truncated value: '\(kept)'.")
    }

    private func binary(_ value: SQLValue) throws(SQLError) -> [UInt8] {
        switch value {
        case .blob(let bytes): return bytes
        case .text(let text) where from.family == .guid: return GUID.bytes(of: text) ?? []
        case .text(let text):
            switch style {
            case 1, 2:
                let digits = style == 1 ? String(text.dropFirst(2)) : text
                guard style == 2 || text.lowercased().hasPrefix("0x"), let bytes = [UInt8](hexadecimal: digits) else {
                    throw .conversionFailure(from: from, to: to)
                }
                return bytes
            default:
                return from.isUnicode
                    ? text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] } : CodePage1252.bytes(of: text)
            }
        case .integer(let number):
            let width = from == .bigint ? 8 : from == .int ? 4 : from == .smallint ? 2 : 1
            let bytes = (0..<width).map { UInt8(truncatingIfNeeded: number >> Int64(8 * (width - 1 - $0))) }
            // A shorter target keeps the low-order bytes, a longer fixed one is padded in front.
            guard let length = to.length else { return bytes }
            if case .binary = to, length > bytes.count { return [UInt8](repeating: 0, count: length - bytes.count) + bytes }
            return Array(bytes.suffix(length))
        case .real, .null:
            throw .conversionNotAllowed(from: from, to: to)
        }
    }

    private func fit(_ bytes: [UInt8]) throws(SQLError) -> [UInt8] {
        guard let limit = to.length else { return bytes }
        if bytes.count > limit {
            if let column { throw truncation(column, kept: "") }
            return Array(bytes.prefix(limit))
        }
        if case .binary = to { return bytes + [UInt8](repeating: 0, count: limit - bytes.count) }
        return bytes
    }

    private func guid(_ value: SQLValue) throws(SQLError) -> String {
        switch value {
        case .blob(let bytes) where bytes.count >= 16: return GUID.text(of: Array(bytes.prefix(16)))
        case .text(let text):
            var text = text.trimmed.uppercased()
            if text.hasPrefix("{"), text.hasSuffix("}") { text = String(text.dropFirst().dropLast()) }
            guard let bytes = GUID.bytes(of: text) else {
                throw SQLError(
                    number: 8169, state: 2, message: "Conversion failed when converting from a character string to uniqueidentifier.",
                    scope: .transaction)
            }
            return GUID.text(of: bytes)
        default: throw .conversionFailure(from: from, to: to)
        }
    }
}

extension DataType {
    var isTime: Bool {
        if case .time = self { true } else { false }
    }
}
