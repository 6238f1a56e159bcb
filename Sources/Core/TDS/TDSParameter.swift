import NIOCore

/// A parameter of a statement, written as `@name` in it.
public struct TDSParameter: Sendable, Hashable {
    /// Without the `@`.
    public var name: String
    public var typeInfo: TDSTypeInfo
    public var value: TDSValue

    public init(_ name: String, _ value: TDSValue, type: TDSTypeInfo) {
        self.name = name
        self.typeInfo = type
        self.value = value
    }

    /// A parameter of the widest type of the value's kind, so that the server keeps one plan for all values. NULL becomes
    /// `nvarchar(1)`: give its type where that does not convert.
    public init(_ name: String, _ value: TDSValue) {
        self.init(name, value, type: Self.typeInfo(for: value))
    }

    private static func typeInfo(for value: TDSValue) -> TDSTypeInfo {
        switch value {
        case .null: .nVarChar(1)
        case .bit: .bit
        case .tinyInt: .tinyInt
        case .smallInt: .smallInt
        case .int: .int
        case .bigInt: .bigInt
        case .real: .real
        case .float: .float
        case .decimal(let decimal): .decimal(precision: 38, scale: decimal.scale)
        case .guid: .guid
        case .date: .date
        case .time: .time()
        case .dateTime: .dateTime2()
        case .dateTimeOffset: .dateTimeOffset()
        case .string(let text): .nVarChar(text.utf16.count <= 4000 ? 4000 : nil)
        case .binary(let bytes): .varBinary(bytes.readableBytes <= 8000 ? 8000 : nil)
        }
    }
}
