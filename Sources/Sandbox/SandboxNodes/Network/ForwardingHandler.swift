import NIOCore
import NIOPosix
import Network
import SandboxStore

/// One side of a forwarded connection: hands bytes, half-closes and ends over to the other side, at the pace that the other side takes them.
///
/// While its pod's node is silent nothing passes in either direction and no end is passed on: the packets that would tell are lost too.
final class ForwardingHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum End { case halfClosed, closed, reset }

    private var partner: ForwardingHandler?
    private var context: ChannelHandlerContext?
    private var isSilent: Bool
    private var wantsRead = false
    private var wasReset = false
    /// The events of the silence, to be passed on when it is over.
    private var held: End?

    /// Is `true` on the client's side.
    private let isFront: Bool

    private init(isFront: Bool, isSilent: Bool) {
        self.isFront = isFront
        self.isSilent = isSilent
    }

    /// The two sides of one connection. Both channels must be of one event loop.
    static func pair(isSilent: Bool) -> (front: ForwardingHandler, back: ForwardingHandler) {
        let front = ForwardingHandler(isFront: true, isSilent: isSilent)
        let back = ForwardingHandler(isFront: false, isSilent: isSilent)
        front.partner = back
        back.partner = front
        return (front, back)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // Held bytes must still find their way when the silence is over.
        if !isSilent { partner = nil }
    }

    // MARK: Silence

    func silence() {
        isSilent = true
        partner?.isSilent = true
    }

    func restore() {
        let other = partner
        // A connection that was begun in the silence never got anywhere: the client's kernel would have tried again and been refused.
        if let context, partner?.context == nil, held == nil { context.channel.closeWithReset() }
        for side in [self, other] { side?.isSilent = false }
        for side in [self, other] {
            guard let side else { continue }
            if let held = side.held {
                side.held = nil
                side.pass(held)
            }
            side.readIfPossible()
        }
        for side in [self, other] where side?.context == nil { side?.partner = nil }
    }

    // MARK: Bytes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        partner?.context?.write(NIOAny(unwrapInboundIn(data)), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.readIfPossible() }
    }

    func read(context: ChannelHandlerContext) {
        wantsRead = true
        readIfPossible()
    }

    private func readIfPossible() {
        guard wantsRead, !isSilent, let other = partner?.context, other.channel.isWritable else { return }
        wantsRead = false
        context?.read()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { pass(.halfClosed) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The end follows: channelInactive.
        wasReset = true
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        pass(wasReset ? .reset : .closed)
        context.fireChannelInactive()
    }

    private func pass(_ end: End) {
        guard !isSilent else {
            if isFront, end != .halfClosed {
                // Nobody is left to tell when the silence is over.
                partner?.context?.close(promise: nil)
                partner?.partner = nil
                partner = nil
            } else {
                held = end
            }
            return
        }
        guard let other = partner?.context else { return }
        switch end {
        case .halfClosed: other.close(mode: .output, promise: nil)
        case .closed: other.close(promise: nil)
        case .reset: other.channel.closeWithReset()
        }
    }

    /// The pod's side could not be reached.
    func refuse() {
        guard !isSilent else {
            partner?.held = .reset
            return
        }
        if let context { context.channel.closeWithReset() }
    }

    /// Closes both sides whatever their state.
    func end() {
        partner?.context?.close(promise: nil)
        context?.close(promise: nil)
    }
}

// It is only ever touched on its channels' event loop.
@available(*, unavailable)
extension ForwardingHandler: Sendable {}
