import NIOCore

/// Stands before the TLS handler's place and decides what reaches it.
///
/// - TDS 8.0: the first byte is a TLS record's; the TLS handler comes at once and sees every byte.
/// - TDS 7.x: what PRELOGIN packets wrap is unwrapped by a `TDSHandshakeFramer` in front of the gate; afterwards TLS records carry TDS.
/// - Login only: after the handshake one packet is encrypted, and what follows it is not. Records therefore go to the TLS handler one by one, and the
///   rest of the bytes waits until it is known whether the packet was complete.
final class TLSGate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Mode {
        case detecting
        case open
        case records
    }

    private var mode = Mode.detecting
    private var inbound = ByteBuffer()
    private var isDelivering = false
    /// Adds the handlers behind the gate; the parameter tells whether TLS comes first.
    private let onFirstByte: (_ isTLS: Bool, ChannelHandlerContext) throws -> Void

    init(onFirstByte: @escaping (_ isTLS: Bool, ChannelHandlerContext) throws -> Void) {
        self.onFirstByte = onFirstByte
    }

    /// The handshake of a login-only connection is over.
    func passRecords() { mode = .records }

    /// The encrypted part is over: what waits and what comes is plain.
    func passAll() { mode = .open }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        inbound.writeBuffer(&bytes)
        // The delivery can change the mode and, through a read, call this again.
        guard !isDelivering else { return }
        isDelivering = true
        defer { isDelivering = false }
        do {
            while let piece = try nextPiece(context) { context.fireChannelRead(wrapInboundOut(piece)) }
        } catch {
            context.fireErrorCaught(error)
            context.close(promise: nil)
        }
    }

    private func nextPiece(_ context: ChannelHandlerContext) throws -> ByteBuffer? {
        switch mode {
        case .detecting:
            guard let first = inbound.getInteger(at: inbound.readerIndex, as: UInt8.self) else { return nil }
            mode = .open
            try onFirstByte(first == TLSGate.handshakeRecord, context)
            return try nextPiece(context)
        case .open:
            guard inbound.readableBytes > 0 else { return nil }
            defer { inbound = ByteBuffer() }
            return inbound
        case .records:
            guard let length = inbound.getInteger(at: inbound.readerIndex + 3, as: UInt16.self) else { return nil }
            return inbound.readSlice(length: Int(length) + TLSGate.recordHeaderLength)
        }
    }

    private static let handshakeRecord: UInt8 = 0x16
    private static let recordHeaderLength = 5
}
