import NIOCore
import NIOSSL
import NIOTLS
import TDS

/// Drives a ``ConnectionMachine`` on its channel and joins it to its session's thread.
final class ServerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: TDSServer
    private let gate: TLSGate
    /// There while the TLS handshake of TDS 7.x lasts.
    private var handshake: (framer: TDSHandshakeFramer, isLoginOnly: Bool)?
    private let sessionID: Int
    private var machine: ConnectionMachine
    private var processor = NIOSingleStepByteToMessageProcessor(TDSPacketDecoder())
    private let link = SessionLink()
    private var context: ChannelHandlerContext?

    init(server: TDSServer, gate: TLSGate, isStrict: Bool) {
        self.server = server
        self.gate = gate
        self.sessionID = server.state.nextSessionID()
        self.machine = ConnectionMachine(
            encryption: server.encryption, product: server.state.product, isStrict: isStrict, sessionID: sessionID)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        link.close()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that breaks the protocol or goes away is closed; there is nobody left to tell.
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !server.isFrozen else { return }
        do {
            // A copy, so that the TLS handler need not copy its whole buffer.
            try processor.process(buffer: context.channel.allocator.buffer(buffer: unwrapInboundIn(data))) { packet in
                self.run(try self.machine.received(packet), context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            endHandshake(context)
            run(machine.handshakeCompleted(), context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func run(_ actions: [ConnectionMachine.Action], _ context: ChannelHandlerContext) {
        for action in actions {
            switch action {
            case .send(let packets): send(packets, context)
            case .startTLS(let loginOnly): startTLS(loginOnly: loginOnly, context)
            case .removeTLS: removeTLS(context)
            case .logIn(let login): logIn(login, context)
            case .execute(let request): link.submit(request)
            case .cancel: link.cancel()
            case .close: context.close(promise: nil)
            }
        }
    }

    private func send(_ packets: [ByteBuffer], _ context: ChannelHandlerContext) {
        guard !server.isFrozen else { return }
        let link = link
        for packet in packets {
            let count = packet.readableBytes - TDSPacket.headerLength
            guard machine.isLoggedIn else {
                context.write(wrapOutboundOut(packet), promise: nil)
                continue
            }
            context.writeAndFlush(wrapOutboundOut(packet)).whenComplete { _ in link.sent(count) }
        }
        context.flush()
    }

    private func startTLS(loginOnly: Bool, _ context: ChannelHandlerContext) {
        do {
            let framer = TDSHandshakeFramer()
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(framer, position: .before(gate))
            try pipeline.addHandler(NIOSSLServerHandler(context: server.wrappedTLS), position: .after(gate))
            handshake = (framer, loginOnly)
        } catch {
            context.close(promise: nil)
        }
    }

    /// Its last flight has been written.
    private func endHandshake(_ context: ChannelHandlerContext) {
        guard let (framer, isLoginOnly) = handshake else { return }
        handshake = nil
        // First, as bytes that came behind the handshake are passed on when the framer goes.
        if isLoginOnly { gate.passRecords() }
        context.pipeline.syncOperations.removeHandler(framer, promise: nil)
    }

    /// Without a close_notify, which neither side of TDS sends or expects here.
    private func removeTLS(_ context: ChannelHandlerContext) {
        gate.passAll()
        do {
            let handler = try context.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self)
            context.pipeline.syncOperations.removeHandler(handler, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    // MARK: Login and session

    private func logIn(_ login: TDSLogin, _ context: ChannelHandlerContext) {
        guard let delay = server.state.nextLoginDelay() else { return answer(login, context) }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: delay) {
            guard let context = handler.value.context else { return }
            handler.value.answer(login, context)
        }
    }

    private func answer(_ login: TDSLogin, _ context: ChannelHandlerContext) {
        if let errors = server.refusal(of: login) {
            finishLogin(context) { machine throws(TDSWireError) in try machine.loginFailed(errors) }
            return
        }
        let loop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: loop)
        let identity = Session.Identity(id: sessionID, login: login.userName, host: login.hostName, application: login.applicationName)
        SessionThread.start(
            server: server.state, identity: identity, database: login.database.isEmpty ? "master" : login.database, link: link
        ) { event in
            loop.execute { handler.value.handle(event, of: login.userName) }
        }
    }

    private func finishLogin(
        _ context: ChannelHandlerContext, _ body: (inout ConnectionMachine) throws(TDSWireError) -> [ConnectionMachine.Action]
    ) {
        do throws(TDSWireError) {
            run(try body(&machine), context)
        } catch {
            context.close(promise: nil)
        }
    }

    private func handle(_ event: SessionEvent, of user: String) {
        guard let context else { return }
        switch event {
        case .loggedIn(let database):
            finishLogin(context) { machine throws(TDSWireError) in try machine.loginSucceeded(database: database) }
        case .loginFailed(let error):
            finishLogin(context) { machine throws(TDSWireError) in
                try machine.loginFailed(error.number == 4060 ? [error, .loginFailed(for: user)] : [error])
            }
        case .piece(let bytes):
            run(machine.responsePiece(bytes), context)
        case .finished(let body, let end):
            run(machine.responseFinished(body: body, end: end), context)
        case .dropped:
            context.close(promise: nil)
        }
    }

    func shutDown() {
        guard let context else { return }
        finishLogin(context) { machine throws(TDSWireError) in try machine.shutDown() }
    }
}

extension SQLError {
    static func loginFailed(for user: String) -> SQLError {
        SQLError(number: 18456, level: 14, message: "Login failed for user '\(user)'.")
    }
}
