import Crypto
import Foundation
import NIOCore
import NIOWebSocket

/// Asks for the WebSocket and puts NIO's WebSocket codecs into the pipeline when the server agrees.
///
/// NIO's own upgrade handlers do the same in several turns of the event loop. A command that ends at once has its output, its status and
/// the connection's end right behind the 101; when that end comes between those turns, all of it is lost. Here the switch is one step.
final class ExecUpgradeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A frame of the server: kubelets copy in pieces of 32 KiB.
    private static let frameLimit = 4 << 20

    private let head: String
    private let key: String
    private let input: Data?
    private let outputLimit: Int
    private let session: ExecSession
    private let explain: (any Error) -> KubernetesError
    private var answer = UpgradeAnswer()
    /// Where the outcome goes; `nil` once it has gone there or is the ``ExecHandler``'s business.
    private var promise: EventLoopPromise<ExecConnection.Outcome>?
    private var isUpgraded = false

    /// - Parameters:
    ///   - head: the request line and header lines, but for the WebSocket's own.
    init(
        head: [String], input: Data?, outputLimit: Int, session: ExecSession, promise: EventLoopPromise<ExecConnection.Outcome>,
        explain: @escaping (any Error) -> KubernetesError
    ) {
        key = NIOWebSocketClientUpgrader.randomRequestKey()
        let lines = [
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: \(key)",
            "Sec-WebSocket-Protocol: \(ExecRequest.subprotocols.joined(separator: ", "))",
        ]
        self.head = (head + lines).joined(separator: "\r\n") + "\r\n\r\n"
        self.input = input
        self.outputLimit = outputLimit
        self.session = session
        self.promise = promise
        self.explain = explain
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isUpgraded { return context.fireChannelRead(data) }
        switch answer.append(unwrapInboundIn(data).readableBytesView) {
        case nil: break
        case .garbage: fail(KubernetesError(.unexpectedAnswer, "the answer is no HTTP"), context)
        case .refused(let refusal):
            promise?.succeed(.refused(refusal))
            promise = nil
            context.close(promise: nil)
        case .upgraded(let headers, let rest): upgrade(headers, rest, context)
        }
    }

    private func upgrade(_ headers: [String: String], _ rest: [UInt8], _ context: ChannelHandlerContext) {
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        guard headers["sec-websocket-accept"] == Data(digest).base64EncodedString(), let promise else {
            return fail(KubernetesError(.unexpectedAnswer, "the server's WebSocket handshake is wrong"), context)
        }
        let result = context.eventLoop.makePromise(of: ExecResult.self)
        result.futureResult.map { .ended($0) }.cascade(to: promise)
        self.promise = nil
        isUpgraded = true
        let version = headers["sec-websocket-protocol"] ?? ""
        let handler = ExecHandler(
            machine: ExecStateMachine(limit: outputLimit), input: input.map { ExecStateMachine.input($0, version: version) } ?? [],
            promise: result, session: session)
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandlers([
                WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: Self.frameLimit)),
                NIOWebSocketFrameAggregator(
                    minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1 << 16, maxAccumulatedFrameSize: Self.frameLimit),
                handler,
            ])
        } catch {
            result.fail(explain(error))
        }
        if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isUpgraded { return context.fireErrorCaught(error) }
        fail(explain(error), context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let promise {
            if let refusal = answer.ended(), session.failure == nil {
                promise.succeed(.refused(refusal))
            } else {
                promise.fail(session.failure ?? explain(ChannelError.eof))
            }
            self.promise = nil
        }
        context.fireChannelInactive()
    }

    /// A channel that never connected is taken down without having been active or inactive.
    func handlerRemoved(context: ChannelHandlerContext) {
        promise?.fail(session.failure ?? explain(ChannelError.eof))
        promise = nil
    }

    private func fail(_ error: KubernetesError, _ context: ChannelHandlerContext) {
        promise?.fail(session.failure ?? error)
        promise = nil
        context.close(promise: nil)
    }
}
