import NIOCore
import TDS

/// Stands before the TLS handler and puts it to work in the three ways of TDS.
///
/// - TDS 8.0: the first byte is a TLS record's; the handler comes at once and sees every byte.
/// - TDS 7.x: handshake bytes travel inside PRELOGIN packets; afterwards TLS records carry TDS.
/// - Login only: after the handshake one packet is encrypted, and what follows it is not. Records therefore go to the TLS handler one by one, and the
///   rest of the bytes waits until it is known whether the packet was complete.
final class HandshakeFramer: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Mode {
        case detecting
        case plain
        case handshake(loginOnly: Bool)
        /// After the handshake of a login-only connection.
        case records
    }

    private var mode = Mode.detecting
    private var inbound = ByteBuffer()
    private var outbound = ByteBuffer()
    private var decoder = TDSPacketDecoder()
    private var isDelivering = false
    /// Adds the TLS handler for TDS 8.0; the parameter tells whether it did.
    private let onFirstByte: (_ isTLS: Bool, ChannelHandlerContext) throws -> Void

    init(onFirstByte: @escaping (_ isTLS: Bool, ChannelHandlerContext) throws -> Void) {
        self.onFirstByte = onFirstByte
    }

    func startHandshake(loginOnly: Bool) { mode = .handshake(loginOnly: loginOnly) }

    /// The handshake is over; its last flight has been written.
    func handshakeCompleted() {
        if case .handshake(let loginOnly) = mode { mode = loginOnly ? .records : .plain }
    }

    /// The encrypted part is over: what waits and what comes is plain.
    func becomePlain() { mode = .plain }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        inbound.writeBuffer(&bytes)
        deliver(context)
    }

    private func deliver(_ context: ChannelHandlerContext) {
        // What is delivered can change the mode and, through a read, call this again.
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
            mode = .plain
            try onFirstByte(first == HandshakeFramer.handshakeRecord, context)
            return try nextPiece(context)
        case .plain:
            guard inbound.readableBytes > 0 else { return nil }
            defer { inbound = ByteBuffer() }
            return inbound
        case .handshake:
            guard let packet = try decoder.decode(buffer: &inbound) else { return nil }
            guard packet.type == .prelogin else { throw TDSWireError.malformed("a packet of type \(packet.type) inside the TLS handshake") }
            return packet.payload
        case .records:
            guard let length = inbound.getInteger(at: inbound.readerIndex + 3, as: UInt16.self) else { return nil }
            return inbound.readSlice(length: Int(length) + HandshakeFramer.recordHeaderLength)
        }
    }

    private static let handshakeRecord: UInt8 = 0x16
    private static let recordHeaderLength = 5

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .handshake = mode else {
            context.write(data, promise: promise)
            return
        }
        var bytes = unwrapOutboundIn(data)
        outbound.writeBuffer(&bytes)
        promise?.succeed()
    }

    /// One flight of the handshake is one message.
    func flush(context: ChannelHandlerContext) {
        if outbound.readableBytes > 0 {
            for packet in TDSPacketEncoder().encode(.prelogin, outbound) { context.write(wrapOutboundOut(packet), promise: nil) }
            outbound = ByteBuffer()
        }
        context.flush()
    }
}
