public import NIOCore

/// Reads tokens from the payloads of a response as they arrive. A token that is not complete stays in the buffer and is
/// read again, from its beginning, when more has come.
public struct TDSTokenDecoder: Sendable {
    private var buffer = ByteBuffer()
    /// The columns of the result set that is being read.
    private var columns: TDSColumns?

    public init() {}

    /// The bytes that have come and not been read as tokens.
    public var unreadBytes: Int { self.buffer.readableBytes }

    /// Adds the payload of the next packet.
    public mutating func append(_ payload: ByteBuffer) {
        if self.buffer.readableBytes == 0 {
            self.buffer = payload
        } else if self.buffer.readerIndex >= self.buffer.readableBytes {
            // The bytes already read outweigh the rest: start afresh, so that the buffer does not grow with the response.
            // Rows that are still held keep the old storage, which is never written to again.
            var joined = ByteBufferAllocator().buffer(capacity: self.buffer.readableBytes + payload.readableBytes)
            joined.writeImmutableBuffer(self.buffer)
            joined.writeImmutableBuffer(payload)
            self.buffer = joined
        } else {
            self.buffer.writeImmutableBuffer(payload)
        }
    }

    /// The next token, or nil when more bytes are needed for it.
    public mutating func next() throws(TDSWireError) -> TDSToken? {
        let start = self.buffer.readerIndex
        do throws(TDSWireError) {
            guard let token = try self.decode() else {
                self.buffer.moveReaderIndex(to: start)
                return nil
            }
            return token
        } catch .truncated {
            self.buffer.moveReaderIndex(to: start)
            return nil
        }
    }

    /// To be called at the end of a message, where an incomplete token cannot be completed any more.
    public mutating func endMessage() throws(TDSWireError) {
        self.columns = nil
        guard self.buffer.readableBytes == 0 else {
            let first = self.buffer.readableBytesView.first ?? 0
            throw .malformed(
                "the response ends with \(self.buffer.readableBytes) bytes of an incomplete token 0x\(String(first, radix: 16))")
        }
        self.buffer = ByteBuffer()
    }

    private mutating func decode() throws(TDSWireError) -> TDSToken? {
        guard let raw = self.buffer.readInteger(as: UInt8.self) else { return nil }
        guard let type = TDSTokenType(rawValue: raw) else {
            throw .malformed("0x\(String(raw, radix: 16)) is not a token; the stream cannot be followed any further")
        }
        switch type {
        case .row: return try self.decodeRow(hasNullBitmap: false)
        case .nullBitmapRow: return try self.decodeRow(hasNullBitmap: true)
        case .columnMetadata:
            let columns = try TDSColumns(decoding: &self.buffer)
            self.columns = columns
            return .columnMetadata(columns)
        case .done: return .done(try TDSDone(.done, decoding: &self.buffer))
        case .doneProcedure: return .done(try TDSDone(.procedure, decoding: &self.buffer))
        case .doneInProcedure: return .done(try TDSDone(.inProcedure, decoding: &self.buffer))
        case .returnStatus: return .returnStatus(try self.buffer.readTDS(Int32.self))
        case .returnValue: return .returnValue(try TDSReturnValue(decoding: &self.buffer))
        case .featureExtAck: return .featureExtAck(try TDSFeature.decodeList(&self.buffer))
        case .error, .info, .environmentChange, .loginAck, .order, .sspi, .tableName, .columnInfo:
            let data = try self.buffer.readTDSSlice(Int(try self.buffer.readTDS(UInt16.self)))
            return try Self.decode(type, data)
        case .sessionState, .federatedAuthenticationInfo:
            let length = try self.buffer.readTDS(UInt32.self)
            guard UInt64(length) <= TDSValueLayout.maximumLength else { throw .malformed("\(type) of \(length) bytes") }
            let data = try self.buffer.readTDSSlice(Int(length))
            return try Self.decode(type, data)
        }
    }

    private mutating func decodeRow(hasNullBitmap: Bool) throws(TDSWireError) -> TDSToken? {
        guard let columns = self.columns, !columns.isEmpty else { throw .malformed("a row before the columns it belongs to") }
        let length = try self.buffer.withTDSBytes { bytes throws(TDSWireError) in
            try TDSRow.end(ofFirst: columns.count, columns: columns, bytes: bytes, hasNullBitmap: hasNullBitmap)
        }
        guard let length, let bytes = self.buffer.readSlice(length: length) else { return nil }
        return .row(TDSRow(columns: columns, bytes: bytes, hasNullBitmap: hasNullBitmap))
    }

    /// A token of which all bytes are there: one that ends early is malformed, not incomplete.
    private static func decode(_ type: TDSTokenType, _ data: ByteBuffer) throws(TDSWireError) -> TDSToken {
        var data = data
        do throws(TDSWireError) {
            switch type {
            case .error: return .error(try TDSServerMessage(decoding: &data))
            case .info: return .info(try TDSServerMessage(decoding: &data))
            case .environmentChange: return .environmentChange(try TDSEnvironmentChange(decoding: data))
            case .loginAck: return .loginAck(try TDSLoginAck(decoding: &data))
            case .order:
                var places: [UInt16] = []
                while data.readableBytes > 0 { places.append(try data.readTDS(UInt16.self)) }
                return .order(places)
            case .sessionState: return .sessionState(try TDSSessionState(decoding: &data))
            case .sspi: return .sspi(data)
            case .federatedAuthenticationInfo: return .federatedAuthenticationInfo(data)
            case .tableName: return .tableName(data)
            case .columnInfo, .row, .nullBitmapRow, .columnMetadata, .done, .doneProcedure, .doneInProcedure, .returnStatus,
                .returnValue, .featureExtAck:
                // Only COLINFO gets here: the others are read from the stream, as they carry no length.
                return .columnInfo(data)
            }
        } catch .truncated {
            throw .malformed("a token \(type) that is longer than the length it gives")
        }
    }
}

extension TDSDone {
    fileprivate init(_ kind: Kind, decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        self.init(
            kind, status: Status(rawValue: try buffer.readTDS(UInt16.self)), currentCommand: try buffer.readTDS(UInt16.self),
            rowCount: try buffer.readTDS(UInt64.self))
    }
}

extension TDSServerMessage {
    fileprivate init(decoding data: inout ByteBuffer) throws(TDSWireError) {
        self.init(
            number: try data.readTDS(Int32.self), state: try data.readTDS(UInt8.self), class: try data.readTDS(UInt8.self),
            text: try data.readShortCountedString(), server: try data.readByteCountedString(),
            procedure: try data.readByteCountedString(), line: try data.readTDS(Int32.self))
    }
}

extension TDSLoginAck {
    fileprivate init(decoding data: inout ByteBuffer) throws(TDSWireError) {
        let interface = try data.readTDS(UInt8.self)
        let version = try data.readTDS(UInt32.self, endianness: .big)
        let name = try data.readByteCountedString()
        self.init(
            tdsVersion: version, programName: name, major: try data.readTDS(UInt8.self), minor: try data.readTDS(UInt8.self),
            build: try data.readTDS(UInt16.self, endianness: .big), interface: interface)
    }
}

extension TDSReturnValue {
    fileprivate init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        let ordinal = try buffer.readTDS(UInt16.self)
        let name = try buffer.readByteCountedString()
        let status = try buffer.readTDS(UInt8.self)
        let userType = try buffer.readTDS(UInt32.self)
        let flags = try buffer.readTDS(UInt16.self)
        let typeInfo = try TDSTypeInfo(decoding: &buffer)
        self.init(
            ordinal: ordinal, name: name, status: status, userType: userType, flags: flags, typeInfo: typeInfo,
            value: try typeInfo.decodeValue(&buffer))
    }
}

extension TDSSessionState {
    fileprivate init(decoding data: inout ByteBuffer) throws(TDSWireError) {
        self.init(
            sequence: try data.readTDS(UInt32.self), status: try data.readTDS(UInt8.self),
            states: try data.readTDSBytes(data.readableBytes))
    }
}
