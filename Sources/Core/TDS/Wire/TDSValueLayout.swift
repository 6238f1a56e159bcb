/// The way in which the bytes of a value of some type are delimited: all that finding the end of a row needs.
enum TDSValueLayout: Sendable, Hashable {
    case fixed(Int)
    /// One byte of length, 0 is NULL.
    case byteCounted
    /// Two bytes of length, 0xFFFF is NULL.
    case shortCounted
    /// Four bytes of length, 0 is NULL (sql_variant).
    case longCounted
    /// Partially length-prefixed: a total, then counted chunks until an empty one (MS-TDS 2.2.5.2.3).
    case chunked
    /// A text pointer (empty is NULL), a time stamp and four bytes of length.
    case textPointer

    /// The total of a PLP value that is NULL, and of one whose length the sender did not know.
    static let chunkedNull = UInt64.max
    static let chunkedUnknown = UInt64.max - 1
    /// No value of SQL Server is longer; a longer one is a stream out of step.
    static let maximumLength = UInt64(Int32.max)
    static let shortNull = UInt16.max
    static let timestampLength = 8

    /// The offset behind the value that begins at `start`, or nil when the bytes end before it does.
    @inline(__always)
    func end(in bytes: UnsafeRawBufferPointer, from start: Int) throws(TDSWireError) -> Int? {
        let end: Int
        switch self {
        case .fixed(let length):
            end = start + length
        case .byteCounted:
            guard start < bytes.count else { return nil }
            end = start + 1 + Int(bytes[start])
        case .shortCounted:
            guard start + 2 <= bytes.count else { return nil }
            let length = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt16.self))
            end = start + 2 + (length == Self.shortNull ? 0 : Int(length))
        case .longCounted:
            guard start + 4 <= bytes.count else { return nil }
            let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
            guard UInt64(length) <= Self.maximumLength else { throw .malformed("a value of \(length) bytes") }
            end = start + 4 + Int(length)
        case .chunked:
            var scan = ChunkScan(start: start)
            return try scan.end(in: bytes)
        case .textPointer:
            return try Self.textPointerEnd(in: bytes, from: start)
        }
        return end <= bytes.count ? end : nil
    }

    /// Where looking for the end of a chunked value that comes in pieces goes on.
    struct ChunkScan: Sendable {
        private let start: Int
        /// Of the next chunk's length; nil before the total.
        private var offset: Int?
        private var received: UInt64 = 0

        init(start: Int) { self.start = start }

        /// The offset behind the value, or nil when the bytes end before it does.
        mutating func end(in bytes: UnsafeRawBufferPointer) throws(TDSWireError) -> Int? {
            guard self.start + 8 <= bytes.count else { return nil }
            let total = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: self.start, as: UInt64.self))
            var offset = self.offset ?? self.start + 8
            if total == TDSValueLayout.chunkedNull { return offset }
            guard total == TDSValueLayout.chunkedUnknown || total <= TDSValueLayout.maximumLength else {
                throw .malformed("a value of \(total) bytes")
            }
            let limit = total == TDSValueLayout.chunkedUnknown ? TDSValueLayout.maximumLength : total
            while offset + 4 <= bytes.count {
                let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                offset += 4
                if length == 0 {
                    guard total == TDSValueLayout.chunkedUnknown || self.received == total else {
                        throw .malformed("a chunked value of \(self.received) bytes that was announced with \(total)")
                    }
                    return offset
                }
                self.received += UInt64(length)
                guard self.received <= limit else { throw .malformed("a chunked value longer than its \(limit) bytes") }
                offset += Int(length)
            }
            self.offset = offset
            return nil
        }
    }

    private static func textPointerEnd(in bytes: UnsafeRawBufferPointer, from start: Int) throws(TDSWireError) -> Int? {
        guard start < bytes.count else { return nil }
        let pointerLength = Int(bytes[start])
        if pointerLength == 0 { return start + 1 }
        let lengthOffset = start + 1 + pointerLength + Self.timestampLength
        guard lengthOffset + 4 <= bytes.count else { return nil }
        let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: lengthOffset, as: UInt32.self))
        guard UInt64(length) <= Self.maximumLength else { throw .malformed("a value of \(length) bytes") }
        let end = lengthOffset + 4 + Int(length)
        return end <= bytes.count ? end : nil
    }
}

extension TDSTypeInfo {
    var layout: TDSValueLayout {
        switch self.type {
        case .null: .fixed(0)
        case .tinyInt, .bit: .fixed(1)
        case .smallInt: .fixed(2)
        case .int, .real, .smallMoney, .smallDateTime: .fixed(4)
        case .bigInt, .float, .money, .dateTime: .fixed(8)
        case .intN, .bitN, .floatN, .moneyN, .dateTimeN, .guid, .decimalN, .numericN, .date, .time, .dateTime2, .dateTimeOffset:
            .byteCounted
        case .varChar, .nVarChar, .varBinary: self.isChunked ? .chunked : .shortCounted
        case .char, .nChar, .binary: .shortCounted
        case .xml, .userDefined, .tableValued: .chunked
        case .variant: .longCounted
        case .text, .nText, .image: .textPointer
        }
    }
}
