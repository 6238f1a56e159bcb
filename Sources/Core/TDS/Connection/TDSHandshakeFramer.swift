public import NIOCore

/// Carries a TLS handshake inside PRELOGIN packets (MS-TDS 2.2.6.5): stands between the socket and the TLS handler while the
/// handshake lasts, on either side.
///
/// One flight, that is everything until a flush, is one TDS message. Removing the handler ends the wrapping at once; bytes
/// that came behind the last wrapped packet are passed on as they are.
public final class TDSHandshakeFramer: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    private var decoder = TDSPacketDecoder()
    private let encoder: TDSPacketEncoder
    private var inbound = ByteBuffer()
    private var flight = ByteBuffer()
    private var flightPromise: EventLoopPromise<Void>?
    private var isWrapping = true
    private var isReading = false
    private var removalToken: ChannelHandlerContext.RemovalToken?

    public init(packetSize: Int = TDSPacket.loginSize) {
        self.encoder = TDSPacketEncoder(packetSize: packetSize)
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.inbound.writeImmutableBuffer(bytes)
        // A read from within a read is taken up by the loop that is already running.
        guard !self.isReading else { return }
        self.isReading = true
        self.drain(context: context)
        self.isReading = false
        if let token = self.removalToken.take() { context.leavePipeline(removalToken: token) }
    }

    private func drain(context: ChannelHandlerContext) {
        do {
            while self.isWrapping, let packet = try self.decoder.decode(buffer: &self.inbound) {
                // SQL Server wraps in type 4 in places where others use 18.
                guard packet.type == .prelogin || packet.type == .tabularResult else {
                    throw TDSWireError.malformed("a packet of type \(packet.type) during the TLS handshake")
                }
                context.fireChannelRead(self.wrapInboundOut(packet.payload))
            }
        } catch {
            self.inbound.clear()
            context.fireErrorCaught(error)
            return
        }
        while !self.isWrapping, self.inbound.readableBytes > 0 {
            let rest = self.inbound
            self.inbound = ByteBuffer()
            context.fireChannelRead(self.wrapInboundOut(rest))
        }
    }

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard self.isWrapping else {
            context.write(data, promise: promise)
            return
        }
        self.flight.writeImmutableBuffer(self.unwrapOutboundIn(data))
        if let promise {
            if let flightPromise {
                flightPromise.futureResult.cascade(to: promise)
            } else {
                self.flightPromise = promise
            }
        }
    }

    public func flush(context: ChannelHandlerContext) {
        self.writeFlight(context: context)
        context.flush()
    }

    private func writeFlight(context: ChannelHandlerContext) {
        guard self.flight.readableBytes > 0 else { return }
        let packets = self.encoder.encode(.prelogin, self.flight, allocator: context.channel.allocator)
        self.flight.clear()
        for (index, packet) in packets.enumerated() {
            let promise = index == packets.count - 1 ? self.flightPromise.take() : nil
            context.write(self.wrapOutboundOut(packet), promise: promise)
        }
    }

    public func removeHandler(context: ChannelHandlerContext, removalToken: ChannelHandlerContext.RemovalToken) {
        self.isWrapping = false
        self.writeFlight(context: context)
        if self.isReading {
            // The reading loop leaves the pipeline once it has passed on what it holds.
            self.removalToken = removalToken
        } else {
            self.drain(context: context)
            context.leavePipeline(removalToken: removalToken)
        }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        self.flightPromise.take()?.fail(ChannelError.ioOnClosedChannel)
    }
}
