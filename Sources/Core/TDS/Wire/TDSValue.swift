public import NIOCore

/// A value of a column or parameter.
public enum TDSValue: Sendable, Hashable {
    case null
    case bit(Bool)
    case tinyInt(UInt8)
    case smallInt(Int16)
    case int(Int32)
    case bigInt(Int64)
    case real(Float)
    case float(Double)
    /// decimal, numeric, money and smallmoney.
    case decimal(TDSDecimal)
    case guid(TDSGUID)
    case date(TDSDate)
    case time(TDSTime)
    /// datetime2, datetime and smalldatetime, which have no time zone.
    case dateTime(TDSDateTime)
    /// The moment in UTC and the offset it was written with.
    case dateTimeOffset(TDSDateTime, offsetMinutes: Int16)
    case string(String)
    case binary(ByteBuffer)
}

extension TDSValue {
    public var isNull: Bool { self == .null }

    /// The value of any integer type, and of bit as 0 or 1.
    public var integer: Int64? {
        switch self {
        case .bit(let value): value ? 1 : 0
        case .tinyInt(let value): Int64(value)
        case .smallInt(let value): Int64(value)
        case .int(let value): Int64(value)
        case .bigInt(let value): value
        case .null, .real, .float, .decimal, .guid, .date, .time, .dateTime, .dateTimeOffset, .string, .binary: nil
        }
    }

    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var bytes: ByteBuffer? {
        if case .binary(let value) = self { value } else { nil }
    }

    public var double: Double? {
        switch self {
        case .real(let value): Double(value)
        case .float(let value): value
        default: nil
        }
    }
}

/// An exact number: `magnitude` divided by ten to the power `scale`.
public struct TDSDecimal: Sendable, Hashable, CustomStringConvertible {
    public var isNegative: Bool
    public var magnitude: UInt128
    public var scale: UInt8

    public init(isNegative: Bool, magnitude: UInt128, scale: UInt8) {
        self.isNegative = isNegative
        self.magnitude = magnitude
        self.scale = scale
    }

    /// The same number with another scale, or nil when digits would be lost or do not fit.
    func rescaled(to scale: UInt8) -> TDSDecimal? {
        var result = self
        while result.scale < scale {
            let (product, overflow) = result.magnitude.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            result.magnitude = product
            result.scale += 1
        }
        while result.scale > scale {
            guard result.magnitude % 10 == 0 else { return nil }
            result.magnitude /= 10
            result.scale -= 1
        }
        return result
    }

    public var description: String {
        var digits = String(self.magnitude)
        let scale = Int(self.scale)
        if digits.count <= scale { digits = String(repeating: "0", count: scale - digits.count + 1) + digits }
        let sign = self.isNegative && self.magnitude != 0 ? "-" : ""
        guard scale > 0 else { return sign + digits }
        return "\(sign)\(digits.dropLast(scale)).\(digits.suffix(scale))"
    }
}

/// A uniqueidentifier, in the order in which its text is written.
public struct TDSGUID: Sendable, Hashable, CustomStringConvertible {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public var description: String {
        let digits = Self.hexadecimal(self.high) + Self.hexadecimal(self.low)
        var groups: [Substring] = []
        var rest = digits[...]
        for length in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(length))
            rest = rest.dropFirst(length)
        }
        return groups.joined(separator: "-")
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
