public import NIOCore

extension TDSTypeInfo {
    public init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        let raw = try buffer.readTDS(UInt8.self)
        guard let type = TDSDataType(rawValue: raw) else {
            throw .malformed("0x\(String(raw, radix: 16)) is not a type this client asked for or knows")
        }
        self.init(type)
        switch type {
        case .null, .tinyInt, .bit, .smallInt, .int, .bigInt, .real, .float, .money, .smallMoney, .dateTime, .smallDateTime, .date:
            break
        case .intN:
            self.maxLength = try Self.length(&buffer, of: type, allowed: [1, 2, 4, 8])
        case .bitN:
            self.maxLength = try Self.length(&buffer, of: type, allowed: [1])
        case .floatN, .moneyN, .dateTimeN:
            self.maxLength = try Self.length(&buffer, of: type, allowed: [4, 8])
        case .guid:
            self.maxLength = try Self.length(&buffer, of: type, allowed: [16])
        case .decimalN, .numericN:
            self.maxLength = try Self.length(&buffer, of: type, allowed: [5, 9, 13, 17])
            self.precision = try buffer.readTDS(UInt8.self)
            self.scale = try buffer.readTDS(UInt8.self)
            guard (1...38).contains(self.precision), self.scale <= self.precision else {
                throw .malformed("decimal(\(self.precision),\(self.scale))")
            }
        case .time, .dateTime2, .dateTimeOffset:
            self.scale = try buffer.readTDS(UInt8.self)
            guard self.scale <= 7 else { throw .malformed("\(type) with scale \(self.scale)") }
        case .varChar, .char, .nVarChar, .nChar:
            self.maxLength = try Self.shortLength(&buffer, of: type)
            self.collation = try TDSCollation(decoding: &buffer)
        case .varBinary, .binary:
            self.maxLength = try Self.shortLength(&buffer, of: type)
        case .text, .nText:
            self.maxLength = Int(try buffer.readTDS(UInt32.self))
            self.collation = try TDSCollation(decoding: &buffer)
        case .image, .variant:
            self.maxLength = Int(try buffer.readTDS(UInt32.self))
        case .xml:
            let hasSchema = try buffer.readTDS(UInt8.self)
            if hasSchema == 1 {
                _ = try buffer.readByteCountedString()
                _ = try buffer.readByteCountedString()
                _ = try buffer.readShortCountedString()
            }
        case .userDefined:
            self.maxLength = Int(try buffer.readTDS(UInt16.self))
            for _ in 0..<3 { _ = try buffer.readByteCountedString() }
            _ = try buffer.readShortCountedString()
        case .tableValued:
            throw .unsupported("table-valued parameters")
        }
    }

    private static func length(
        _ buffer: inout ByteBuffer, of type: TDSDataType, allowed: [Int]
    ) throws(TDSWireError) -> Int {
        let length = Int(try buffer.readTDS(UInt8.self))
        guard allowed.contains(length) else { throw .malformed("\(type) of \(length) bytes") }
        return length
    }

    /// A value of the greatest length that the field can hold would look like NULL.
    private static func shortLength(_ buffer: inout ByteBuffer, of type: TDSDataType) throws(TDSWireError) -> Int {
        let length = Int(try buffer.readTDS(UInt16.self))
        let hasMaximum = [.varChar, .nVarChar, .varBinary].contains(type)
        guard length <= Self.longestShort || (hasMaximum && length == Self.unlimited) else {
            throw .malformed("\(type) of \(length) bytes")
        }
        return length
    }

    public func encode(into buffer: inout ByteBuffer) throws(TDSWireError) {
        buffer.writeTDS(self.type.rawValue)
        switch self.type {
        case .null, .tinyInt, .bit, .smallInt, .int, .bigInt, .real, .float, .money, .smallMoney, .dateTime, .smallDateTime, .date:
            break
        case .intN, .bitN, .floatN, .moneyN, .dateTimeN, .guid:
            buffer.writeTDS(try self.fitted(UInt8.self))
        case .decimalN, .numericN:
            buffer.writeTDS(try self.fitted(UInt8.self))
            buffer.writeTDS(self.precision)
            buffer.writeTDS(self.scale)
        case .time, .dateTime2, .dateTimeOffset:
            buffer.writeTDS(self.scale)
        case .varChar, .char, .nVarChar, .nChar:
            buffer.writeTDS(try self.fitted(UInt16.self))
            (self.collation ?? .latin1General).encode(into: &buffer)
        case .varBinary, .binary:
            buffer.writeTDS(try self.fitted(UInt16.self))
        case .text, .nText:
            buffer.writeTDS(try self.fitted(UInt32.self))
            (self.collation ?? .latin1General).encode(into: &buffer)
        case .image, .variant:
            buffer.writeTDS(try self.fitted(UInt32.self))
        case .xml:
            buffer.writeTDS(UInt8(0))
        case .userDefined, .tableValued:
            throw .unsupported("sending values of type \(self.type)")
        }
    }

    private func fitted<T: FixedWidthInteger>(_ type: T.Type) throws(TDSWireError) -> T {
        guard let length = T(exactly: self.maxLength) else {
            throw .unencodable("\(self.type) with a maximum length of \(self.maxLength) bytes")
        }
        return length
    }
}

extension TDSCollation {
    static let length = 5

    init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        self.init(info: try buffer.readTDS(UInt32.self), sortID: try buffer.readTDS(UInt8.self))
    }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeTDS(self.info)
        buffer.writeTDS(self.sortID)
    }
}
