import NIOCore
import NIOWebSocket

/// Feeds the messages of an exec's WebSocket into its state machine and ends the connection when the command has ended.
final class ExecHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private var machine: ExecStateMachine
    private let input: [[UInt8]]
    private var promise: EventLoopPromise<ExecResult>?
    private let session: ExecSession

    init(machine: ExecStateMachine, input: [[UInt8]], promise: EventLoopPromise<ExecResult>, session: ExecSession) {
        self.machine = machine
        self.input = input
        self.promise = promise
        self.session = session
    }

    func handlerAdded(context: ChannelHandlerContext) {
        for message in input { send(.binary, ByteBuffer(bytes: message), context) }
        context.flush()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .binary, .text:
            if machine.received(frame.unmaskedData.readableBytesView) == .finish {
                finish("ended")
                send(.connectionClose, ByteBuffer(integer: UInt16(1000)), context)
                context.flush()
                context.close(promise: nil)
            }
        case .ping:
            send(.pong, frame.unmaskedData, context)
            context.flush()
        case .connectionClose:
            finish("the server closed the connection without saying how the command ended")
            context.close(promise: nil)
        case .pong, .continuation: break
        default: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(session.failure?.message ?? "the connection was lost before the command's end was known")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish("the connection broke before the command's end was known")
        context.close(promise: nil)
    }

    private func finish(_ reason: String) {
        promise?.succeed(machine.result(endedBy: reason))
        promise = nil
    }

    private func send(_ opcode: WebSocketOpcode, _ data: ByteBuffer, _ context: ChannelHandlerContext) {
        let frame = WebSocketFrame(fin: true, opcode: opcode, maskKey: .random(), data: data)
        context.write(wrapOutboundOut(frame), promise: nil)
    }
}
