import NIOCore

/// The primitive elements of MS-TDS 2.2.5.1: little-endian integers and counted UTF-16 strings.
extension ByteBuffer {
    mutating func readTDS<T: FixedWidthInteger>(_ type: T.Type, endianness: Endianness = .little) throws(TDSWireError) -> T {
        guard let value = self.readInteger(endianness: endianness, as: type) else { throw .truncated }
        return value
    }

    mutating func readTDSSlice(_ count: Int) throws(TDSWireError) -> ByteBuffer {
        guard count >= 0, let slice = self.readSlice(length: count) else { throw .truncated }
        return slice
    }

    mutating func readTDSBytes(_ count: Int) throws(TDSWireError) -> [UInt8] {
        guard count >= 0, let bytes = self.readBytes(length: count) else { throw .truncated }
        return bytes
    }

    mutating func skipTDS(_ count: Int) throws(TDSWireError) {
        guard count >= 0, count <= self.readableBytes else { throw .truncated }
        self.moveReaderIndex(forwardBy: count)
    }

    mutating func readUTF16(codeUnits: Int) throws(TDSWireError) -> String {
        var slice = try self.readTDSSlice(codeUnits * 2)
        return slice.readRemainingUTF16()
    }

    /// Everything that is left, as UTF-16LE; an odd last byte is dropped by the callers' length checks.
    mutating func readRemainingUTF16() -> String {
        let text = self.withUnsafeReadableBytes { String(utf16LittleEndian: $0) }
        self.moveReaderIndex(to: self.writerIndex)
        return text
    }

    /// B_VARCHAR: one byte counting UTF-16 code units, then the text.
    mutating func readByteCountedString() throws(TDSWireError) -> String {
        let count = try self.readTDS(UInt8.self)
        return try self.readUTF16(codeUnits: Int(count))
    }

    /// US_VARCHAR: two bytes counting UTF-16 code units, then the text.
    mutating func readShortCountedString() throws(TDSWireError) -> String {
        let count = try self.readTDS(UInt16.self)
        return try self.readUTF16(codeUnits: Int(count))
    }

    mutating func writeTDS<T: FixedWidthInteger>(_ value: T, endianness: Endianness = .little) {
        self.writeInteger(value, endianness: endianness)
    }

    /// Appends the text as UTF-16LE and returns the number of bytes written.
    @discardableResult
    mutating func writeUTF16(_ text: String) -> Int {
        // UTF-16 never needs more code units than UTF-8 needs bytes.
        self.writeWithUnsafeMutableBytes(minimumWritableBytes: text.utf8.count * 2) { bytes in
            var offset = 0
            func put(_ unit: UInt16) {
                bytes.storeBytes(of: unit.littleEndian, toByteOffset: offset, as: UInt16.self)
                offset += 2
            }
            // Nearly all of T-SQL is ASCII, which a text's view of itself as UTF-16 makes no use of.
            if text.utf8.allSatisfy({ $0 < 0x80 }) {
                for byte in text.utf8 { put(UInt16(byte)) }
            } else {
                for unit in text.utf16 { put(unit) }
            }
            return offset
        }
    }

    mutating func writeByteCountedString(_ text: String) throws(TDSWireError) {
        guard let count = UInt8(exactly: text.utf16.count) else {
            throw .unencodable("a name of \(text.utf16.count) UTF-16 code units where 255 are allowed")
        }
        self.writeTDS(count)
        self.writeUTF16(text)
    }

    mutating func writeShortCountedString(_ text: String) throws(TDSWireError) {
        guard let count = UInt16(exactly: text.utf16.count) else {
            throw .unencodable("a text of \(text.utf16.count) UTF-16 code units where 65535 are allowed")
        }
        self.writeTDS(count)
        self.writeUTF16(text)
    }

    /// Writes `body` behind a count of its bytes, as most tokens are laid out.
    mutating func writeCounted<T: FixedWidthInteger>(
        as type: T.Type, _ body: (inout ByteBuffer) throws(TDSWireError) -> Void
    ) throws(TDSWireError) {
        let countIndex = self.writerIndex
        self.writeTDS(T.zero)
        let start = self.writerIndex
        try body(&self)
        guard let count = T(exactly: self.writerIndex - start) else {
            throw .unencodable("an element of \(self.writerIndex - start) bytes where \(T.max) are allowed")
        }
        self.setInteger(count, at: countIndex, endianness: .little)
    }
}

extension String {
    /// Decodes UTF-16LE; unpaired surrogates become U+FFFD, as they cannot stand in a Swift string.
    init(utf16LittleEndian bytes: UnsafeRawBufferPointer) {
        let units = bytes.count / 2
        var combined: UInt64 = 0
        var offset = 0
        while offset + 8 <= units * 2 {
            combined |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset + 2 <= units * 2 {
            combined |= UInt64(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)))
            offset += 2
        }
        // The mask is the same in every 16-bit lane, so it holds for a lane that was filled from the tail too.
        let isASCII = UInt64(littleEndian: combined) & 0xFF80_FF80_FF80_FF80 == 0
        if isASCII {
            self = String(unsafeUninitializedCapacity: units) { utf8 in
                for index in 0..<units { utf8[index] = bytes[index * 2] }
                return units
            }
        } else {
            self = String(
                decoding: (0..<units).lazy.map {
                    UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self))
                },
                as: UTF16.self)
        }
    }
}
