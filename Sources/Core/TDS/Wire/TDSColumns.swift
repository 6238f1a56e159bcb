import NIOCore

/// One column of a result set (MS-TDS 2.2.7.4).
public struct TDSColumn: Sendable, Hashable {
    public var name: String
    public var typeInfo: TDSTypeInfo
    public var userType: UInt32
    /// Bit 0 nullable, bits 2 and 3 updatable, bit 4 identity, bit 5 computed.
    public var flags: UInt16
    /// The parts of the table's name, for text, ntext and image columns.
    public var tableName: [String]

    public static let nullableFlag: UInt16 = 0x0001

    public init(
        _ name: String, _ typeInfo: TDSTypeInfo, userType: UInt32 = 0, flags: UInt16 = Self.nullableFlag, tableName: [String] = []
    ) {
        self.name = name
        self.typeInfo = typeInfo
        self.userType = userType
        self.flags = flags
        self.tableName = tableName
    }
}

/// The columns of a result set, shared by all of its rows.
public final class TDSColumns: Sendable, RandomAccessCollection {
    private let columns: [TDSColumn]
    let layouts: [TDSValueLayout]

    public init(_ columns: [TDSColumn]) {
        self.columns = columns
        self.layouts = columns.map(\.typeInfo.layout)
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { self.columns.count }
    public subscript(index: Int) -> TDSColumn { self.columns[index] }

    /// The place of the first column with this name, compared as written.
    public func index(named name: String) -> Int? {
        self.columns.firstIndex { $0.name == name }
    }
}

extension TDSColumns {
    /// A count that says that the server sent no metadata.
    static let noMetadata = UInt16.max

    /// Reads a COLMETADATA token behind its token byte.
    convenience init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        let count = try buffer.readTDS(UInt16.self)
        var columns: [TDSColumn] = []
        if count != Self.noMetadata {
            for _ in 0..<count { columns.append(try TDSColumn(decoding: &buffer)) }
        }
        self.init(columns)
    }

    func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard let count = UInt16(exactly: self.count), count < Self.noMetadata else {
            throw .unencodable("a result set of \(self.count) columns")
        }
        buffer.writeTDS(count)
        for column in self { try column.encode(into: &buffer) }
    }
}

extension TDSColumn {
    fileprivate init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        let userType = try buffer.readTDS(UInt32.self)
        let flags = try buffer.readTDS(UInt16.self)
        let typeInfo = try TDSTypeInfo(decoding: &buffer)
        var tableName: [String] = []
        if typeInfo.layout == .textPointer {
            for _ in 0..<(try buffer.readTDS(UInt8.self)) { tableName.append(try buffer.readShortCountedString()) }
        }
        let name = try buffer.readByteCountedString()
        self.init(name, typeInfo, userType: userType, flags: flags, tableName: tableName)
    }

    fileprivate func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(self.userType)
        buffer.writeTDS(self.flags)
        try self.typeInfo.encode(into: &buffer)
        if self.typeInfo.layout == .textPointer {
            buffer.writeTDS(UInt8(self.tableName.count))
            for part in self.tableName { try buffer.writeShortCountedString(part) }
        }
        try buffer.writeByteCountedString(self.name)
    }
}
