import NIOCore
import TDS

/// The server's side of one TDS connection, without I/O: packets and session events go in, actions come out.
///
/// MS-TDS 3.3: PRELOGIN, TLS, LOGIN7, then one request at a time, which an attention may interrupt.
struct ConnectionMachine {
    /// The server's offer in PRELOGIN.
    enum Encryption: String, Sendable, CaseIterable {
        /// No certificate: a client that insists on TLS has to give up.
        case off
        /// As a stock SQL Server: what the client asks for; OFF encrypts the login packet alone.
        case on
        /// Everything is encrypted.
        case required
        /// TDS 8.0 only: TLS comes first.
        case strict
    }

    enum Action: Equatable {
        case send([ByteBuffer])
        /// Begin the TLS handshake inside PRELOGIN packets.
        case startTLS(loginOnly: Bool)
        /// Take TLS off again, as the login was all there was to encrypt.
        case removeTLS
        case logIn(TDSLogin)
        case execute(Request)
        case cancel
        case close
    }

    private enum State {
        case awaitingPrelogin
        case handshaking(loginOnly: Bool)
        case awaitingLogin(loginOnly: Bool)
        case authenticating(TDSLogin)
        case idle
        case executing(attention: Bool)
        case closed
    }

    private var state = State.awaitingPrelogin
    private let encryption: Encryption
    private let product: ServerProduct
    /// TLS was there before the first packet (TDS 8.0).
    private let isStrict: Bool
    private let sessionID: Int
    private var assembler = TDSMessageAssembler(maximumLength: 4096 * 16)
    private var packets = PacketStream()
    private var queue: [Request] = []
    /// More than this many requests sent ahead is not a client but a flood.
    private static let queueLimit = 16
    /// The longest request: 64 MB of T-SQL or parameters.
    private static let requestLimit = 64 * 1024 * 1024

    init(encryption: Encryption, product: ServerProduct, isStrict: Bool, sessionID: Int) {
        self.encryption = encryption
        self.product = product
        self.isStrict = isStrict
        self.sessionID = sessionID
    }

    var isLoggedIn: Bool {
        switch state {
        case .idle, .executing: true
        case .awaitingPrelogin, .handshaking, .awaitingLogin, .authenticating, .closed: false
        }
    }

    // MARK: From the client

    mutating func received(_ packet: TDSPacket) throws(TDSWireError) -> [Action] {
        switch state {
        case .awaitingPrelogin:
            guard packet.type == .prelogin else { throw .malformed("a packet of type \(packet.type) where PRELOGIN was to come") }
            guard let message = try assembler.append(packet) else { return [] }
            return try prelogin(try TDSPrelogin(decoding: message.body))
        case .handshaking:
            throw .malformed("a TDS packet of type \(packet.type) inside the TLS handshake")
        case .awaitingLogin(let loginOnly):
            guard packet.type == .login7 else { throw .malformed("a packet of type \(packet.type) where LOGIN7 was to come") }
            // A fixed agreement of TDS 7.x: only the first packet of the login is encrypted.
            var actions: [Action] = loginOnly ? [.removeTLS] : []
            if loginOnly { state = .awaitingLogin(loginOnly: false) }
            guard let message = try assembler.append(packet) else { return actions }
            let login = try TDSLogin(decoding: message.body)
            state = .authenticating(login)
            assembler = TDSMessageAssembler(maximumLength: ConnectionMachine.requestLimit)
            actions.append(.logIn(login))
            return actions
        case .authenticating:
            throw .malformed("a packet of type \(packet.type) before the login was answered")
        case .idle, .executing:
            return try request(packet)
        case .closed:
            return []
        }
    }

    private mutating func prelogin(_ client: TDSPrelogin) throws(TDSWireError) -> [Action] {
        let answer: TDSPreloginEncryption
        let wanted = client.encryption ?? .notSupported
        if isStrict {
            // Ignored by both sides, as TLS is there already.
            answer = .on
            state = .awaitingLogin(loginOnly: false)
        } else {
            switch (encryption, wanted) {
            case (.off, _): answer = .notSupported
            case (.on, .notSupported): answer = .notSupported
            case (.on, .off): answer = .off
            case (.on, .on), (.on, .required): answer = .on
            case (.required, .on): answer = .on
            case (.required, _): answer = .required
            case (.strict, _):
                state = .closed
                return [.close]
            }
            switch (answer, wanted) {
            case (.off, _): state = .handshaking(loginOnly: true)
            case (.on, _), (.required, .off), (.required, .required): state = .handshaking(loginOnly: false)
            case (.notSupported, _), (.required, _): state = .awaitingLogin(loginOnly: false)
            }
        }
        let version = TDSPrelogin.Version(major: ServerProduct.major, minor: ServerProduct.minor, build: ServerProduct.build)
        var reply = TDSPrelogin(version: version, encryption: answer, instance: [0], mars: false)
        reply.hasThreadID = true
        var actions: [Action] = [.send(packets.whole(reply.encode()))]
        switch state {
        case .handshaking(let loginOnly):
            actions.append(.startTLS(loginOnly: loginOnly))
        case .awaitingLogin where answer == .required,
            .awaitingLogin where answer == .notSupported && (wanted == .on || wanted == .required):
            // The two cannot agree; the client has to see why, and then the connection ends.
            state = .closed
            actions.append(.close)
        case .awaitingPrelogin, .awaitingLogin, .authenticating, .idle, .executing, .closed:
            break
        }
        return actions
    }

    mutating func handshakeCompleted() -> [Action] {
        guard case .handshaking(let loginOnly) = state else { return [] }
        state = .awaitingLogin(loginOnly: loginOnly)
        return []
    }

    private mutating func request(_ packet: TDSPacket) throws(TDSWireError) -> [Action] {
        if packet.type == .attention {
            guard packet.isEndOfMessage else { throw .malformed("an attention of more than one packet") }
            switch state {
            case .executing:
                state = .executing(attention: true)
                return [.cancel]
            default:
                // The request ended before the attention came; it must be acknowledged all the same.
                return [.send(packets.whole(ConnectionMachine.acknowledgement))]
            }
        }
        guard let message = try assembler.append(packet), !message.isIgnored else { return [] }
        let request = try Request(message)
        if case .executing = state {
            guard queue.count < ConnectionMachine.queueLimit else {
                throw .malformed("more than \(ConnectionMachine.queueLimit) requests at once")
            }
            queue.append(request)
            return []
        }
        state = .executing(attention: false)
        return [.execute(request)]
    }

    private static let acknowledgement: ByteBuffer = {
        var buffer = ByteBuffer()
        // Fails for no DONE, which has no variable part.
        try? TDSToken.done(TDSDone(status: .attention)).encode(into: &buffer)
        return buffer
    }()

    // MARK: From the session

    mutating func loginSucceeded(database: String) throws(TDSWireError) -> [Action] {
        guard case .authenticating(let login) = state else { return [] }
        state = .idle
        let size = ConnectionMachine.packetSize(asked: login.packetSize)
        var body = ByteBuffer()
        for token in response(to: login, database: database, packetSize: size) { try token.encode(into: &body) }
        let message = packets.whole(body)
        packets = PacketStream(size: size, spid: UInt16(sessionID))
        return [.send(message)]
    }

    /// The client's wish, within bounds; an encrypted packet must fit into one TLS record.
    static func packetSize(asked: UInt32) -> Int {
        asked == 0 ? TDSPacket.loginSize : min(max(Int(asked), TDSPacket.minimumSize), 16_383)
    }

    /// The order that SQL Server keeps: database, collation, language, packet size, then the acknowledgement.
    private func response(to login: TDSLogin, database: String, packetSize: Int) -> [TDSToken] {
        func info(_ number: Int32, _ state: UInt8, _ text: String) -> TDSToken {
            .info(TDSServerMessage(number: number, state: state, class: 0, text: text, server: product.serverName))
        }
        var tokens: [TDSToken] = [
            .environmentChange(.database(new: database, old: "master")),
            info(5701, 2, "Changed database context to '\(database)'."),
            .environmentChange(.collation(new: .latin1General, old: nil)),
            .environmentChange(.language(new: "us_english", old: "")),
            info(5703, 1, "Changed language setting to us_english."),
            .environmentChange(.packetSize(new: packetSize, old: TDSPacket.loginSize)),
            .loginAck(
                TDSLoginAck(
                    tdsVersion: isStrict ? TDSProtocolVersion.tds80 : TDSProtocolVersion.tds74, programName: "Microsoft SQL Server",
                    major: ServerProduct.major, minor: ServerProduct.minor, build: ServerProduct.build)),
        ]
        if login.features.contains(where: { $0.id == TDSFeature.utf8ID }) {
            tokens.append(.featureExtAck([TDSFeature(id: TDSFeature.utf8ID, data: [1])]))
        } else if !login.features.isEmpty {
            tokens.append(.featureExtAck([]))
        }
        tokens.append(.done(TDSDone()))
        return tokens
    }

    mutating func loginFailed(_ errors: [SQLError]) throws(TDSWireError) -> [Action] {
        state = .closed
        var body = ByteBuffer()
        for error in errors {
            let message = TDSServerMessage(
                number: error.number, state: error.state, class: error.level, text: error.message, server: product.serverName)
            try TDSToken.error(message).encode(into: &body)
        }
        try TDSToken.done(TDSDone(status: .error)).encode(into: &body)
        return [.send(packets.whole(body)), .close]
    }

    /// A piece of the running response.
    mutating func responsePiece(_ piece: ByteBuffer) -> [Action] {
        [.send(packets.append(piece))]
    }

    mutating func responseFinished(body: ByteBuffer, end: ByteBuffer) -> [Action] {
        guard case .executing(let attention) = state else { return [] }
        var last = body
        last.writeImmutableBuffer(attention ? ConnectionMachine.acknowledgement : end)
        var actions: [Action] = [.send(packets.finish(last))]
        if queue.isEmpty {
            state = .idle
        } else {
            state = .executing(attention: false)
            actions.append(.execute(queue.removeFirst()))
        }
        return actions
    }

    /// The server is going down: a client between requests is told why.
    mutating func shutDown() throws(TDSWireError) -> [Action] {
        defer { state = .closed }
        guard case .idle = state else { return [.close] }
        var body = ByteBuffer()
        try TDSToken.error(
            TDSServerMessage(number: 6005, state: 1, class: 21, text: "SHUTDOWN is in progress.", server: product.serverName)
        ).encode(into: &body)
        try TDSToken.done(TDSDone(status: .error)).encode(into: &body)
        return [.send(packets.whole(body)), .close]
    }
}

/// Cuts a response into packets while it is still being made; a packet leaves when the next byte is known.
struct PacketStream {
    private let size: Int
    private let spid: UInt16
    private var rest = ByteBuffer()
    private var id: UInt8 = 1

    init(size: Int = TDSPacket.loginSize, spid: UInt16 = 0) {
        self.size = size
        self.spid = spid
    }

    mutating func append(_ bytes: ByteBuffer) -> [ByteBuffer] {
        rest.writeImmutableBuffer(bytes)
        var packets: [ByteBuffer] = []
        while rest.readableBytes > size - TDSPacket.headerLength { packets.append(packet(size - TDSPacket.headerLength, isLast: false)) }
        rest.discardReadBytes()
        return packets
    }

    mutating func finish(_ bytes: ByteBuffer) -> [ByteBuffer] {
        var packets = append(bytes)
        packets.append(packet(rest.readableBytes, isLast: true))
        rest = ByteBuffer()
        id = 1
        return packets
    }

    mutating func whole(_ message: ByteBuffer) -> [ByteBuffer] { finish(message) }

    private mutating func packet(_ count: Int, isLast: Bool) -> ByteBuffer {
        var packet = ByteBuffer()
        packet.reserveCapacity(count + TDSPacket.headerLength)
        packet.writeMultipleIntegers(
            TDSPacketType.tabularResult.rawValue, isLast ? TDSPacketStatus.endOfMessage.rawValue : 0,
            UInt16(count + TDSPacket.headerLength), spid, id,
            UInt8(0))
        if var content = rest.readSlice(length: count) { packet.writeBuffer(&content) }
        id &+= 1
        return packet
    }
}
