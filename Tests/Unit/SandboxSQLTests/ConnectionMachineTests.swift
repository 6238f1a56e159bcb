import NIOCore
import TDS
import Testing

@testable import SandboxSQL

@Suite struct ConnectionMachineTests {
    private func machine(_ encryption: ConnectionMachine.Encryption, isStrict: Bool = false) -> ConnectionMachine {
        ConnectionMachine(
            encryption: encryption, product: ServerProduct(serverName: "test", edition: "Developer"), isStrict: isStrict, sessionID: 51)
    }

    private func packet(_ type: TDSPacketType, _ body: ByteBuffer) -> TDSPacket {
        TDSPacket(type: type, status: .endOfMessage, payload: body)
    }

    private func prelogin(_ encryption: TDSPreloginEncryption) -> TDSPacket {
        packet(.prelogin, TDSPrelogin(version: .init(major: 1, minor: 0, build: 0), encryption: encryption).encode())
    }

    /// The server's answers and next steps: the table of MS-TDS 2.2.6.5.
    private enum Outcome { case clear, loginOnly, full, closed }

    @Test(
        arguments: [
            (.off, .notSupported, .notSupported, .clear), (.off, .off, .notSupported, .clear), (.off, .on, .notSupported, .closed),
            (.off, .required, .notSupported, .closed), (.on, .notSupported, .notSupported, .clear), (.on, .off, .off, .loginOnly),
            (.on, .on, .on, .full), (.on, .required, .on, .full), (.required, .notSupported, .required, .closed),
            (.required, .off, .required, .full),
            (.required, .on, .on, .full), (.required, .required, .required, .full),
        ] as [(ConnectionMachine.Encryption, TDSPreloginEncryption, TDSPreloginEncryption, Outcome)])
    private func encryptionIsNegotiated(
        server: ConnectionMachine.Encryption, client: TDSPreloginEncryption, answer: TDSPreloginEncryption, outcome: Outcome
    ) throws {
        var machine = machine(server)
        let actions = try machine.received(prelogin(client))
        guard case .send(let packets)? = actions.first, var reply = packets.first else {
            Issue.record("no answer")
            return
        }
        reply.moveReaderIndex(forwardBy: TDSPacket.headerLength)
        #expect(try TDSPrelogin(decoding: reply).encryption == answer)
        switch outcome {
        case .clear: #expect(actions.count == 1)
        case .loginOnly: #expect(actions.last == .startTLS(loginOnly: true))
        case .full: #expect(actions.last == .startTLS(loginOnly: false))
        case .closed: #expect(actions.last == .close)
        }
    }

    @Test func whatIsNotPreloginIsRefused() {
        var machine = machine(.on)
        #expect(throws: TDSWireError.self) { try machine.received(packet(.sqlBatch, ByteBuffer())) }
    }

    private func loggedIn() throws -> ConnectionMachine {
        var machine = machine(.off)
        _ = try machine.received(prelogin(.notSupported))
        var login = TDSLogin()
        login.userName = "sa"
        login.packetSize = 512
        #expect(try machine.received(packet(.login7, try login.encode())) == [.logIn(login)])
        _ = try machine.loginSucceeded(database: "master")
        return machine
    }

    private func batch(_ text: String) -> TDSPacket {
        var body = ByteBuffer()
        TDSSQLBatch(text).encode(into: &body)
        return packet(.sqlBatch, body)
    }

    @Test func anAttentionIsAlwaysAcknowledged() throws {
        var machine = try loggedIn()
        let attention = packet(.attention, ByteBuffer())
        guard case .send(let idle)? = try machine.received(attention).first else {
            Issue.record("an attention between requests must be acknowledged too")
            return
        }
        #expect(Array(idle[0].readableBytesView.dropFirst(8).prefix(3)) == [0xFD, 0x20, 0x00])
        #expect(
            try machine.received(batch("WAITFOR DELAY '1:00'")) == [.execute(Request(body: .batch("WAITFOR DELAY '1:00'"), reset: .none))])
        #expect(try machine.received(attention) == [.cancel])
        guard case .send(let packets)? = machine.responseFinished(body: ByteBuffer(), end: ByteBuffer(string: "normal end")).first else {
            Issue.record("no acknowledgement")
            return
        }
        #expect(
            Array(packets[0].readableBytesView.dropFirst(8).prefix(3)) == [0xFD, 0x20, 0x00], "the end gives way to the acknowledgement")
    }

    @Test func requestsSentAheadWaitTheirTurn() throws {
        var machine = try loggedIn()
        _ = try machine.received(batch("SELECT 1"))
        #expect(try machine.received(batch("SELECT 2")) == [])
        let actions = machine.responseFinished(body: ByteBuffer(), end: ByteBuffer(string: "x"))
        #expect(actions.last == .execute(Request(body: .batch("SELECT 2"), reset: .none)))
    }

    @Test func noMoreIsKeptThanAClientSends() throws {
        var machine = try loggedIn()
        for number in 0...16 { _ = try machine.received(batch("SELECT \(number)")) }
        let one = batch("SELECT 17")
        #expect(throws: TDSWireError.self) { try machine.received(one) }

        var other = self.machine(.off)
        var part = packet(.prelogin, ByteBuffer(repeating: 0, count: 32_000))
        part.status = []
        _ = try other.received(part)
        _ = try other.received(part)
        #expect(throws: TDSWireError.self) { try other.received(part) }
    }

    @Test func aResponseIsCutIntoPacketsOfTheNegotiatedSize() throws {
        var machine = try loggedIn()
        _ = try machine.received(batch("SELECT 1"))
        guard case .send(let first)? = machine.responsePiece(ByteBuffer(repeating: 7, count: 1008)).first,
            case .send(let last)? = machine.responseFinished(body: ByteBuffer(), end: ByteBuffer(string: "e")).first
        else {
            Issue.record("nothing was sent")
            return
        }
        // 504 bytes of content fit; the second packet waits until it is known not to be the last.
        #expect(first.map(\.readableBytes) == [512])
        #expect(last.map(\.readableBytes) == [512, 9])
        #expect(last.last?.getInteger(at: 1, as: UInt8.self) == TDSPacketStatus.endOfMessage.rawValue)
    }
}
