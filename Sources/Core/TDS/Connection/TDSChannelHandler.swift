import NIOCore
import NIOSSL
import NIOTLS

/// Turns bytes into events for the state machine and its actions into bytes.
final class TDSChannelHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// The outcome of connecting.
    enum Outcome: Sendable {
        case loggedIn(TDSServerVersion, TDSPhaseDurations)
        case redirected(TDSRoute, TDSPhaseDurations)
    }

    /// A PRELOGIN reply has some 40 bytes; nothing before the login is longer than this.
    private static let maximumPreloginLength = 65536
    /// The answer to a login has a kilobyte or two.
    private static let maximumLoginLength = 1 << 20
    /// The cost of a token beside its bytes.
    private static let tokenCost = 64
    /// The longest wait for the server's last words after ours.
    private static let lingering = TimeAmount.seconds(1)

    private let eventLoop: any EventLoop
    private let configuration: TDSConfiguration
    private let tls: NIOSSLContext?
    private let resolvingSince: NIODeadline?
    private let connecting: EventLoopPromise<Outcome>
    private var isOutcomeKnown = false

    private var machine: TDSConnectionStateMachine
    private let packets = NIOSingleStepByteToMessageProcessor(TDSPacketDecoder())
    private var tokens = TDSTokenDecoder()
    private var prelogin = TDSMessageAssembler(maximumLength: TDSChannelHandler.maximumPreloginLength)
    private var encoder = TDSPacketEncoder()

    private var context: ChannelHandlerContext?
    private var framer: TDSHandshakeFramer?
    /// There as long as TLS is.
    private var tlsHandler: NIOSSLClientHandler?

    private var phase: TDSPhase? = .tcp
    private var phaseStart: NIODeadline
    /// When the system had all of what this phase sent; nil before that, and in a phase that says more than one thing.
    private var sentAt: NIODeadline?
    private var phases = TDSPhaseDurations()
    /// By when the phase, or the request, must be done.
    private var phaseDeadline: NIODeadline?
    /// Fires at ``phaseDeadline`` or before: it is moved only when it fires, as a phase that ends in time is what usually happens.
    private var timer: (fires: NIODeadline, scheduled: Scheduled<Void>)?
    /// By when connecting must be done.
    private let connectDeadline: NIODeadline

    private var request: (id: UInt64, sink: any TDSResponseSink)?
    /// The cost so far of the answer that is coming, of which all is kept until it is whole.
    private var answerLength = 0
    /// Ends the wait for the server's last words.
    private var lingering: Scheduled<Void>?

    /// The outcome of connecting; its error is a ``TDSError``. Known at the latest when the handler is removed.
    var outcome: EventLoopFuture<Outcome> { self.connecting.futureResult }

    /// - Parameter resolvingSince: since when the name of the host has been resolved and its addresses tried, which counts to the phase
    ///   `tcp`; nil for an address.
    /// - Parameter deadline: by when connecting must be done, however long its phases may take.
    init(
        eventLoop: any EventLoop, configuration: TDSConfiguration, tls: NIOSSLContext?, resolvingSince: NIODeadline?,
        deadline: NIODeadline = .distantFuture
    ) {
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.tls = tls
        self.machine = TDSConnectionStateMachine(encryption: configuration.encryption)
        self.resolvingSince = resolvingSince
        self.connectDeadline = deadline
        self.phaseStart = resolvingSince ?? eventLoop.now
        self.connecting = eventLoop.makePromise()
    }

    // MARK: The channel's events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.connected(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.lingering?.cancel()
        self.timer?.scheduled.cancel()
        self.lost(TDSError(.closed, phase: self.phase ?? .idle))
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        self.connected(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.lost(TDSError(.eof, phase: self.phase ?? .idle, detail: "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        var failure = TDSError(channelError: error, phase: self.phase ?? .idle, isConnected: context.channel.isActive)
        if error as? NIOSSLExtraError == .failedToValidateHostname, let certificate = self.tlsHandler?.peerCertificate {
            failure.detail = certificate.explanation(ofMissing: self.configuration.serverName ?? self.configuration.host)
        }
        self.lost(failure)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let negotiatedProtocol) = event {
            self.tlsEstablished(context, negotiatedProtocol)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // Closed: what was already on its way concerns nobody any more.
        guard self.machine.phase != nil else { return }
        // A copy of what came: parts of it are held until the next read, for which the TLS handler would copy its whole buffer of 32 KB
        // as long as somebody holds on to it.
        let bytes = context.channel.allocator.buffer(buffer: self.unwrapInboundIn(data))
        do {
            try self.packets.process(buffer: bytes) { try self.received($0, context) }
        } catch let error as TDSWireError {
            self.lost(TDSError(wireError: error, phase: self.phase ?? .idle))
        } catch {
            self.lost(TDSError(channelError: error, phase: self.phase ?? .idle, isConnected: context.channel.isActive))
        }
    }

    // MARK: Connecting

    func connect(context: ChannelHandlerContext, to address: SocketAddress, promise: EventLoopPromise<Void>?) {
        self.phases.begun = .now
        if self.resolvingSince == nil { self.phaseStart = self.eventLoop.now }
        let promise = promise ?? context.eventLoop.makePromise()
        promise.futureResult.assumeIsolated().whenFailure { error in
            let failure = TDSError(channelError: error, phase: .tcp, isConnected: false)
            // A refusal is an answer, if perhaps to a SYN that the system sent again.
            if failure.code != .timeout { self.sentAt = nil }
            self.lost(failure)
        }
        context.connect(to: address, promise: promise)
        self.sentAt = self.eventLoop.now
    }

    private func connected(_ context: ChannelHandlerContext) {
        let action = self.machine.connected()
        self.phaseMayHaveChanged()
        switch action {
        case .awaitTLS: break
        case .sendPrelogin: self.sendPrelogin(context)
        }
    }

    private func sendPrelogin(_ context: ChannelHandlerContext) {
        self.write(.prelogin, self.configuration.encodedPrelogin, context)
    }

    private func received(_ packet: TDSPacket, _ context: ChannelHandlerContext) throws {
        switch self.machine.phase {
        case .prelogin:
            guard packet.type == .tabularResult || packet.type == .prelogin else {
                throw TDSWireError.malformed("a packet of type \(packet.type) in answer to PRELOGIN")
            }
            guard let message = try self.prelogin.append(packet) else { return }
            try self.preloginReceived(message.body, context)
        case .login, .query, .idle:
            try self.responseReceived(packet, context)
        case .tcp, .tls:
            throw TDSWireError.malformed("a packet of type \(packet.type) before TLS is established")
        case nil:
            break
        }
    }

    private func preloginReceived(_ message: ByteBuffer, _ context: ChannelHandlerContext) throws {
        if message.readableBytesView.first == TDSTokenType.error.rawValue {
            // Some servers refuse with a response instead of answering.
            throw Self.refusal(message)
        }
        let action = self.machine.preloginReceived(
            try TDSPrelogin(decoding: message), unprocessedBytes: self.packets.unprocessedBytes)
        switch action {
        case .startTLS:
            self.phaseMayHaveChanged()
            try self.startTLS(context)
        case .sendLogin(let encryption):
            self.phaseMayHaveChanged()
            self.sendLogin(encryption, context)
        case .fail(let error):
            self.finish(error)
        }
    }

    private static func refusal(_ message: ByteBuffer) -> any Error {
        var decoder = TDSTokenDecoder()
        decoder.append(message)
        var messages: [TDSServerMessage] = []
        do throws(TDSWireError) {
            while let token = try decoder.next() {
                if case .error(let message) = token { messages.append(message) }
            }
        } catch {
            return error
        }
        return TDSError(.serverError, phase: .prelogin, serverMessages: messages)
    }

    private func startTLS(_ context: ChannelHandlerContext) throws {
        guard let tls = self.tls else {
            throw TDSError(.configuration, phase: .tls, detail: "no TLS context was prepared")
        }
        let handler = try NIOSSLClientHandler(context: tls, serverHostname: self.configuration.certificateName)
        let framer = TDSHandshakeFramer()
        self.tlsHandler = handler
        self.framer = framer
        try context.pipeline.syncOperations.addHandlers([framer, handler], position: .before(self))
    }

    private func tlsEstablished(_ context: ChannelHandlerContext, _ negotiatedProtocol: String?) {
        switch self.machine.tlsEstablished(negotiatedProtocol: negotiatedProtocol) {
        case .sendPrelogin:
            self.phaseMayHaveChanged()
            self.sendPrelogin(context)
        case .unwrapAndSendLogin(let encryption):
            self.phaseMayHaveChanged()
            if let framer = self.framer.take() { context.pipeline.syncOperations.removeHandler(framer, promise: nil) }
            self.sendLogin(encryption, context)
        case .fail(let error):
            self.finish(error)
        }
    }

    private func sendLogin(_ encryption: TDSConnectionStateMachine.LoginEncryption, _ context: ChannelHandlerContext) {
        let message: ByteBuffer
        do throws(TDSWireError) {
            message = try self.configuration.encodedLogin
        } catch {
            self.lost(TDSError(.configuration, phase: .login, detail: "\(error)"))
            return
        }
        switch encryption {
        case .asConnection:
            self.write(.login7, message, context)
        case .firstPacket:
            var packets = self.encoder.encode(.login7, message, allocator: context.channel.allocator)[...]
            if let first = packets.popFirst() { context.writeAndFlush(self.wrapOutboundOut(first), promise: nil) }
            do {
                try self.leaveTLS(sending: packets, context)
            } catch {
                self.lost(TDSError(channelError: error, phase: .login, isConnected: context.channel.isActive))
            }
        }
    }

    /// Sends the rest of a login in the clear, and takes TLS away when the server answers in the clear: some go on in TLS.
    private func leaveTLS(sending packets: ArraySlice<ByteBuffer>, _ context: ChannelHandlerContext) throws {
        guard let tlsHandler else { return }
        let pipeline = context.pipeline.syncOperations
        let tlsContext = try pipeline.context(handler: tlsHandler)
        for packet in packets { tlsContext.write(self.wrapOutboundOut(packet), promise: nil) }
        tlsContext.flush()
        let gate = TDSLoginAnswerGate {
            // No close_notify: both sides just go on in the clear (MS-TDS 3.2.5.3).
            if let handler = self.tlsHandler.take() { pipeline.removeHandler(handler, promise: nil) }
        }
        try pipeline.addHandler(gate, position: .before(tlsHandler))
    }

    // MARK: Responses

    private func responseReceived(_ packet: TDSPacket, _ context: ChannelHandlerContext) throws {
        guard packet.type == .tabularResult else {
            throw TDSWireError.malformed("a packet of type \(packet.type) where a response is due")
        }
        self.tokens.append(packet.payload, isEndOfMessage: packet.isEndOfMessage)
        try self.count(packet.payload.readableBytes)
        var cost = 0
        while let token = try self.nextToken() {
            cost += Self.tokenCost
            switch self.machine.tokenReceived(token) {
            case .none: break
            case .deliver: self.request?.sink.receive(token)
            case .fail(let error):
                self.finish(error)
                return
            }
        }
        try self.count(cost)
        guard packet.isEndOfMessage else { return }
        try self.tokens.endMessage()
        self.answerLength = 0
        let action = self.machine.messageEnded()
        switch action {
        case .none: break
        case .loggedIn(let acknowledgement):
            self.phaseMayHaveChanged()
            self.encoder.packetSize = self.machine.packetSize ?? self.encoder.packetSize
            self.complete(.success(.loggedIn(TDSServerVersion(acknowledgement), self.phases)))
        case .redirect(let route):
            self.phaseMayHaveChanged()
            self.complete(.success(.redirected(route, self.phases)))
            self.closeChannel(isOrderly: true)
        case .finish:
            self.requestEnded(nil)
        case .finishWithError(let error):
            self.requestEnded(self.timed(error))
        case .fail(let error):
            self.finish(error, isOrderly: error.code == .loginRejected)
        }
    }

    /// The next token. Rows go to the request first, where it reads them itself.
    private func nextToken() throws(TDSWireError) -> TDSToken? {
        if let request, !self.machine.isCancelling, try !request.sink.receiveRows(&self.tokens) { self.cancel(requestID: request.id) }
        return try self.tokens.next()
    }

    /// Counts what an answer costs that is kept until it is whole.
    private func count(_ cost: Int) throws(TDSWireError) {
        self.answerLength += cost
        if self.machine.phase == .login {
            guard self.answerLength <= Self.maximumLoginLength else {
                throw .malformed("an answer to the login of more than \(Self.maximumLoginLength) bytes")
            }
        } else if let limit = self.request?.sink.maximumLength, self.answerLength > limit, !self.machine.isCancelling {
            throw .malformed("an answer of more than \(limit) bytes")
        }
    }

    private func requestEnded(_ error: TDSError?) {
        self.phaseMayHaveChanged()
        let request = self.request.take()
        request?.sink.finish(error)
    }

    // MARK: Requests

    func execute(_ request: TDSRequest, id: UInt64, timeout: Duration, sink: any TDSResponseSink) {
        guard let context = self.context else {
            sink.finish(self.machine.closeReason ?? TDSError(.closed, phase: .query))
            return
        }
        switch self.machine.execute(id: id) {
        case .refuse(let error):
            sink.finish(error)
        case .send(let descriptor):
            self.request = (id, sink)
            self.phaseMayHaveChanged()
            self.startDeadline(timeout)
            self.write(request.type, request.message(transactionDescriptor: descriptor), context)
        }
    }

    /// The task that awaits the request was cancelled, or nobody reads its rows any more.
    func cancel(requestID: UInt64) {
        self.cancel(requestID: requestID, TDSError(.cancelled, phase: .query))
    }

    private func cancel(requestID: UInt64, _ error: TDSError) {
        switch self.machine.cancel(id: requestID, error: self.timed(error)) {
        case .none: break
        case .sendAttention:
            guard let context = self.context else { return }
            self.startDeadline(self.configuration.deadlines.attention)
            self.write(.attention, ByteBuffer(), context)
        }
    }

    private func write(_ type: TDSPacketType, _ message: ByteBuffer, _ context: ChannelHandlerContext) {
        let packets = self.encoder.encode(type, message, allocator: context.channel.allocator)
        for packet in packets.dropLast() { context.write(self.wrapOutboundOut(packet), promise: nil) }
        guard let last = packets.last else { return }
        let written = context.eventLoop.makePromise(of: Void.self)
        let phaseStart = self.phaseStart
        written.futureResult.assumeIsolated().whenComplete { result in
            switch result {
            case .success:
                // The answer to an attention is not what the phase waits for.
                if type != .attention, phaseStart == self.phaseStart { self.sentAt = self.eventLoop.now }
            case .failure(let error):
                self.lost(TDSError(channelError: error, phase: self.phase ?? .idle, isConnected: false))
            }
        }
        context.writeAndFlush(self.wrapOutboundOut(last), promise: written)
    }

    // MARK: Phases and deadlines

    private func phaseMayHaveChanged() {
        guard self.machine.phase != self.phase else { return }
        let now = self.eventLoop.now
        if let phase = self.phase { self.phases.add(Duration(now - self.phaseStart), to: phase) }
        self.phase = self.machine.phase
        self.phaseStart = now
        self.sentAt = nil
        self.phaseDeadline = nil
        switch self.phase {
        case .prelogin: self.startDeadline(self.configuration.deadlines.prelogin, atMost: self.connectDeadline)
        case .tls: self.startDeadline(self.configuration.deadlines.tls, atMost: self.connectDeadline)
        case .login: self.startDeadline(self.configuration.deadlines.login, atMost: self.connectDeadline)
        // TCP's is the bootstrap's, a request brings its own, and being idle may last.
        case .tcp, .query, .idle, nil: break
        }
    }

    private func startDeadline(_ duration: Duration, atMost limit: NIODeadline = .distantFuture) {
        let deadline = min(self.eventLoop.now + TimeAmount(duration), limit)
        self.phaseDeadline = deadline
        if let timer, timer.fires <= deadline { return }
        self.startTimer(deadline)
    }

    private func startTimer(_ deadline: NIODeadline) {
        self.timer?.scheduled.cancel()
        let scheduled = self.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired() }
        self.timer = (deadline, scheduled)
    }

    private func timerFired() {
        self.timer = nil
        guard let phaseDeadline else { return }
        guard phaseDeadline <= self.eventLoop.now else { return self.startTimer(phaseDeadline) }
        self.phaseDeadline = nil
        if let request, !self.machine.isCancelling {
            self.cancel(requestID: request.id, TDSError(.timeout, phase: .query))
        } else if let error = self.machine.deadlinePassed() {
            self.finish(error.explained(for: self.configuration.encryption))
        }
    }

    /// The error with the times that belong to it, unless it has them already.
    private func timed(_ error: TDSError) -> TDSError {
        guard error.after == .zero else { return error }
        var error = error
        let now = self.eventLoop.now
        error.after = Duration(now - self.phaseStart)
        error.at = .now
        error.unansweredFor = self.sentAt.map { Duration(now - $0) }
        error.phases = self.phases
        error.phases.add(error.after, to: error.phase)
        return error
    }

    /// The server's certificate (DER), while TLS is there.
    var certificateBytes: [UInt8]? { self.tlsHandler?.peerCertificate.flatMap { try? $0.toDERBytes() } }

    // MARK: The end

    /// Closes the connection from this side.
    func close() {
        let isIdle = self.machine.phase == .idle
        let closed = TDSError(.closed, phase: self.phase ?? .idle, detail: "closed by this side")
        if let error = self.machine.connectionLost(closed) { self.finish(error, isOrderly: isIdle) }
    }

    /// Nobody awaits the connection any more.
    func cancelConnecting() {
        guard !self.isOutcomeKnown else { return }
        self.lost(TDSError(.cancelled, phase: self.phase ?? .tcp))
    }

    private func lost(_ error: TDSError) {
        if let error = self.machine.connectionLost(error) { self.finish(error.explained(for: self.configuration.encryption)) }
    }

    /// The state machine is closed: tell whoever waits, and let go of the socket.
    ///
    /// - Parameter isOrderly: the server has answered all that it was asked, so that only the goodbyes are missing.
    private func finish(_ error: TDSError, isOrderly: Bool = false) {
        let error = self.timed(error)
        self.phaseMayHaveChanged()
        // Closed before anybody is told, so that nobody who is told finds it open.
        self.closeChannel(isOrderly: isOrderly)
        self.complete(.failure(error))
        let request = self.request.take()
        request?.sink.finish(error)
    }

    private func complete(_ result: Result<Outcome, TDSError>) {
        guard !self.isOutcomeKnown else { return }
        self.isOutcomeKnown = true
        switch result {
        case .success(let outcome): self.connecting.succeed(outcome)
        case .failure(let error): self.connecting.fail(error)
        }
    }

    private func closeChannel(isOrderly: Bool = false) {
        guard let context = self.context else { return }
        guard isOrderly, self.tlsHandler != nil, context.channel.isActive else {
            self.abandon(context)
            return
        }
        // A server answers close_notify with its own. A socket that is closed before it came answers that with a reset: so only the
        // sending half is closed, and the rest when the server has closed its own.
        context.close(mode: .output, promise: nil)
        self.lingering = self.eventLoop.assumeIsolated().scheduleTask(in: Self.lingering) {
            if let context = self.context { self.abandon(context) }
        }
    }

    /// Lets go of the socket at once.
    private func abandon(_ context: ChannelHandlerContext) {
        // The TLS handler would first exchange close_notify with a peer that may be dead; TDS does without.
        if let handler = self.tlsHandler, let tlsContext = try? context.pipeline.syncOperations.context(handler: handler) {
            tlsContext.close(promise: nil)
        } else {
            context.close(promise: nil)
        }
    }

    /// Names the TLS handler of a pipeline that was built with one (TDS 8.0).
    func adopt(_ handler: NIOSSLClientHandler) {
        self.tlsHandler = handler
    }
}
