import Certificates
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Network

@testable import TDS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The behaviour of a test's server at each point of a connection.
struct Script: Sendable {
    /// A point at which it stops being a server.
    enum Point: Sendable { case accepted, prelogin, tls, login, request }

    enum Misbehaviour: Sendable {
        case hang
        case close
        /// Close with a reset instead of an orderly end.
        case reset
        case send(ByteBuffer)
        /// Bytes without end, a piece whenever the socket takes it; told how many there were before.
        case flood(@Sendable (Int) -> ByteBuffer)
        /// The same, but a piece every few milliseconds.
        case drip(@Sendable (Int) -> ByteBuffer)
    }

    enum Answer: Sendable {
        case tokens([TDSToken])
        case tokensThenClose([TDSToken])
        /// Rows of (n int, filler varbinary), two kilobytes each, in packets as they can be written.
        case rows(Int)
        /// Some rows, and then nothing until an attention comes.
        case rowsThenWait(Int)
        /// Nothing until an attention comes, which is then acknowledged, or not.
        case waitForAttention(isAcknowledged: Bool)
        /// A complete answer, and the acknowledgement in a message of its own when the attention comes.
        case answerAtAttention
    }

    var encryption: TDSPreloginEncryption? = .on
    var isStrict = false
    var misbehaviour: (at: Point, Misbehaviour)?
    /// Bytes that stand in the clear behind the PRELOGIN reply.
    var injected: ByteBuffer?
    var login: @Sendable (TDSLogin) -> [TDSToken] = { _ in .accepted }
    var closesAfterLogin = false
    /// Of a login of which the first packet alone is encrypted, the answer is encrypted too, and all that follows.
    var staysInTLS = false
    var answer: @Sendable (String) -> Answer = { _ in .tokens([.done(TDSDone())]) }
}

/// The server's half of the protocol, following a ``Script``.
final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State { case prelogin, tls, login, ready, dead }

    private let script: Script
    private let tls: NIOSSLContext?
    private var state = State.prelogin
    private var packets = NIOSingleStepByteToMessageProcessor(TDSPacketDecoder())
    private var message = TDSMessageAssembler(maximumLength: 1 << 24)
    private var framer: TDSHandshakeFramer?
    private var tlsHandler: NIOSSLServerHandler?
    private var isLoginOnly = false
    private var pending: Script.Answer?
    private var rowsLeft = 0
    private var isFlushing = false
    private var isWaitingAfterRows = false

    static let columns = TDSColumns([TDSColumn("n", .int), TDSColumn("filler", .varBinary(8000))])

    private static let filler = TDSValue.binary(ByteBuffer(repeating: 0x5A, count: 2000))

    init(script: Script, tls: NIOSSLContext?) {
        self.script = script
        self.tls = tls
    }

    func channelActive(context: ChannelHandlerContext) {
        self.misbehave(at: .accepted, context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.state != .dead else { return }
        do {
            try self.packets.process(buffer: self.unwrapInboundIn(data)) { packet in
                try self.received(packet, context)
            }
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event, let framer = self.framer.take() {
            context.pipeline.syncOperations.removeHandler(framer, promise: nil)
            self.state = .login
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.writeRows(context)
        context.fireChannelWritabilityChanged()
    }

    private func received(_ packet: TDSPacket, _ context: ChannelHandlerContext) throws {
        if self.isLoginOnly, !self.script.staysInTLS, let handler = self.tlsHandler.take() {
            // Only the first packet of the login was encrypted.
            context.pipeline.syncOperations.removeHandler(handler, promise: nil)
        }
        guard self.state != .dead, let message = try self.message.append(packet) else { return }
        switch (self.state, message.type) {
        case (.prelogin, .prelogin):
            try self.prelogin(try TDSPrelogin(decoding: message.body), context)
        case (.login, .login7):
            if self.misbehave(at: .login, context) { return }
            try self.respond(self.script.login(try TDSLogin(decoding: message.body)), context)
            self.state = .ready
            if self.script.closesAfterLogin { self.closeAbruptly(context) }
        case (.ready, .sqlBatch):
            try self.request(try TDSSQLBatch(decoding: message.body).text, context)
        case (.ready, .rpc):
            let call = try TDSRPCRequest(decoding: message.body).calls.first
            try self.request(call?.parameters.map { $0.value.string ?? "\($0.value)" }.joined(separator: "|") ?? "", context)
        case (.ready, .attention):
            try self.attention(context)
        default:
            throw TDSWireError.malformed("\(message.type) in \(self.state)")
        }
    }

    private func prelogin(_ request: TDSPrelogin, _ context: ChannelHandlerContext) throws {
        if self.misbehave(at: .prelogin, context) { return }
        var reply = TDSPacketEncoder().encode(.tabularResult, TDSPrelogin.reply(self.script.encryption).encode())[0]
        if let injected = self.script.injected { reply.writeImmutableBuffer(injected) }
        context.writeAndFlush(self.wrapOutboundOut(reply), promise: nil)
        self.isLoginOnly = self.script.encryption == .off && request.encryption == .off
        let isEncrypted = self.isLoginOnly || self.script.encryption == .on || self.script.encryption == .required
        guard isEncrypted, !self.script.isStrict, let tls = self.tls else {
            self.state = .login
            return
        }
        self.state = .tls
        if self.misbehave(at: .tls, context) { return }
        let framer = TDSHandshakeFramer()
        let handler = NIOSSLServerHandler(context: tls)
        self.framer = framer
        self.tlsHandler = handler
        try context.pipeline.syncOperations.addHandlers([framer, handler], position: .before(self))
    }

    private func request(_ sql: String, _ context: ChannelHandlerContext) throws {
        if self.misbehave(at: .request, context) { return }
        let answer = self.script.answer(sql)
        switch answer {
        case .tokens(let tokens):
            try self.respond(tokens, context)
        case .tokensThenClose(let tokens):
            try self.respond(tokens, context)
            self.closeAbruptly(context)
        case .rows(let count):
            self.pending = answer
            self.rowsLeft = count
            self.send(try encodeTokens([.columnMetadata(Self.columns)]), context)
            self.writeRows(context)
        case .rowsThenWait(let count):
            self.pending = .rows(count)
            self.rowsLeft = count
            self.isWaitingAfterRows = true
            self.send(try encodeTokens([.columnMetadata(Self.columns)]), context)
            self.writeRows(context)
        case .waitForAttention, .answerAtAttention:
            self.pending = answer
        }
    }

    private func attention(_ context: ChannelHandlerContext) throws {
        let pending = self.pending.take()
        self.rowsLeft = 0
        let acknowledgement = TDSToken.done(TDSDone(status: .attention))
        switch pending {
        case .waitForAttention(isAcknowledged: false):
            break
        case .answerAtAttention:
            try self.respond([.done(TDSDone(status: .count, rowCount: 1))], context)
            try self.respond([acknowledgement], context)
        default:
            try self.respond([acknowledgement], context)
        }
    }

    /// Writes rows while the socket takes them.
    private func writeRows(_ context: ChannelHandlerContext) {
        guard !self.isFlushing, case .rows(let count) = self.pending else { return }
        // Flushing changes the writability, which would come back here.
        self.isFlushing = true
        defer { self.isFlushing = false }
        if self.rowsLeft > 0, context.channel.isWritable {
            var payload = ByteBuffer()
            for _ in 0..<min(7, self.rowsLeft) {
                let number = Int32(count - self.rowsLeft)
                self.rowsLeft -= 1
                try? TDSRow.encode([.int(number), Self.filler], columns: Self.columns, into: &payload)
            }
            self.send(payload, context)
            // One packet a turn, as the loop serves other tests too.
            if self.rowsLeft > 0 { context.eventLoop.assumeIsolated().execute { self.writeRows(context) } }
        }
        guard self.rowsLeft == 0, !self.isWaitingAfterRows else { return }
        self.pending = nil
        try? self.respond([.done(TDSDone(status: .count, rowCount: UInt64(count)))], context)
    }

    /// Sends a packet that does not end its message.
    private func send(_ payload: ByteBuffer, _ context: ChannelHandlerContext) {
        var packet = TDSPacketEncoder(packetSize: 16000).encode(.tabularResult, payload)[0]
        packet.setInteger(UInt8(0), at: packet.readerIndex + 1)
        context.writeAndFlush(self.wrapOutboundOut(packet), promise: nil)
    }

    private func respond(_ tokens: [TDSToken], _ context: ChannelHandlerContext) throws {
        for packet in TDSPacketEncoder().encode(.tabularResult, try encodeTokens(tokens)) {
            context.write(self.wrapOutboundOut(packet), promise: nil)
        }
        context.flush()
    }

    /// As servers do it: without close_notify, which would make TLS wait for the client's.
    private func closeAbruptly(_ context: ChannelHandlerContext) {
        let tlsContext = try? context.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)
        (tlsContext ?? context).close(promise: nil)
    }

    @discardableResult
    private func misbehave(at point: Script.Point, _ context: ChannelHandlerContext) -> Bool {
        guard let (place, misbehaviour) = self.script.misbehaviour, place == point else { return false }
        self.state = .dead
        switch misbehaviour {
        case .hang: break
        case .close: self.closeAbruptly(context)
        case .reset:
            context.channel.resetOnClose().assumeIsolated().whenComplete { _ in self.closeAbruptly(context) }
        case .send(let bytes): context.writeAndFlush(self.wrapOutboundOut(bytes), promise: nil)
        case .flood(let piece): self.flood(piece, from: 0, every: nil, context)
        case .drip(let piece): self.flood(piece, from: 0, every: .milliseconds(2), context)
        }
        return true
    }

    private func flood(
        _ piece: @escaping @Sendable (Int) -> ByteBuffer, from number: Int, every interval: TimeAmount?, _ context: ChannelHandlerContext
    ) {
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(self.wrapOutboundOut(piece(number)), promise: written)
        let loop = context.eventLoop.assumeIsolated()
        written.futureResult.assumeIsolated().whenSuccess {
            let next = { self.flood(piece, from: number + 1, every: interval, context) }
            if let interval { loop.scheduleTask(in: interval, next) } else { loop.execute(next) }
        }
    }
}

/// Serves a script on a loopback port for as long as `body` runs.
func withServer<Value>(
    _ script: Script = Script(), certificate: IssuedCertificate? = nil, _ body: (TDSConfiguration) async throws -> Value
) async throws -> Value {
    var settings = try (certificate ?? .ofTestServer()).serverConfiguration()
    if script.isStrict { settings.applicationProtocols = ["tds/8.0"] } else { settings.maximumTLSVersion = .tlsv12 }
    let tls = try NIOSSLContext(configuration: settings)
    let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if script.isStrict { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                try channel.pipeline.syncOperations.addHandler(ScriptedHandler(script: script, tls: tls))
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    var configuration = TDSConfiguration(
        host: "127.0.0.1", port: channel.localAddress?.port ?? 0, user: "sa", password: "P@ssw0rd", certificateTrust: .any)
    if script.isStrict { configuration.encryption = .strict }
    // Tests that are not about time have all they need of it.
    configuration.deadlines = TDSConfiguration.Deadlines(each: .seconds(60))
    do {
        let value = try await body(configuration)
        try await channel.close()
        return value
    } catch {
        try await channel.close()
        throw error
    }
}

/// Connects to a scripted server, and closes the connection behind `body`.
func withConnection<Value>(
    _ script: Script = Script(), encryption: TDSConfiguration.Encryption? = nil, attention: Duration = .seconds(60),
    _ body: (TDSConnection) async throws -> Value
) async throws -> Value {
    try await withServer(script) { configuration in
        var configuration = configuration
        if let encryption { configuration.encryption = encryption }
        configuration.deadlines.attention = attention
        return try await withConnection(configuration, body)
    }
}

/// Connects to any server, and closes the connection behind `body`.
func withConnection<Value>(_ configuration: TDSConfiguration, _ body: (TDSConnection) async throws -> Value) async throws -> Value {
    let connection = try await TDSConnection.connect(configuration, on: MultiThreadedEventLoopGroup.singleton.any())
    do {
        let value = try await body(connection)
        await connection.close()
        return value
    } catch {
        await connection.close()
        throw error
    }
}

extension IssuedCertificate {
    /// A certificate for `localhost` and, if there is one, an address.
    static func ofTestServer(address: [UInt8]? = [127, 0, 0, 1]) throws -> IssuedCertificate {
        try selfSigned(name: "test server", hosts: ["localhost"], addresses: address.map { [$0] } ?? [])
    }
}
