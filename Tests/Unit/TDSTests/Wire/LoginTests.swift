import NIOCore
import Testing

@testable import TDS

@Suite struct LoginTests {
    private static func sample() -> TDSLogin {
        var login = TDSLogin()
        login.hostName = "host"
        login.userName = "prüfer"
        login.password = "P@ss𝄞word€"
        login.applicationName = "aftershock"
        login.serverName = "sql.example"
        login.database = "ledger"
        login.features = [.utf8, TDSFeature(id: TDSFeature.azureSQLSupportID, data: [1])]
        return login
    }

    @Test func survivesTheRoundTrip() throws {
        let login = Self.sample()
        var decoded = try TDSLogin(decoding: try login.encode())
        #expect(decoded.optionFlags3 == 0x10)
        decoded.optionFlags3 = 0
        #expect(decoded == login)
    }

    @Test func countsUTF16CodeUnits() throws {
        let message = try Self.sample().encode()
        // The password's count is the fourth field of the third pair, 94 - 58 bytes from the start.
        let count = message.getInteger(at: message.readerIndex + 46, endianness: .little, as: UInt16.self)
        #expect(count == 11)
    }

    @Test func thePasswordIsObfuscatedAsTheSpecificationSays() throws {
        var login = TDSLogin()
        login.password = "a"
        let message = try login.encode()
        // 'a' is 61 00: nibbles swapped 16 00, then XOR A5.
        #expect(message.getBytes(at: message.readerIndex + 94, length: 2) == [0xB3, 0xA5])
    }

    @Test func neverPrintsThePassword() {
        let login = Self.sample()
        var dumped = ""
        dump(login, to: &dumped)
        #expect(!dumped.contains("ss𝄞word"))
        #expect(!"\(login)".contains("ss𝄞word"))
        #expect(!String(reflecting: TDSConfiguration(host: "h", user: "u", password: "hidden word")).contains("hidden word"))
    }

    @Test func refusesWhatDoesNotFit() {
        var login = TDSLogin()
        login.userName = String(repeating: "x", count: 129)
        #expect(throws: TDSWireError.self) { try login.encode() }
    }

    @Test func neverReadsOutsideTheMessage() throws {
        let message = try Self.sample().encode()
        for length in 0..<message.readableBytes {
            let cut = try #require(message.getSlice(at: message.readerIndex, length: length))
            #expect(throws: TDSWireError.self) { try TDSLogin(decoding: cut) }
        }
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var damaged = message
            // Behind the length field, which would otherwise refuse nearly everything.
            damaged.setInteger(UInt8.random(in: 0...255, using: &random), at: Int.random(in: 4..<message.readableBytes, using: &random))
            _ = try? TDSLogin(decoding: damaged)
        }
    }

    @Test func preloginNeverReadsOutsideTheMessage() throws {
        let message = TDSPrelogin(
            version: TDSPrelogin.Version(major: 16, minor: 0, build: 4135), encryption: .required, threadID: 7
        ).encode()
        for length in 0..<message.readableBytes {
            let cut = try #require(message.getSlice(at: message.readerIndex, length: length))
            #expect(throws: TDSWireError.self) { try TDSPrelogin(decoding: cut) }
        }
    }

    @Test func preloginMustBeginWithTheVersion() {
        #expect(throws: TDSWireError.self) { try TDSPrelogin(decoding: ByteBuffer(bytes: [0xFF])) }
        #expect(throws: TDSWireError.self) { try TDSPrelogin(decoding: ByteBuffer(bytes: [1, 0, 6, 0, 1, 0xFF, 2])) }
    }

    @Test func anEmptyThreadIDIsWhatServersAnswer() throws {
        var reply = TDSPrelogin(version: TDSPrelogin.Version(major: 16, minor: 0, build: 1), encryption: .on)
        reply.hasThreadID = true
        let decoded = try TDSPrelogin(decoding: reply.encode())
        #expect(decoded == reply)
        #expect(decoded.threadID == nil)
    }

    /// A message is kept, and never for another configuration than the one it was made for.
    @Test func aKeptLoginIsThatOfItsConfiguration() throws {
        let first = TDSConfiguration(host: "a.example", user: "sa", password: "one", database: "ledger")
        #expect(try first.encodedLogin == first.encodedLogin)
        let changes: [(inout TDSConfiguration) -> Void] = [
            { $0.host = "b.example" }, { $0.user = "other" }, { $0.password = "two" }, { $0.database = "master" },
            { $0.applicationName = "writer" }, { $0.packetSize = 4096 }, { $0.encryption = .strict },
        ]
        for change in changes {
            var other = first
            change(&other)
            let message = try TDSLogin(decoding: try other.encodedLogin)
            #expect(message.serverName == other.host && message.userName == other.user && message.password == other.password)
            #expect(message.database == other.database && message.applicationName == other.applicationName)
            #expect(message.packetSize == UInt32(other.packetSize))
            #expect(message.tdsVersion == (other.encryption == .strict ? TDSProtocolVersion.tds80 : TDSProtocolVersion.tds74))
            #expect(try TDSLogin(decoding: try first.encodedLogin).serverName == "a.example")
        }
    }
}
