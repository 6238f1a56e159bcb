import NIOCore
import NIOPosix
import Testing

@testable import TDS

/// Servers that send too much, too slowly, or nonsense: a phase ends by its deadline, or before where the bytes are more than a connection
/// holds. Work that takes more time than it may, as it grows with the square of the bytes, exceeds the time limit.
@Suite(.timeLimit(.minutes(1))) struct HostileDatabaseTests {
    /// A packet of a response that goes on.
    private static func packet(_ payload: ByteBuffer, isLast: Bool = false, type: TDSPacketType = .tabularResult) -> ByteBuffer {
        var packet = TDSPacketEncoder(packetSize: TDSPacket.maximumSize).encode(type, payload)[0]
        if !isLast { packet.setInteger(UInt8(0), at: packet.readerIndex + 1) }
        return packet
    }

    private static func tokens(_ tokens: [TDSToken]) -> ByteBuffer {
        packet((try? encodeTokens(tokens)) ?? ByteBuffer())
    }

    private static let message = TDSServerMessage(number: 1, state: 1, class: 16, text: String(repeating: "x", count: 500), server: "s")

    private static func connect(_ script: Script, _ adjust: (inout TDSConfiguration) -> Void) async throws -> TDSError {
        try await withServer(script) { configuration in
            var configuration = configuration
            adjust(&configuration)
            do throws(TDSError) {
                let connection = try await TDSConnection.connect(configuration, on: MultiThreadedEventLoopGroup.singleton.any())
                await connection.close()
            } catch {
                return error
            }
            throw Unexpected("connected")
        }
    }

    private static func query(_ misbehaviour: Script.Misbehaviour, timeout: Duration = .seconds(60)) async throws -> TDSError {
        var script = Script()
        script.misbehaviour = (.request, misbehaviour)
        return try await withConnection(script, attention: .milliseconds(50)) { connection in
            do throws(TDSError) {
                _ = try await connection.query("select", timeout: timeout)
            } catch {
                return error
            }
            throw Unexpected("answered")
        }
    }

    // MARK: Without end

    @Test func aPreloginReplyWithoutEnd() async throws {
        var script = Script()
        script.misbehaviour = (.prelogin, .flood { _ in Self.packet(ByteBuffer(repeating: 0, count: 4000)) })
        let error = try await Self.connect(script) { _ in }
        #expect(error.code == .protocolViolation)
        #expect(error.phase == .prelogin)
    }

    @Test(arguments: [TDSToken.info(message), .error(message), .done(TDSDone(status: .more))])
    func anAnswerToTheLoginWithoutEnd(token: TDSToken) async throws {
        var script = Script()
        script.misbehaviour = (.login, .flood { _ in Self.tokens([token, token, token, token]) })
        let error = try await Self.connect(script) { _ in }
        #expect(error.phase == .login)
        // The first of the errors stand for all.
        let isError = if case .error = token { true } else { false }
        #expect(error.code == (isError ? .loginRejected : .protocolViolation))
        #expect(error.serverMessages.count <= 100)
    }

    @Test func anAnswerWithoutEnd() async throws {
        let columns = TDSColumns([TDSColumn("x", .varBinary(8000))])
        let begin = Self.tokens([.columnMetadata(columns)])
        var row = ByteBuffer()
        try TDSRow.encode([.binary(ByteBuffer(repeating: 0x5A, count: 8000))], columns: columns, into: &row)
        let rows = Self.packet(row)
        let error = try await Self.query(.flood { $0 == 0 ? begin : rows })
        #expect(error.code == .protocolViolation)
        #expect(error.detail?.contains("an answer of more than") == true)
    }

    // MARK: Slow

    @Test(arguments: [(Script.Point.prelogin, TDSPhase.prelogin), (.login, .login)])
    func bytesThatDrip(point: Script.Point, phase: TDSPhase) async throws {
        let whole = point == .prelogin ? Self.packet(TDSPrelogin.reply(.on).encode()) : Self.tokens([.info(Self.message)])
        var script = Script()
        script.misbehaviour = (point, .drip { number in whole.getSlice(at: number % whole.readableBytes, length: 1) ?? ByteBuffer() })
        let error = try await Self.connect(script) { configuration in
            if phase == .prelogin { configuration.deadlines.prelogin = .milliseconds(200) }
            if phase == .login { configuration.deadlines.login = .milliseconds(200) }
        }
        #expect(error.code == .timeout)
        #expect(error.phase == phase)
        #expect(error.after >= .milliseconds(200))
    }

    @Test func tokensThatDripThroughTheDeadlineAndTheAttention() async throws {
        let remark = Self.tokens([.info(Self.message)])
        let error = try await Self.query(.drip { _ in remark }, timeout: .milliseconds(200))
        #expect(error.code == .timeout)
        #expect(error.attentionAcknowledged == false)
    }

    // MARK: Big

    @Test(arguments: [
        // A packet longer than packets are.
        ByteBuffer(bytes: [4, 0, 0xFF, 0xFF, 0, 0, 0, 0]),
        // One that is shorter than its own header.
        ByteBuffer(bytes: [4, 0, 0, 3, 0, 0, 0, 0]),
        // SESSIONSTATE of 4 GB.
        packet(ByteBuffer(bytes: [0xE4, 0xFF, 0xFF, 0xFF, 0xFF])),
        // A row before its columns.
        packet(ByteBuffer(bytes: [0xD1])),
    ])
    func aLengthThatCannotBe(bytes: ByteBuffer) async throws {
        let error = try await Self.query(.send(bytes))
        #expect(error.code == .protocolViolation)
    }

    @Test func aRowThatNeverEnds() async throws {
        let columns = TDSColumns([TDSColumn("x", .varBinary(nil))])
        let begin = Self.tokens([.columnMetadata(columns)])
        var row = ByteBuffer(bytes: [TDSTokenType.row.rawValue])
        row.writeTDS(TDSValueLayout.chunkedUnknown)
        let head = Self.packet(row)
        var chunks = ByteBuffer()
        for _ in 0..<6000 { chunks.writeBytes([1, 0, 0, 0, 0x5A]) }
        let body = Self.packet(chunks)
        let error = try await Self.query(.flood { $0 == 0 ? begin : $0 == 1 ? head : body })
        #expect(error.code == .protocolViolation)
        #expect(error.detail?.contains("a token of more than") == true)
    }
}
