import NIOCore
import Network

/// One side of a forwarded connection, whose partner writes the bytes that it reads.
final class ForwardedConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let state: NIOLoopBoundBox<ForwarderState>
    private weak var partner: ForwardedConnection?
    private var context: ChannelHandlerContext?
    /// Arriving bytes are dropped.
    var isDead = false

    private init(_ state: NIOLoopBoundBox<ForwarderState>) {
        self.state = state
    }

    static func pair(_ state: NIOLoopBoundBox<ForwarderState>) -> (ForwardedConnection, ForwardedConnection) {
        let pair = (ForwardedConnection(state), ForwardedConnection(state))
        pair.0.partner = pair.1
        pair.1.partner = pair.0
        return pair
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        state.value.connections[ObjectIdentifier(self)] = self
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        state.value.connections[ObjectIdentifier(self)] = nil
    }

    func setReading(_ isReading: Bool) {
        // Fails only on a closed channel, which has nothing to read.
        context?.channel.setOption(.autoRead, value: isReading).whenFailure { _ in }
    }

    func reset() {
        context?.channel.closeWithReset()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDead else { return }
        partner?.forward(unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDead { partner?.context?.close(promise: nil) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isDead { partner?.reset() }
        reset()
    }

    private func forward(_ bytes: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }
}
