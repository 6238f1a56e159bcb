import NIOCore
import TDS

extension DataType {
    var typeInfo: TDSTypeInfo {
        switch self {
        case .bit: .bit
        case .tinyint: .tinyInt
        case .smallint: .smallInt
        case .int: .int
        case .bigint: .bigInt
        case .real: .real
        case .float: .float
        case .decimal(let precision, let scale): .decimal(precision: UInt8(precision), scale: UInt8(scale))
        case .char(let length): TDSTypeInfo(.char, maxLength: length, collation: .latin1General)
        case .varchar(let length): .varChar(length)
        case .nchar(let length): .nChar(length)
        case .nvarchar(let length): .nVarChar(length)
        case .binary(let length): .binary(length)
        case .varbinary(let length): .varBinary(length)
        case .uniqueidentifier: .guid
        case .date: .date
        case .time(let scale): .time(scale: UInt8(scale))
        case .datetime: .dateTime
        case .datetime2(let scale): .dateTime2(scale: UInt8(scale))
        }
    }

    /// The type of a parameter as it came; nil where the sandbox has none.
    init?(_ info: TDSTypeInfo) {
        // SQL Server sends numeric(38,...) for numbers that fit well into what we have.
        if info.type == .decimalN || info.type == .numericN {
            let scale = min(Int(info.scale), DataType.maximumPrecision)
            self = .decimal(precision: min(Int(info.precision), DataType.maximumPrecision), scale: scale)
            return
        }
        if info.type == .null {
            self = .nvarchar(1)
            return
        }
        if [.varChar, .char, .nVarChar, .nChar, .varBinary, .binary].contains(info.type), info.maxLength == 0 {
            self = info.type == .varBinary || info.type == .binary ? .varbinary(1) : .nvarchar(1)
            return
        }
        guard let declaration = info.declaration, let type = DataType(declaration: declaration) else { return nil }
        self = type
    }

    /// The value in the form that the wire encoder takes for this type.
    func wireValue(_ value: SQLValue) -> TDSValue {
        switch (self, value) {
        case (_, .null): return .null
        case (.bit, .integer(let number)): return .bit(number != 0)
        case (.decimal(_, let scale), .integer(let number)):
            return .decimal(TDSDecimal(isNegative: number < 0, magnitude: UInt128(number.magnitude), scale: UInt8(scale)))
        case (.real, .real(let number)): return .real(Float(number))
        case (.real, .integer(let number)): return .real(Float(number))
        case (.float, .integer(let number)): return .float(Double(number))
        case (_, .integer(let number)): return .bigInt(number)
        case (_, .real(let number)): return .float(number)
        case (_, .blob(let bytes)): return .binary(ByteBuffer(bytes: bytes))
        case (.uniqueidentifier, .text(let text)): return DataType.guid(text)
        case (.date, .text(let text)), (.time, .text(let text)), (.datetime, .text(let text)), (.datetime2, .text(let text)):
            guard let moment = Moment(text) else { return .null }
            let (date, time) = (TDSDate(days: Int32(moment.days)), TDSTime(ticks: moment.ticks))
            if self == .date { return .date(date) }
            return isTime ? .time(time) : .dateTime(TDSDateTime(date: date, time: time))
        case (_, .text(let text)): return .string(text)
        }
    }

    private static func guid(_ text: String) -> TDSValue {
        let digits = text.filter { $0 != "-" }
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.suffix(16), radix: 16) else { return .null }
        return .guid(TDSGUID(high: high, low: low))
    }
}

extension SQLValue {
    /// A parameter's value as it came, in the layout of `type`.
    init(_ value: TDSValue, as type: DataType) throws(SQLError) {
        switch value {
        case .null: self = .null
        case .bit(let value): self = .integer(value ? 1 : 0)
        case .tinyInt(let value): self = .integer(Int64(value))
        case .smallInt(let value): self = .integer(Int64(value))
        case .int(let value): self = .integer(Int64(value))
        case .bigInt(let value): self = .integer(value)
        case .real(let value): self = .real(Double(value))
        case .float(let value): self = .real(value)
        case .decimal(let decimal):
            guard let magnitude = Int64(exactly: decimal.magnitude), magnitude < power10(DataType.maximumPrecision) else {
                throw .overflow(to: type)
            }
            let scaled = Decimals.rescale(
                decimal.isNegative ? -magnitude : magnitude, from: Int(decimal.scale), to: type.decimalShape.scale)
            guard let scaled else { throw .overflow(to: type) }
            self = .integer(scaled)
        case .guid(let guid): self = .text(guid.description.uppercased())
        case .date(let date): self = .text(Moment(days: Int(date.days), ticks: 0).text(as: type))
        case .time(let time): self = .text(Moment(days: 0, ticks: time.ticks).text(as: type))
        case .dateTime(let moment): self = .text(Moment(days: Int(moment.date.days), ticks: moment.time.ticks).text(as: type))
        case .dateTimeOffset: throw .unsupported("datetimeoffset")
        case .string(let text): self = .text(text)
        case .binary(let bytes): self = .blob(Array(bytes.readableBytesView))
        }
    }
}
