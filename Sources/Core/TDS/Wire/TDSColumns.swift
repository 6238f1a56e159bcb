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
    let types: [TDSDataType]

    public init(_ columns: [TDSColumn]) {
        self.columns = columns
        self.layouts = columns.map(\.typeInfo.layout)
        self.types = columns.map(\.typeInfo.type)
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

    func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard let count = UInt16(exactly: self.count), count < Self.noMetadata else {
            throw .unencodable("a result set of \(self.count) columns")
        }
        buffer.writeTDS(count)
        for column in self { try column.encode(into: &buffer) }
    }
}

/// The columns of a COLMETADATA token as they come.
struct TDSArrivingColumns: Sendable {
    private(set) var columns: [TDSColumn] = []
    /// The bytes of the columns that have come.
    private(set) var length = 0
    private var missing: Int

    /// - Parameter count: as it stands in the token.
    init(count: UInt16) {
        self.missing = count == TDSColumns.noMetadata ? 0 : Int(count)
    }

    /// Reads the columns that are there whole. Returns whether all have come.
    mutating func take(_ buffer: inout ByteBuffer) throws(TDSWireError) -> Bool {
        while self.missing > 0 {
            let start = buffer.readerIndex
            do throws(TDSWireError) {
                self.columns.append(try TDSColumn(decoding: &buffer))
            } catch .truncated {
                buffer.moveReaderIndex(to: start)
                return false
            }
            self.length += buffer.readerIndex - start
            self.missing -= 1
        }
        return true
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
