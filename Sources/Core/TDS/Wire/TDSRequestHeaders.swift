public import NIOCore

/// ALL_HEADERS (MS-TDS 2.2.5.3), which begins every batch, RPC and transaction manager request.
public struct TDSRequestHeaders: Sendable, Hashable {
    /// From ENVCHANGE 8; zero outside a transaction.
    public var transactionDescriptor: UInt64
    /// Always 1 without MARS.
    public var outstandingRequests: UInt32

    public init(transactionDescriptor: UInt64 = 0, outstandingRequests: UInt32 = 1) {
        self.transactionDescriptor = transactionDescriptor
        self.outstandingRequests = outstandingRequests
    }

    private static let transactionType: UInt16 = 2
    private static let transactionLength: UInt32 = 18

    init(decoding buffer: inout ByteBuffer) throws(TDSWireError) {
        self.init(transactionDescriptor: 0)
        let total = try buffer.readTDS(UInt32.self)
        guard total >= 4 else { throw .malformed("ALL_HEADERS of \(total) bytes") }
        var headers = try buffer.readTDSSlice(Int(total) - 4)
        while headers.readableBytes > 0 {
            let length = try headers.readTDS(UInt32.self)
            guard length >= 6 else { throw .malformed("a request header of \(length) bytes") }
            var header = try headers.readTDSSlice(Int(length) - 4)
            // Query notifications (1) and trace activities (3) concern neither side here.
            guard try header.readTDS(UInt16.self) == Self.transactionType else { continue }
            self.transactionDescriptor = try header.readTDS(UInt64.self)
            self.outstandingRequests = try header.readTDS(UInt32.self)
        }
    }

    func encode(into buffer: inout ByteBuffer) {
        buffer.writeTDS(Self.transactionLength + 4)
        buffer.writeTDS(Self.transactionLength)
        buffer.writeTDS(Self.transactionType)
        buffer.writeTDS(self.transactionDescriptor)
        buffer.writeTDS(self.outstandingRequests)
    }
}

/// A SQLBatch request (MS-TDS 2.2.6.7).
public struct TDSSQLBatch: Sendable, Hashable {
    public var headers: TDSRequestHeaders
    public var text: String

    public init(_ text: String, headers: TDSRequestHeaders = TDSRequestHeaders()) {
        self.headers = headers
        self.text = text
    }

    public init(decoding message: ByteBuffer) throws(TDSWireError) {
        var message = message
        self.headers = try TDSRequestHeaders(decoding: &message)
        guard message.readableBytes.isMultiple(of: 2) else { throw .malformed("a batch of \(message.readableBytes) bytes, which is odd") }
        self.text = message.readRemainingUTF16()
    }

    public func encode(into buffer: inout ByteBuffer) {
        self.headers.encode(into: &buffer)
        buffer.writeUTF16(self.text)
    }
}
