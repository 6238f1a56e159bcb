public import NIOCore

/// The kind of message a packet belongs to (MS-TDS 2.2.3.1.1).
public enum TDSPacketType: UInt8, Sendable, Hashable {
    case sqlBatch = 1
    case rpc = 3
    /// Everything a server says except, sometimes, TLS records.
    case tabularResult = 4
    case attention = 6
    case bulkLoad = 7
    case federatedAuthentication = 8
    case transactionManager = 14
    case login7 = 16
    case sspi = 17
    case prelogin = 18
}

/// The status bits of a packet (MS-TDS 2.2.3.1.2).
public struct TDSPacketStatus: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The last packet of its message.
    public static let endOfMessage = TDSPacketStatus(rawValue: 0x01)
    /// With ``endOfMessage``: the sender gave up half way, the message is to be ignored.
    public static let ignore = TDSPacketStatus(rawValue: 0x02)
    /// First packet of a request: reset the session before executing it.
    public static let resetConnection = TDSPacketStatus(rawValue: 0x08)
    /// As ``resetConnection``, but keeping the transaction.
    public static let resetConnectionKeepingTransaction = TDSPacketStatus(rawValue: 0x10)
}

/// One packet: the header's fields and the bytes after it.
public struct TDSPacket: Sendable, Hashable {
    public static let headerLength = 8
    /// PRELOGIN and LOGIN7 travel in packets of at most this size, whatever is negotiated later.
    public static let loginSize = 4096
    /// The length field could say more, but no implementation negotiates more than this.
    public static let maximumSize = 32767
    public static let minimumSize = 512

    public var type: TDSPacketType
    public var status: TDSPacketStatus
    /// The server's process id of the session; zero from clients.
    public var spid: UInt16
    /// Counts packets modulo 256; receivers ignore it.
    public var id: UInt8
    public var payload: ByteBuffer

    public init(type: TDSPacketType, status: TDSPacketStatus, spid: UInt16 = 0, id: UInt8 = 1, payload: ByteBuffer) {
        self.type = type
        self.status = status
        self.spid = spid
        self.id = id
        self.payload = payload
    }

    public var isEndOfMessage: Bool { self.status.contains(.endOfMessage) }
}

/// Cuts a byte stream into packets, refusing what cannot be TDS before it allocates anything for it.
public struct TDSPacketDecoder: NIOSingleStepByteToMessageDecoder {
    public typealias InboundOut = TDSPacket

    private let maximumSize: Int

    public init(maximumSize: Int = TDSPacket.maximumSize) {
        self.maximumSize = maximumSize
    }

    public mutating func decode(buffer: inout ByteBuffer) throws -> TDSPacket? {
        // The type alone tells most foreign protocols apart, so it is judged as soon as it is there.
        guard let rawType = buffer.getInteger(at: buffer.readerIndex, as: UInt8.self) else { return nil }
        guard let type = TDSPacketType(rawValue: rawType) else {
            throw TDSWireError.malformed("0x\(String(rawType, radix: 16)) is not a TDS packet type")
        }
        guard buffer.readableBytes >= TDSPacket.headerLength,
            let length = buffer.getInteger(at: buffer.readerIndex + 2, endianness: .big, as: UInt16.self)
        else { return nil }
        guard Int(length) >= TDSPacket.headerLength, Int(length) <= self.maximumSize else {
            throw TDSWireError.malformed(
                "a packet length of \(length), outside \(TDSPacket.headerLength) to \(self.maximumSize)")
        }
        guard buffer.readableBytes >= Int(length), var packet = buffer.readSlice(length: Int(length)),
            let (_, status, _, spid, id, _) = packet.readMultipleIntegers(
                endianness: .big, as: (UInt8, UInt8, UInt16, UInt16, UInt8, UInt8).self)
        else { return nil }
        return TDSPacket(type: type, status: TDSPacketStatus(rawValue: status), spid: spid, id: id, payload: packet)
    }

    public mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> TDSPacket? {
        try self.decode(buffer: &buffer)
    }
}

/// Cuts a message into packets, each in a buffer of its own, as one packet should be one TLS record.
public struct TDSPacketEncoder: Sendable {
    /// The negotiated size of a packet, header included.
    public var packetSize: Int
    /// The value of the header's spid field.
    public var spid: UInt16

    public init(packetSize: Int = TDSPacket.loginSize, spid: UInt16 = 0) {
        self.packetSize = packetSize
        self.spid = spid
    }

    /// The packets of one message.
    ///
    /// - Parameter firstStatus: bits that only the first packet carries, such as ``TDSPacketStatus/resetConnection``.
    public func encode(
        _ type: TDSPacketType, _ message: ByteBuffer, firstStatus: TDSPacketStatus = [],
        allocator: ByteBufferAllocator = ByteBufferAllocator()
    ) -> [ByteBuffer] {
        let capacity = self.packetSize - TDSPacket.headerLength
        var message = message
        var packets: [ByteBuffer] = []
        packets.reserveCapacity(message.readableBytes / capacity + 1)
        var id: UInt8 = 1
        repeat {
            let count = min(capacity, message.readableBytes)
            var status: TDSPacketStatus = packets.isEmpty ? firstStatus : []
            if count == message.readableBytes { status.insert(.endOfMessage) }
            var packet = allocator.buffer(capacity: TDSPacket.headerLength + count)
            packet.writeMultipleIntegers(
                type.rawValue, status.rawValue, UInt16(TDSPacket.headerLength + count), self.spid, id, UInt8(0), endianness: .big)
            packet.writeImmutableBuffer(message.getSlice(at: message.readerIndex, length: count) ?? ByteBuffer())
            message.moveReaderIndex(forwardBy: count)
            packets.append(packet)
            id &+= 1
        } while message.readableBytes > 0
        return packets
    }
}

/// Joins the packets of one message, for receivers that need a request whole.
public struct TDSMessageAssembler: Sendable {
    /// A whole message: its type, the first packet's status bits and the joined payloads.
    public struct Message: Sendable, Hashable {
        public var type: TDSPacketType
        public var firstStatus: TDSPacketStatus
        /// The sender withdrew the message (status ``TDSPacketStatus/ignore`` on its last packet).
        public var isIgnored: Bool
        public var body: ByteBuffer
    }

    private let maximumLength: Int
    private var message: Message?

    /// - Parameter maximumLength: the longest message accepted, in bytes, so that a peer cannot make us hold any amount.
    public init(maximumLength: Int) {
        self.maximumLength = maximumLength
    }

    /// Is `true` when a message has begun and not ended.
    public var isInsideMessage: Bool { self.message != nil }

    /// Takes the next packet; returns the message when it is complete.
    public mutating func append(_ packet: TDSPacket) throws(TDSWireError) -> Message? {
        var message: Message
        if let begun = self.message.take() {
            guard begun.type == packet.type else {
                throw .malformed("a packet of type \(packet.type) inside a message of type \(begun.type)")
            }
            guard begun.body.readableBytes + packet.payload.readableBytes <= self.maximumLength else {
                throw .malformed("a message longer than \(self.maximumLength) bytes")
            }
            message = begun
            message.body.writeImmutableBuffer(packet.payload)
        } else {
            message = Message(type: packet.type, firstStatus: packet.status, isIgnored: false, body: packet.payload)
        }
        guard packet.isEndOfMessage else {
            self.message = message
            return nil
        }
        message.isIgnored = packet.status.contains(.ignore)
        return message
    }
}
