public import NIOCore

/// Reads tokens from the payloads of a response as they arrive.
///
/// The work grows with the bytes alone, however they are cut into packets: columns and rows are gone on with where they broke off, and
/// the other tokens without a length are read again only when half as much again has come, or the end of the message.
public struct TDSTokenDecoder: Sendable {
    /// No token may be longer, so that a server cannot make us hold any amount.
    public static let maximumLength = 16 << 20

    private var buffer = ByteBuffer()
    /// The columns of the result set that is being read.
    private var columns: TDSColumns?
    /// The columns of a COLMETADATA token that has not come whole.
    private var arrivingColumns: TDSArrivingColumns?
    /// The place in the row that has not come whole up to which its end has been looked for.
    private var rowScan = TDSRowScan()
    /// A token that is read again from its beginning is not tried before so many bytes of it are there.
    private var awaitedLength = 0
    private var isEndOfMessage = false

    public init() {}

    /// The bytes that have come and not been read as tokens.
    public var unreadBytes: Int { self.buffer.readableBytes }

    /// Adds the payload of the next packet.
    ///
    /// - Parameter isEndOfMessage: no more will come for the tokens that have begun.
    public mutating func append(_ payload: ByteBuffer, isEndOfMessage: Bool = true) {
        self.isEndOfMessage = isEndOfMessage
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
        if self.arrivingColumns != nil { return try self.continueColumns() }
        guard self.isEndOfMessage || self.buffer.readableBytes >= self.awaitedLength else { return nil }
        let start = self.buffer.readerIndex
        do throws(TDSWireError) {
            if let token = try self.decode() {
                self.awaitedLength = 0
                return token
            }
        } catch .truncated {
            let begun = self.buffer.writerIndex - start
            self.awaitedLength = begun + begun / 2
        }
        // Of columns that have not come whole those that have are kept.
        if self.arrivingColumns == nil { self.buffer.moveReaderIndex(to: start) }
        try Self.checkLength(self.buffer.writerIndex - start)
        return nil
    }

    /// Lends the rows that come next to `body`, as far as they are there whole, without a token or a copy of each.
    ///
    /// - Parameter body: returns whether it wants more rows.
    /// - Returns: what `body` returned last.
    mutating func takeRows(_ body: (inout TDSRowReader) -> Bool) throws(TDSWireError) -> Bool {
        guard let columns = self.columns, !columns.isEmpty else { return true }
        let buffer = self.buffer
        var scan = self.rowScan
        var wantsMore = true
        var taken = 0
        try buffer.withTDSBytes { bytes throws(TDSWireError) in
            while wantsMore, taken < bytes.count {
                let type = bytes[taken]
                let hasNullBitmap = type == TDSTokenType.nullBitmapRow.rawValue
                guard hasNullBitmap || type == TDSTokenType.row.rawValue else { break }
                let row = UnsafeRawBufferPointer(rebasing: bytes[(taken + 1)...])
                guard let length = try scan.end(of: columns, in: row, hasNullBitmap: hasNullBitmap) else { break }
                scan = TDSRowScan()
                taken += 1 + length
                var reader = TDSRowReader(columns: columns, bytes: row, hasNullBitmap: hasNullBitmap)
                wantsMore = body(&reader)
            }
        }
        self.rowScan = scan
        self.buffer.moveReaderIndex(forwardBy: taken)
        return wantsMore
    }

    /// To be called at the end of a message, where an incomplete token cannot be completed any more.
    public mutating func endMessage() throws(TDSWireError) {
        self.columns = nil
        guard self.buffer.readableBytes == 0, self.arrivingColumns == nil else {
            let first = self.arrivingColumns == nil ? self.buffer.readableBytesView.first ?? 0 : TDSTokenType.columnMetadata.rawValue
            throw .malformed(
                "the response ends with \(self.buffer.readableBytes) bytes of an incomplete token 0x\(String(first, radix: 16))")
        }
        self.buffer = ByteBuffer()
    }

    private static func checkLength(_ length: Int) throws(TDSWireError) {
        guard length <= Self.maximumLength else { throw .malformed("a token of more than \(Self.maximumLength) bytes") }
    }

    private mutating func continueColumns() throws(TDSWireError) -> TDSToken? {
        guard var arriving = self.arrivingColumns.take() else { return nil }
        guard try arriving.take(&self.buffer) else {
            try Self.checkLength(arriving.length + self.buffer.readableBytes)
            self.arrivingColumns = arriving
            return nil
        }
        let columns = TDSColumns(arriving.columns)
        self.columns = columns
        return .columnMetadata(columns)
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
            self.arrivingColumns = TDSArrivingColumns(count: try self.buffer.readTDS(UInt16.self))
            return try self.continueColumns()
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
        // A copy, and back, as the buffer cannot be lent out of self while self is written to.
        var scan = self.rowScan
        let length = try self.buffer.withTDSBytes { bytes throws(TDSWireError) in
            try scan.end(of: columns, in: bytes, hasNullBitmap: hasNullBitmap)
        }
        guard let length, let bytes = self.buffer.readSlice(length: length) else {
            self.rowScan = scan
            return nil
        }
        if self.rowScan.hasBegun { self.rowScan = TDSRowScan() }
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
