/// A T-SQL data type of the sandbox's subset. A length of nil is `(max)`; lengths are in characters or bytes as in the declaration.
enum DataType: Hashable, Sendable {
    case bit, tinyint, smallint, int, bigint
    case real, float
    case decimal(precision: Int, scale: Int)
    case char(Int)
    case varchar(Int?)
    case nchar(Int)
    case nvarchar(Int?)
    case binary(Int)
    case varbinary(Int?)
    case uniqueidentifier
    case date
    case time(scale: Int)
    case datetime
    case datetime2(scale: Int)

    enum Family {
        case integer, approximate, decimal, string, binary, guid, temporal
    }

    /// The name without length, as in error messages.
    var name: String {
        switch self {
        case .bit: "bit"
        case .tinyint: "tinyint"
        case .smallint: "smallint"
        case .int: "int"
        case .bigint: "bigint"
        case .real: "real"
        case .float: "float"
        case .decimal: "numeric"
        case .char: "char"
        case .varchar: "varchar"
        case .nchar: "nchar"
        case .nvarchar: "nvarchar"
        case .binary: "binary"
        case .varbinary: "varbinary"
        case .uniqueidentifier: "uniqueidentifier"
        case .date: "date"
        case .time: "time"
        case .datetime: "datetime"
        case .datetime2: "datetime2"
        }
    }

    /// The declaration as T-SQL has it.
    var declaration: String {
        switch self {
        case .bit, .tinyint, .smallint, .int, .bigint, .real, .float, .uniqueidentifier, .date, .datetime: name
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .char(let length), .nchar(let length), .binary(let length): "\(name)(\(length))"
        case .varchar(let length), .nvarchar(let length), .varbinary(let length): "\(name)(\(length.map(String.init) ?? "max"))"
        case .time(let scale), .datetime2(let scale): "\(name)(\(scale))"
        }
    }

    /// The declaration of a SQLite column of this type. SQLite takes only numbers as lengths, so `max` is written as
    /// its number.
    var columnDeclaration: String {
        isMax ? "\(name)(\(DataType.maximumLength))" : declaration
    }

    static let maximumLength = Int(Int32.max)

    var family: Family {
        switch self {
        case .bit, .tinyint, .smallint, .int, .bigint: .integer
        case .real, .float: .approximate
        case .decimal: .decimal
        case .char, .varchar, .nchar, .nvarchar: .string
        case .binary, .varbinary: .binary
        case .uniqueidentifier: .guid
        case .date, .time, .datetime, .datetime2: .temporal
        }
    }

    /// Position in T-SQL's data type precedence; the higher one wins where two types meet.
    var precedence: Int {
        switch self {
        case .datetime2: 18
        case .datetime: 17
        case .date: 16
        case .time: 15
        case .float: 14
        case .real: 13
        case .decimal: 12
        case .bigint: 11
        case .int: 10
        case .smallint: 9
        case .tinyint: 8
        case .bit: 7
        case .uniqueidentifier: 6
        case .nvarchar: 5
        case .nchar: 4
        case .varchar: 3
        case .char: 2
        case .varbinary: 1
        case .binary: 0
        }
    }

    var integerRange: ClosedRange<Int64>? {
        switch self {
        case .bit: 0...1
        case .tinyint: 0...255
        case .smallint: Int64(Int16.min)...Int64(Int16.max)
        case .int: Int64(Int32.min)...Int64(Int32.max)
        case .bigint: Int64.min...Int64.max
        default: nil
        }
    }

    var isUnicode: Bool {
        switch self {
        case .nchar, .nvarchar: true
        default: false
        }
    }

    /// The declared length of a string or binary type, nil for `(max)` and for other types.
    var length: Int? {
        switch self {
        case .char(let length), .nchar(let length), .binary(let length): length
        case .varchar(let length), .nvarchar(let length), .varbinary(let length): length
        default: nil
        }
    }

    /// Digits of a value of this type taken as a decimal.
    var decimalShape: (precision: Int, scale: Int) {
        switch self {
        case .bit: (1, 0)
        case .tinyint: (3, 0)
        case .smallint: (5, 0)
        case .int: (10, 0)
        case .decimal(let precision, let scale): (precision, scale)
        default: (18, 0)
        }
    }

    /// Decimals are kept as scaled 64-bit integers.
    static let maximumPrecision = 18

    /// The type two operands are brought to before they are compared or combined by CASE, COALESCE or UNION.
    static func common(_ left: DataType, _ right: DataType) -> DataType {
        let (high, low) = left.precedence >= right.precedence ? (left, right) : (right, left)
        switch (high, low) {
        case (.decimal, _) where [.integer, .decimal].contains(low.family):
            let (a, b) = (high.decimalShape, low.decimalShape)
            let scale = max(a.scale, b.scale)
            let precision = max(a.precision - a.scale, b.precision - b.scale) + scale
            return .decimal(precision: min(precision, maximumPrecision), scale: scale)
        case (.datetime2(let a), .datetime2(let b)): return .datetime2(scale: max(a, b))
        case (.time(let a), .time(let b)): return .time(scale: max(a, b))
        case (.datetime2(let a), .datetime): return .datetime2(scale: max(a, 3))
        default: break
        }
        guard high.family == low.family, high.family == .string || high.family == .binary else { return high }
        return high.with(length: left.isMax || right.isMax ? nil : max(left.length ?? 1, right.length ?? 1))
    }

    var isMax: Bool {
        switch self {
        case .varchar(nil), .nvarchar(nil), .varbinary(nil): true
        default: false
        }
    }

    /// The same type with another length; a fixed-length type given `(max)` becomes its varying sibling.
    func with(length: Int?) -> DataType {
        switch self {
        case .char: length.map { .char($0) } ?? .varchar(nil)
        case .varchar: .varchar(length.flatMap { $0 > 8000 ? nil : $0 })
        case .nchar: length.map { .nchar($0) } ?? .nvarchar(nil)
        case .nvarchar: .nvarchar(length.flatMap { $0 > 4000 ? nil : $0 })
        case .binary: length.map { .binary($0) } ?? .varbinary(nil)
        case .varbinary: .varbinary(length.flatMap { $0 > 8000 ? nil : $0 })
        default: self
        }
    }
}
