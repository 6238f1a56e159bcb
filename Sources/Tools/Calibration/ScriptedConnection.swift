import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Network
import TDS

/// The server's side of one connection: PRELOGIN, TLS if there is an identity, LOGIN7, and statements that are answered with their
/// parameters.
final class ScriptedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let maximumMessage = 1 << 20
    private static let version = TDSPrelogin.Version(major: 16, minor: 0, build: 1000)

    private let state: NIOLoopBoundBox<ScriptedServerState>
    private let tls: NIOSSLContext?
    private let encoder = TDSPacketEncoder()
    private var decoder = TDSPacketDecoder()
    private var assembler = TDSMessageAssembler(maximumLength: ScriptedConnection.maximumMessage)
    private var received = ByteBuffer()
    private var context: ChannelHandlerContext?
    private var isAnswering = true
    private var isShakingHands = false
    private var previousAnswer: ByteBuffer?

    init(_ state: NIOLoopBoundBox<ScriptedServerState>, tls: NIOSSLContext?) {
        self.state = state
        self.tls = tls
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        state.value.connections[ObjectIdentifier(self)] = self
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        state.value.connections[ObjectIdentifier(self)] = nil
    }

    func scriptChanged(to script: ScriptedServer.Script) {
        switch script {
        case .serve, .answerStale: break
        case .hangAfterPrelogin: isAnswering = false
        case .abortTLS, .rejectLogins: abort()
        }
    }

    /// Ends the connection with a reset.
    func abort() {
        guard let context else { return }
        context.channel.closeWithReset()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAnswering else { return }
        received.writeImmutableBuffer(unwrapInboundIn(data))
        do {
            while isAnswering, let packet = try decoder.decode(buffer: &received) {
                if let message = try assembler.append(packet) { try answer(message, context) }
            }
        } catch {
            abort()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event {
            isShakingHands = false
            // From here on, TDS packets are inside TLS and no longer around it.
            if let framer = try? context.pipeline.syncOperations.context(handlerType: TDSHandshakeFramer.self) {
                context.pipeline.syncOperations.removeHandler(context: framer, promise: nil)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        abort()
    }

    private func answer(_ message: TDSMessageAssembler.Message, _ context: ChannelHandlerContext) throws {
        let script = state.value.script
        switch message.type {
        case .prelogin where isShakingHands:
            abort()
        case .prelogin:
            send(.prelogin, TDSPrelogin(version: Self.version, encryption: tls == nil ? .notSupported : .on).encode(), context)
            if let tls, script != .hangAfterPrelogin {
                isShakingHands = true
                if script != .abortTLS { try startTLS(tls, context) }
            }
            if script == .hangAfterPrelogin { isAnswering = false }
        case .login7:
            try send(login(script), context)
            if case .rejectLogins = script { context.close(promise: nil) }
        case .rpc:
            let answer = try echo(TDSRPCRequest(decoding: message.body))
            try send(script == .answerStale ? previousAnswer ?? emptyAnswer() : answer, context)
            previousAnswer = answer
        default:
            try send(emptyAnswer(), context)
        }
    }

    private func startTLS(_ tls: NIOSSLContext, _ context: ChannelHandlerContext) throws {
        try context.pipeline.syncOperations.addHandlers([TDSHandshakeFramer(), NIOSSLServerHandler(context: tls)], position: .first)
    }

    // MARK: Answers

    private func login(_ script: ScriptedServer.Script) throws -> ByteBuffer {
        if case .rejectLogins(let message) = script {
            return try encoded([.error(message), .done(TDSDone(status: .error))])
        }
        return try encoded([
            .loginAck(
                TDSLoginAck(
                    tdsVersion: TDSProtocolVersion.tds74, programName: "Scripted Server", major: Self.version.major,
                    minor: Self.version.minor, build: Self.version.build)),
            .done(TDSDone()),
        ])
    }

    /// One row of the statement's parameters, which follow the statement itself and their declarations.
    private func echo(_ request: TDSRPCRequest) throws -> ByteBuffer {
        guard request.calls.count == 1, request.calls[0].procedure == .executeSQL else { return try emptyAnswer() }
        let parameters = request.calls[0].parameters.dropFirst(2)
        let columns = TDSColumns(parameters.map { TDSColumn($0.name, $0.typeInfo) })
        var buffer = try encoded([.columnMetadata(columns)])
        try TDSRow.encode(parameters.map(\.value), columns: columns, into: &buffer)
        try TDSToken.done(TDSDone(.inProcedure, status: [.more, .count], currentCommand: 0xC1, rowCount: 1)).encode(into: &buffer)
        try TDSToken.returnStatus(0).encode(into: &buffer)
        try TDSToken.done(TDSDone(.procedure)).encode(into: &buffer)
        return buffer
    }

    private func emptyAnswer() throws -> ByteBuffer {
        try encoded([.done(TDSDone())])
    }

    private func encoded(_ tokens: [TDSToken]) throws -> ByteBuffer {
        var buffer = ByteBuffer()
        for token in tokens { try token.encode(into: &buffer) }
        return buffer
    }

    private func send(_ answer: ByteBuffer, _ context: ChannelHandlerContext) throws {
        send(.tabularResult, answer, context)
    }

    private func send(_ type: TDSPacketType, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        for packet in encoder.encode(type, body) { context.write(wrapOutboundOut(packet), promise: nil) }
        context.flush()
    }
}
