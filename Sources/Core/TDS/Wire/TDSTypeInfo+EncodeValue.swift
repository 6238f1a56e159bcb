public import NIOCore

extension TDSTypeInfo {
    /// Writes a value in this type, its length prefix included. Numbers may change their width as long as they fit.
    public func encodeValue(_ value: TDSValue, into buffer: inout ByteBuffer) throws(TDSWireError) {
        if case .null = value { return try self.encodeNull(into: &buffer) }
        switch self.layout {
        case .fixed:
            try self.encodeContent(value, into: &buffer)
        case .byteCounted:
            try buffer.writeCounted(as: UInt8.self) { buffer throws(TDSWireError) in
                try self.encodeContent(value, into: &buffer)
            }
        case .shortCounted:
            try buffer.writeCounted(as: UInt16.self) { buffer throws(TDSWireError) in
                try self.encodeContent(value, into: &buffer)
            }
        case .chunked:
            let totalIndex = buffer.writerIndex
            buffer.writeTDS(UInt64(0))
            let chunkIndex = buffer.writerIndex
            buffer.writeTDS(UInt32(0))
            let start = buffer.writerIndex
            try self.encodeContent(value, into: &buffer)
            let count = buffer.writerIndex - start
            buffer.setInteger(UInt64(count), at: totalIndex, endianness: .little)
            // An empty chunk is the terminator itself.
            if count > 0 {
                buffer.setInteger(UInt32(count), at: chunkIndex, endianness: .little)
                buffer.writeTDS(UInt32(0))
            }
        case .longCounted:
            try buffer.writeCounted(as: UInt32.self) { buffer throws(TDSWireError) in
                try Self.encodeVariant(value, into: &buffer)
            }
        case .textPointer:
            // Any pointer will do for a reader: it is only given back to the server by statements nobody uses any more.
            buffer.writeTDS(UInt8(16))
            buffer.writeRepeatingByte(0, count: 16 + TDSValueLayout.timestampLength)
            try buffer.writeCounted(as: UInt32.self) { buffer throws(TDSWireError) in
                try self.encodeContent(value, into: &buffer)
            }
        }
    }

    private func encodeNull(into buffer: inout ByteBuffer) throws(TDSWireError) {
        switch self.layout {
        case .fixed(0): break
        case .fixed: throw .unencodable("NULL as \(self.type), which cannot be NULL")
        case .byteCounted, .textPointer: buffer.writeTDS(UInt8(0))
        case .shortCounted: buffer.writeTDS(TDSValueLayout.shortNull)
        case .longCounted: buffer.writeTDS(UInt32(0))
        case .chunked: buffer.writeTDS(TDSValueLayout.chunkedNull)
        }
    }

    private func encodeContent(_ value: TDSValue, into buffer: inout ByteBuffer) throws(TDSWireError) {
        switch self.type {
        case .null: throw .unencodable("a value as the NULL type")
        case .bit, .bitN: buffer.writeTDS(UInt8(try self.integer(value) == 0 ? 0 : 1))
        case .tinyInt: buffer.writeTDS(try self.narrowed(value, UInt8.self))
        case .smallInt: buffer.writeTDS(try self.narrowed(value, Int16.self))
        case .int: buffer.writeTDS(try self.narrowed(value, Int32.self))
        case .bigInt: buffer.writeTDS(try self.integer(value))
        case .intN:
            switch self.maxLength {
            case 1: buffer.writeTDS(try self.narrowed(value, UInt8.self))
            case 2: buffer.writeTDS(try self.narrowed(value, Int16.self))
            case 4: buffer.writeTDS(try self.narrowed(value, Int32.self))
            default: buffer.writeTDS(try self.integer(value))
            }
        case .real: buffer.writeTDS(Float(try self.number(value)).bitPattern)
        case .float: buffer.writeTDS(try self.number(value).bitPattern)
        case .floatN:
            let number = try self.number(value)
            if self.maxLength == 4 { buffer.writeTDS(Float(number).bitPattern) } else { buffer.writeTDS(number.bitPattern) }
        case .money: try self.encodeMoney(value, length: 8, into: &buffer)
        case .smallMoney: try self.encodeMoney(value, length: 4, into: &buffer)
        case .moneyN: try self.encodeMoney(value, length: self.maxLength, into: &buffer)
        case .decimalN, .numericN: try self.encodeDecimal(value, into: &buffer)
        case .dateTime: try self.encodeLegacyDateTime(value, length: 8, into: &buffer)
        case .smallDateTime: try self.encodeLegacyDateTime(value, length: 4, into: &buffer)
        case .dateTimeN: try self.encodeLegacyDateTime(value, length: self.maxLength, into: &buffer)
        case .date:
            guard case .date(let date) = value else { throw self.mismatch(value) }
            try self.encodeDate(date, into: &buffer)
        case .time:
            guard case .time(let time) = value else { throw self.mismatch(value) }
            try self.encodeTime(time, into: &buffer)
        case .dateTime2:
            guard case .dateTime(let moment) = value else { throw self.mismatch(value) }
            try self.encodeTime(moment.time, into: &buffer)
            try self.encodeDate(moment.date, into: &buffer)
        case .dateTimeOffset:
            guard case .dateTimeOffset(let moment, let offset) = value else { throw self.mismatch(value) }
            try self.encodeTime(moment.time, into: &buffer)
            try self.encodeDate(moment.date, into: &buffer)
            buffer.writeTDS(offset)
        case .guid:
            guard case .guid(let guid) = value else { throw self.mismatch(value) }
            buffer.writeTDS(UInt32(truncatingIfNeeded: guid.high >> 32))
            buffer.writeTDS(UInt16(truncatingIfNeeded: guid.high >> 16))
            buffer.writeTDS(UInt16(truncatingIfNeeded: guid.high))
            buffer.writeTDS(guid.low, endianness: .big)
        case .nVarChar, .nChar, .nText, .xml, .varChar, .char, .text: try self.encodeText(value, into: &buffer)
        case .varBinary, .binary, .image:
            guard case .binary(let bytes) = value else { throw self.mismatch(value) }
            buffer.writeImmutableBuffer(bytes)
            try self.pad(bytes.readableBytes, with: 0, ofType: .binary, unit: 1, into: &buffer)
        case .variant, .userDefined, .tableValued: throw .unsupported("sending values of type \(self.type)")
        }
    }

    private func mismatch(_ value: TDSValue) -> TDSWireError {
        // The value itself stays out of the text: it may be anybody's data.
        switch value {
        case .string: .unencodable("a string as \(self.type)")
        case .binary: .unencodable("bytes as \(self.type)")
        default: .unencodable("\(value) as \(self.type)")
        }
    }

    private func integer(_ value: TDSValue) throws(TDSWireError) -> Int64 {
        guard let integer = value.integer else { throw self.mismatch(value) }
        return integer
    }

    private func narrowed<T: FixedWidthInteger>(_ value: TDSValue, _ type: T.Type) throws(TDSWireError) -> T {
        guard let narrow = T(exactly: try self.integer(value)) else { throw self.mismatch(value) }
        return narrow
    }

    private func number(_ value: TDSValue) throws(TDSWireError) -> Double {
        if let double = value.double { return double }
        return Double(try self.integer(value))
    }

    private func decimal(_ value: TDSValue, scale: UInt8) throws(TDSWireError) -> TDSDecimal {
        let decimal: TDSDecimal
        if case .decimal(let given) = value {
            decimal = given
        } else {
            let integer = try self.integer(value)
            decimal = TDSDecimal(isNegative: integer < 0, magnitude: UInt128(integer.magnitude), scale: 0)
        }
        guard let rescaled = decimal.rescaled(to: scale) else { throw self.mismatch(value) }
        return rescaled
    }

    private func encodeMoney(_ value: TDSValue, length: Int, into buffer: inout ByteBuffer) throws(TDSWireError) {
        let decimal = try self.decimal(value, scale: 4)
        guard let magnitude = Int64(exactly: decimal.magnitude) else { throw self.mismatch(value) }
        let amount = decimal.isNegative ? -magnitude : magnitude
        if length == 4 {
            guard let small = Int32(exactly: amount) else { throw self.mismatch(value) }
            buffer.writeTDS(small)
        } else {
            buffer.writeTDS(Int32(truncatingIfNeeded: amount >> 32))
            buffer.writeTDS(UInt32(truncatingIfNeeded: amount))
        }
    }

    private func encodeDecimal(_ value: TDSValue, into buffer: inout ByteBuffer) throws(TDSWireError) {
        let decimal = try self.decimal(value, scale: self.scale)
        let limit = (0..<Int(self.precision)).reduce(UInt128(1)) { product, _ in product * 10 }
        guard decimal.magnitude < limit else { throw self.mismatch(value) }
        buffer.writeTDS(UInt8(decimal.isNegative ? 0 : 1))
        for index in 0..<(self.maxLength - 1) {
            buffer.writeTDS(UInt8(truncatingIfNeeded: decimal.magnitude >> (8 * index)))
        }
    }

    private func encodeDate(_ date: TDSDate, into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard TDSDate.validDays.contains(date.days) else { throw .unencodable("a date of day \(date.days)") }
        buffer.writeTDS(UInt16(truncatingIfNeeded: date.days))
        buffer.writeTDS(UInt8(truncatingIfNeeded: date.days >> 16))
    }

    private func encodeTime(_ time: TDSTime, into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard (0..<TDSTime.ticksPerDay).contains(time.ticks) else { throw .unencodable("a time of \(time.ticks) ticks") }
        // Truncated, never rounded up: rounding could step into the next day.
        let units = time.ticks / Self.ticksPerUnit(scale: self.scale)
        for index in 0..<Self.timeLength(scale: self.scale) { buffer.writeTDS(UInt8(truncatingIfNeeded: units >> (8 * index))) }
    }

    private func encodeLegacyDateTime(_ value: TDSValue, length: Int, into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard case .dateTime(let moment) = value else { throw self.mismatch(value) }
        var days = moment.date.days - TDSDate.year1900
        if length == 4 {
            guard let short = UInt16(exactly: days) else { throw self.mismatch(value) }
            buffer.writeTDS(short)
            buffer.writeTDS(UInt16(moment.time.ticks / (60 * TDSTime.ticksPerSecond)))
        } else {
            var units = (moment.time.ticks * 3 + 50_000) / 100_000
            if units == 86_400 * 300 {
                units = 0
                days += 1
            }
            buffer.writeTDS(days)
            buffer.writeTDS(UInt32(units))
        }
    }

    private func encodeText(_ value: TDSValue, into buffer: inout ByteBuffer) throws(TDSWireError) {
        guard case .string(let text) = value else { throw self.mismatch(value) }
        let start = buffer.writerIndex
        switch self.type {
        case .nVarChar, .nChar, .nText, .xml:
            buffer.writeUTF16(text)
            try self.pad(buffer.writerIndex - start, with: 0x0020, ofType: .nChar, unit: 2, into: &buffer)
        default:
            try (self.collation ?? .latin1General).encode(text, into: &buffer)
            try self.pad(buffer.writerIndex - start, with: 0x20, ofType: .char, unit: 1, into: &buffer)
        }
    }

    /// Checks the length and, for the type of fixed width, fills it up.
    private func pad(
        _ length: Int, with filler: UInt16, ofType padded: TDSDataType, unit: Int, into buffer: inout ByteBuffer
    ) throws(TDSWireError) {
        guard self.layout == .shortCounted else { return }
        guard length <= self.maxLength else {
            throw .unencodable("\(length) bytes as \(self.declaration ?? "\(self.type)")")
        }
        guard self.type == padded else { return }
        for _ in 0..<((self.maxLength - length) / unit) {
            if unit == 2 { buffer.writeTDS(filler) } else { buffer.writeTDS(UInt8(filler)) }
        }
    }

    /// sql_variant: numbers and text only, which is what a server answers SERVERPROPERTY with.
    private static func encodeVariant(_ value: TDSValue, into buffer: inout ByteBuffer) throws(TDSWireError) {
        switch value {
        case .int(let number):
            buffer.writeTDS(TDSDataType.int.rawValue)
            buffer.writeTDS(UInt8(0))
            buffer.writeTDS(number)
        case .bigInt(let number):
            buffer.writeTDS(TDSDataType.bigInt.rawValue)
            buffer.writeTDS(UInt8(0))
            buffer.writeTDS(number)
        case .string(let text):
            buffer.writeTDS(TDSDataType.nVarChar.rawValue)
            buffer.writeTDS(UInt8(TDSCollation.length + 2))
            TDSCollation.latin1General.encode(into: &buffer)
            buffer.writeTDS(UInt16(clamping: text.utf16.count * 2))
            buffer.writeUTF16(text)
        default:
            throw .unencodable("\(value) as sql_variant")
        }
    }
}
