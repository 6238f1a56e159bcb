public import NIOCore

extension TDSTypeInfo {
    /// Reads a value of this type, its length prefix included.
    public func decodeValue(_ buffer: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        switch self.layout {
        case .fixed(let length):
            if length == 0 { return .null }
            return try self.decodeContent(try buffer.readTDSSlice(length))
        case .byteCounted:
            let length = try buffer.readTDS(UInt8.self)
            if length == 0 { return .null }
            return try self.decodeContent(try buffer.readTDSSlice(Int(length)))
        case .shortCounted:
            let length = try buffer.readTDS(UInt16.self)
            if length == TDSValueLayout.shortNull { return .null }
            return try self.decodeContent(try buffer.readTDSSlice(Int(length)))
        case .longCounted:
            let length = try buffer.readTDS(UInt32.self)
            if length == 0 { return .null }
            var slice = try buffer.readTDSSlice(Int(length))
            return try Self.decodeVariant(&slice)
        case .chunked:
            guard let content = try Self.readChunked(&buffer) else { return .null }
            return try self.decodeContent(content)
        case .textPointer:
            let pointerLength = try buffer.readTDS(UInt8.self)
            if pointerLength == 0 { return .null }
            try buffer.skipTDS(Int(pointerLength) + TDSValueLayout.timestampLength)
            let length = try buffer.readTDS(UInt32.self)
            return try self.decodeContent(try buffer.readTDSSlice(Int(length)))
        }
    }

    private static func readChunked(_ buffer: inout ByteBuffer) throws(TDSWireError) -> ByteBuffer? {
        let total = try buffer.readTDS(UInt64.self)
        if total == TDSValueLayout.chunkedNull { return nil }
        let limit = total == TDSValueLayout.chunkedUnknown ? TDSValueLayout.maximumLength : total
        guard limit <= TDSValueLayout.maximumLength else { throw .malformed("a value of \(total) bytes") }
        var content = ByteBuffer()
        while true {
            let length = try buffer.readTDS(UInt32.self)
            if length == 0 {
                guard total == TDSValueLayout.chunkedUnknown || UInt64(content.readableBytes) == total else {
                    throw .malformed("a chunked value of \(content.readableBytes) bytes that was announced with \(total)")
                }
                return content
            }
            guard UInt64(content.readableBytes) + UInt64(length) <= limit else {
                throw .malformed("a chunked value longer than its \(limit) bytes")
            }
            let chunk = try buffer.readTDSSlice(Int(length))
            // Nearly every value is one chunk: keep its slice instead of copying.
            if content.readableBytes == 0 { content = chunk } else { content.writeImmutableBuffer(chunk) }
        }
    }

    /// The value in bytes of which the length is known and not NULL.
    private func decodeContent(_ content: ByteBuffer) throws(TDSWireError) -> TDSValue {
        var content = content
        let length = content.readableBytes
        switch self.type {
        case .null: return .null
        case .bit, .bitN: return .bit(try self.fixed(&content, UInt8.self) != 0)
        case .tinyInt: return .tinyInt(try self.fixed(&content, UInt8.self))
        case .smallInt: return .smallInt(try self.fixed(&content, Int16.self))
        case .int: return .int(try self.fixed(&content, Int32.self))
        case .bigInt: return .bigInt(try self.fixed(&content, Int64.self))
        case .intN:
            switch length {
            case 1: return .tinyInt(try self.fixed(&content, UInt8.self))
            case 2: return .smallInt(try self.fixed(&content, Int16.self))
            case 4: return .int(try self.fixed(&content, Int32.self))
            default: return .bigInt(try self.fixed(&content, Int64.self))
            }
        case .real, .float, .floatN:
            if length == 4 { return .real(Float(bitPattern: try self.fixed(&content, UInt32.self))) }
            return .float(Double(bitPattern: try self.fixed(&content, UInt64.self)))
        case .money, .smallMoney, .moneyN: return try self.decodeMoney(&content)
        case .decimalN, .numericN: return try self.decodeDecimal(&content)
        case .dateTime, .smallDateTime, .dateTimeN: return try self.decodeLegacyDateTime(&content)
        case .date: return .date(try self.decodeDate(&content))
        case .time: return .time(try self.decodeTime(&content, length: length))
        case .dateTime2:
            return .dateTime(try self.decodeDateTime(&content, length: length))
        case .dateTimeOffset:
            let moment = try self.decodeDateTime(&content, length: length - 2)
            return .dateTimeOffset(moment, offsetMinutes: try self.fixed(&content, Int16.self))
        case .guid: return try self.decodeGUID(&content)
        case .nVarChar, .nChar, .nText, .xml:
            guard length.isMultiple(of: 2) else { throw .malformed("\(self.type) of \(length) bytes") }
            if self.type == .xml, content.getInteger(at: content.readerIndex, as: UInt16.self) == 0xFFFE {
                content.moveReaderIndex(forwardBy: 2)
            }
            return .string(content.readRemainingUTF16())
        case .varChar, .char, .text:
            return .string(try (self.collation ?? .latin1General).decode(content))
        case .varBinary, .binary, .image, .userDefined, .tableValued:
            return .binary(content)
        case .variant: return try Self.decodeVariant(&content)
        }
    }

    /// Reads an integer that must be all that is left.
    private func fixed<T: FixedWidthInteger>(_ content: inout ByteBuffer, _ type: T.Type) throws(TDSWireError) -> T {
        guard content.readableBytes == MemoryLayout<T>.size, let value = content.readInteger(endianness: .little, as: type) else {
            throw .malformed("\(self.type) with \(content.readableBytes) bytes")
        }
        return value
    }

    private func decodeMoney(_ content: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        let amount: Int64
        if content.readableBytes == 4 {
            amount = Int64(try self.fixed(&content, Int32.self))
        } else {
            // The halves are little-endian each, the high one first.
            let high = try content.readTDS(Int32.self)
            amount = Int64(high) << 32 | Int64(try self.fixed(&content, UInt32.self))
        }
        return .decimal(TDSDecimal(isNegative: amount < 0, magnitude: UInt128(amount.magnitude), scale: 4))
    }

    private func decodeDecimal(_ content: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        let sign = try content.readTDS(UInt8.self)
        let length = content.readableBytes
        guard [4, 8, 12, 16].contains(length) else { throw .malformed("\(self.type) with \(length) bytes of magnitude") }
        var magnitude: UInt128 = 0
        for (index, byte) in content.readableBytesView.enumerated() { magnitude |= UInt128(byte) << (8 * index) }
        return .decimal(TDSDecimal(isNegative: sign == 0, magnitude: magnitude, scale: self.scale))
    }

    private func decodeLegacyDateTime(_ content: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        let days: Int32
        let ticks: Int64
        if content.readableBytes == 4 {
            days = Int32(try content.readTDS(UInt16.self))
            ticks = Int64(try self.fixed(&content, UInt16.self)) * 60 * TDSTime.ticksPerSecond
        } else {
            days = try content.readTDS(Int32.self)
            // Three hundredths of a second, rounded to the nearest 100 ns.
            ticks = (Int64(try self.fixed(&content, UInt32.self)) * 200_000 + 3) / 6
        }
        let (shifted, overflow) = days.addingReportingOverflow(TDSDate.year1900)
        guard !overflow, TDSDate.validDays.contains(shifted), ticks <= TDSTime.ticksPerDay else {
            throw .malformed("\(self.type) of day \(days)")
        }
        return .dateTime(TDSDateTime(date: TDSDate(days: shifted), time: TDSTime(ticks: ticks)))
    }

    private func decodeDate(_ content: inout ByteBuffer) throws(TDSWireError) -> TDSDate {
        let days = Int32(try content.readTDS(UInt16.self)) | Int32(try content.readTDS(UInt8.self)) << 16
        guard TDSDate.validDays.contains(days) else { throw .malformed("a date of day \(days)") }
        return TDSDate(days: days)
    }

    private func decodeTime(_ content: inout ByteBuffer, length: Int) throws(TDSWireError) -> TDSTime {
        guard length == Self.timeLength(scale: self.scale) else {
            throw .malformed("\(self.type)(\(self.scale)) with \(length) bytes of time")
        }
        var units: Int64 = 0
        for index in 0..<length { units |= Int64(try content.readTDS(UInt8.self)) << (8 * index) }
        let ticks = units * Self.ticksPerUnit(scale: self.scale)
        guard ticks < TDSTime.ticksPerDay else { throw .malformed("\(self.type)(\(self.scale)) of \(units) units, more than a day") }
        return TDSTime(ticks: ticks)
    }

    private func decodeDateTime(_ content: inout ByteBuffer, length: Int) throws(TDSWireError) -> TDSDateTime {
        let time = try self.decodeTime(&content, length: length - 3)
        return TDSDateTime(date: try self.decodeDate(&content), time: time)
    }

    private func decodeGUID(_ content: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        let first = try content.readTDS(UInt32.self)
        let second = try content.readTDS(UInt16.self)
        let third = try content.readTDS(UInt16.self)
        let low = try content.readTDS(UInt64.self, endianness: .big)
        return .guid(TDSGUID(high: UInt64(first) << 32 | UInt64(second) << 16 | UInt64(third), low: low))
    }

    /// The bytes of a time of this scale.
    static func timeLength(scale: UInt8) -> Int {
        switch scale {
        case ...2: 3
        case ...4: 4
        default: 5
        }
    }

    static func ticksPerUnit(scale: UInt8) -> Int64 {
        (scale..<7).reduce(1) { product, _ in product * 10 }
    }

    /// sql_variant: the base type, its properties, then the bare value (MS-TDS 2.2.5.5.4).
    private static func decodeVariant(_ buffer: inout ByteBuffer) throws(TDSWireError) -> TDSValue {
        let raw = try buffer.readTDS(UInt8.self)
        var properties = try buffer.readTDSSlice(Int(try buffer.readTDS(UInt8.self)))
        guard let type = TDSDataType(rawValue: raw), type != .variant else {
            throw .malformed("0x\(String(raw, radix: 16)) as the base type of a sql_variant")
        }
        var base = TDSTypeInfo(type, maxLength: buffer.readableBytes)
        switch type {
        case .decimalN, .numericN:
            base.precision = try properties.readTDS(UInt8.self)
            base.scale = try properties.readTDS(UInt8.self)
        case .time, .dateTime2, .dateTimeOffset:
            base.scale = try properties.readTDS(UInt8.self)
            guard base.scale <= 7 else { throw .malformed("\(type) with scale \(base.scale)") }
        case .varChar, .char, .nVarChar, .nChar:
            base.collation = try TDSCollation(decoding: &properties)
        default:
            break
        }
        return try base.decodeContent(buffer)
    }
}
