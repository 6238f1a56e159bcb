import NIOCore

/// Reads the values of a row, one after the other, out of the bytes that came: nothing is made of a row but what is asked of it.
///
/// It stands on the connection's own buffer, and so is lent for the time of a call and cannot be kept.
public struct TDSRowReader: ~Copyable {
    public let columns: TDSColumns
    /// The row, which is there whole, and perhaps others behind it.
    private let bytes: UnsafeRawBufferPointer
    private let hasNullBitmap: Bool
    private var offset: Int
    private var column = 0

    /// - Parameter bytes: from behind the row's token.
    init(columns: TDSColumns, bytes: UnsafeRawBufferPointer, hasNullBitmap: Bool) {
        self.columns = columns
        self.bytes = bytes
        self.hasNullBitmap = hasNullBitmap
        self.offset = hasNullBitmap ? TDSRow.bitmapLength(columns.count) : 0
    }

    /// The next value as an integer, of whatever width; nil for NULL and for a value of another type.
    ///
    /// - Precondition: the row has one more column, which holds for all of these methods.
    public mutating func integer() throws(TDSWireError) -> Int64? {
        guard !self.isNullInBitmap else { return self.skipNull() }
        let width: Int
        switch self.columns.types[self.column] {
        case .intN, .bitN:
            width = Int(self.bytes[self.offset])
            self.offset += 1
        case .tinyInt, .bit: width = 1
        case .smallInt: width = 2
        case .int: width = 4
        case .bigInt: width = 8
        default: return try self.value().integer
        }
        let start = self.offset
        self.offset += width
        self.column += 1
        switch width {
        case 0: return nil
        case 1: return Int64(self.bytes[start])
        case 2: return Int64(Int16(littleEndian: self.bytes.loadUnaligned(fromByteOffset: start, as: Int16.self)))
        case 4: return Int64(Int32(littleEndian: self.bytes.loadUnaligned(fromByteOffset: start, as: Int32.self)))
        case 8: return Int64(littleEndian: self.bytes.loadUnaligned(fromByteOffset: start, as: Int64.self))
        default: throw .malformed("an integer of \(width) bytes")
        }
    }

    /// The next value as a text; nil for NULL and for a value of another type.
    public mutating func text() throws(TDSWireError) -> String? {
        switch self.columns.types[self.column] {
        case .nVarChar, .nChar:
            guard self.columns.layouts[self.column] == .shortCounted else { return try self.value().string }
            guard let content = self.shortCounted() else { return nil }
            guard content.count.isMultiple(of: 2) else { throw .malformed("a text in UTF-16 of \(content.count) bytes") }
            return String(utf16LittleEndian: content)
        default:
            return try self.value().string
        }
    }

    /// Gives the bytes of the next value to `body`, for the time of its call; nil for NULL and for a value of another type than a
    /// binary string.
    public mutating func bytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) throws(TDSWireError) -> Result? {
        switch self.columns.types[self.column] {
        case .varBinary, .binary:
            guard self.columns.layouts[self.column] == .shortCounted else { break }
            return self.shortCounted().map(body)
        default:
            break
        }
        return try self.value().bytes?.withUnsafeReadableBytes(body)
    }

    /// The next value, of whatever type: it costs more than to ask for what it is.
    public mutating func value() throws(TDSWireError) -> TDSValue {
        if self.isNullInBitmap {
            self.column += 1
            return .null
        }
        guard let end = try self.columns.layouts[self.column].end(in: self.bytes, from: self.offset) else { throw .truncated }
        var buffer = ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: self.bytes[self.offset..<end]))
        let typeInfo = self.columns[self.column].typeInfo
        self.offset = end
        self.column += 1
        return try typeInfo.decodeValue(&buffer)
    }

    private mutating func shortCounted() -> UnsafeRawBufferPointer? {
        guard !self.isNullInBitmap else { return self.skipNull() }
        let length = UInt16(littleEndian: self.bytes.loadUnaligned(fromByteOffset: self.offset, as: UInt16.self))
        let start = self.offset + 2
        self.column += 1
        guard length != TDSValueLayout.shortNull else {
            self.offset = start
            return nil
        }
        self.offset = start + Int(length)
        return UnsafeRawBufferPointer(rebasing: self.bytes[start..<self.offset])
    }

    private var isNullInBitmap: Bool {
        self.hasNullBitmap && self.bytes[self.column / 8] & (1 << (self.column % 8)) != 0
    }

    private mutating func skipNull<T>() -> T? {
        self.column += 1
        return nil
    }
}
