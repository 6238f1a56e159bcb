/// The type codes of TYPE_INFO (MS-TDS 2.2.5.4).
public enum TDSDataType: UInt8, Sendable, Hashable {
    case null = 0x1F
    case image = 0x22
    case text = 0x23
    case guid = 0x24
    case intN = 0x26
    case date = 0x28
    case time = 0x29
    case dateTime2 = 0x2A
    case dateTimeOffset = 0x2B
    case tinyInt = 0x30
    case bit = 0x32
    case smallInt = 0x34
    case int = 0x38
    case smallDateTime = 0x3A
    case real = 0x3B
    case money = 0x3C
    case dateTime = 0x3D
    case float = 0x3E
    case variant = 0x62
    case nText = 0x63
    case bitN = 0x68
    case decimalN = 0x6A
    case numericN = 0x6C
    case floatN = 0x6D
    case moneyN = 0x6E
    case dateTimeN = 0x6F
    case smallMoney = 0x7A
    case bigInt = 0x7F
    case varBinary = 0xA5
    case varChar = 0xA7
    case binary = 0xAD
    case char = 0xAF
    case nVarChar = 0xE7
    case nChar = 0xEF
    case userDefined = 0xF0
    case xml = 0xF1
    case tableValued = 0xF3
}

/// The collation of a text column (MS-TDS 2.2.5.1.2).
public struct TDSCollation: Sendable, Hashable {
    /// LCID in the low 20 bits, comparison flags and a version above them.
    public var info: UInt32
    /// The sort order of a SQL collation, 0 for a Windows collation.
    public var sortID: UInt8

    public init(info: UInt32, sortID: UInt8) {
        self.info = info
        self.sortID = sortID
    }

    /// SQL_Latin1_General_CP1_CI_AS, the default of a server installed in English.
    public static let latin1General = TDSCollation(info: 0x00D0_0409, sortID: 0x34)

    public var localeID: UInt32 { self.info & 0x000F_FFFF }
    /// VARCHAR and CHAR hold UTF-8 (fUTF8).
    public var isUTF8: Bool { self.info & 0x0400_0000 != 0 }
}

/// TYPE_INFO: how a column or parameter is typed on the wire (MS-TDS 2.2.5.6).
public struct TDSTypeInfo: Sendable, Hashable {
    /// ``maxLength`` of varchar(max), nvarchar(max) and varbinary(max), whose values come in chunks (PLP).
    public static let unlimited = 0xFFFF
    /// The longest value, in bytes, of a type whose values have a count of two bytes (MS-TDS 2.2.5.4.3).
    static let longestShort = 8000

    public var type: TDSDataType
    /// The longest value in bytes; 0 where the type has one length only.
    public var maxLength: Int
    public var precision: UInt8
    /// Digits after the point, of the number or of the second.
    public var scale: UInt8
    /// For text types only.
    public var collation: TDSCollation?

    public init(_ type: TDSDataType, maxLength: Int = 0, precision: UInt8 = 0, scale: UInt8 = 0, collation: TDSCollation? = nil) {
        self.type = type
        self.maxLength = maxLength
        self.precision = precision
        self.scale = scale
        self.collation = collation
    }

    // The nullable forms, which is what servers send for every column that is not a NOT NULL fixed one.
    public static let tinyInt = TDSTypeInfo(.intN, maxLength: 1)
    public static let smallInt = TDSTypeInfo(.intN, maxLength: 2)
    public static let int = TDSTypeInfo(.intN, maxLength: 4)
    public static let bigInt = TDSTypeInfo(.intN, maxLength: 8)
    public static let bit = TDSTypeInfo(.bitN, maxLength: 1)
    public static let real = TDSTypeInfo(.floatN, maxLength: 4)
    public static let float = TDSTypeInfo(.floatN, maxLength: 8)
    public static let money = TDSTypeInfo(.moneyN, maxLength: 8)
    public static let smallMoney = TDSTypeInfo(.moneyN, maxLength: 4)
    public static let dateTime = TDSTypeInfo(.dateTimeN, maxLength: 8)
    public static let smallDateTime = TDSTypeInfo(.dateTimeN, maxLength: 4)
    public static let guid = TDSTypeInfo(.guid, maxLength: 16)
    public static let date = TDSTypeInfo(.date)
    public static let xml = TDSTypeInfo(.xml)

    public static func time(scale: UInt8 = 7) -> TDSTypeInfo { TDSTypeInfo(.time, scale: scale) }
    public static func dateTime2(scale: UInt8 = 7) -> TDSTypeInfo { TDSTypeInfo(.dateTime2, scale: scale) }
    public static func dateTimeOffset(scale: UInt8 = 7) -> TDSTypeInfo { TDSTypeInfo(.dateTimeOffset, scale: scale) }

    public static func decimal(precision: UInt8, scale: UInt8) -> TDSTypeInfo {
        TDSTypeInfo(.decimalN, maxLength: Self.decimalLength(precision: precision), precision: precision, scale: scale)
    }

    /// nvarchar of up to 4000 UTF-16 code units, or nvarchar(max) for nil.
    public static func nVarChar(_ length: Int?) -> TDSTypeInfo {
        TDSTypeInfo(.nVarChar, maxLength: length.map { $0 * 2 } ?? Self.unlimited, collation: .latin1General)
    }

    /// varchar of up to 8000 bytes, or varchar(max) for nil.
    public static func varChar(_ length: Int?, collation: TDSCollation = .latin1General) -> TDSTypeInfo {
        TDSTypeInfo(.varChar, maxLength: length ?? Self.unlimited, collation: collation)
    }

    /// varbinary of up to 8000 bytes, or varbinary(max) for nil.
    public static func varBinary(_ length: Int?) -> TDSTypeInfo {
        TDSTypeInfo(.varBinary, maxLength: length ?? Self.unlimited)
    }

    public static func binary(_ length: Int) -> TDSTypeInfo { TDSTypeInfo(.binary, maxLength: length) }

    public static func nChar(_ length: Int) -> TDSTypeInfo {
        TDSTypeInfo(.nChar, maxLength: length * 2, collation: .latin1General)
    }

    /// The bytes of a decimal: a sign and 4, 8, 12 or 16 bytes of magnitude.
    static func decimalLength(precision: UInt8) -> Int {
        switch precision {
        case ...9: 5
        case ...19: 9
        case ...28: 13
        default: 17
        }
    }

    /// Is `true` when values are sent in chunks behind a total length (PLP).
    public var isChunked: Bool {
        switch self.type {
        case .xml, .userDefined: true
        case .varChar, .nVarChar, .varBinary: self.maxLength == Self.unlimited
        default: false
        }
    }
}

extension TDSTypeInfo {
    /// The type as T-SQL spells it in a declaration, for `sp_executesql`; nil for types that cannot be declared.
    public var declaration: String? {
        switch self.type {
        case .tinyInt: "tinyint"
        case .smallInt: "smallint"
        case .int: "int"
        case .bigInt: "bigint"
        case .intN:
            switch self.maxLength {
            case 1: "tinyint"
            case 2: "smallint"
            case 4: "int"
            default: "bigint"
            }
        case .bit, .bitN: "bit"
        case .real: "real"
        case .float: "float"
        case .floatN: self.maxLength == 4 ? "real" : "float"
        case .money: "money"
        case .smallMoney: "smallmoney"
        case .moneyN: self.maxLength == 4 ? "smallmoney" : "money"
        case .dateTime: "datetime"
        case .smallDateTime: "smalldatetime"
        case .dateTimeN: self.maxLength == 4 ? "smalldatetime" : "datetime"
        case .guid: "uniqueidentifier"
        case .date: "date"
        case .time: "time(\(self.scale))"
        case .dateTime2: "datetime2(\(self.scale))"
        case .dateTimeOffset: "datetimeoffset(\(self.scale))"
        case .decimalN: "decimal(\(self.precision),\(self.scale))"
        case .numericN: "numeric(\(self.precision),\(self.scale))"
        case .nVarChar: self.isChunked ? "nvarchar(max)" : "nvarchar(\(max(1, self.maxLength / 2)))"
        case .nChar: "nchar(\(max(1, self.maxLength / 2)))"
        case .varChar: self.isChunked ? "varchar(max)" : "varchar(\(max(1, self.maxLength)))"
        case .char: "char(\(max(1, self.maxLength)))"
        case .varBinary: self.isChunked ? "varbinary(max)" : "varbinary(\(max(1, self.maxLength)))"
        case .binary: "binary(\(max(1, self.maxLength)))"
        case .text: "text"
        case .nText: "ntext"
        case .image: "image"
        case .xml: "xml"
        case .variant: "sql_variant"
        case .null, .userDefined, .tableValued: nil
        }
    }
}
