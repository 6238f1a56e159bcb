import Foundation
import NIOCore
import NIOPosix
import Programs
import Testing

@testable import TDS

/// The server that AFTERSHOCK_TEST_SQL (host:port) and AFTERSHOCK_TEST_SQL_PASSWORD (of `sa`) name: a real SQL Server, say.
private let givenServer: TDSConfiguration? = {
    let environment = ProcessInfo.processInfo.environment
    guard let address = environment["AFTERSHOCK_TEST_SQL"]?.split(separator: ":"), address.count == 2,
        let port = Int(address[1]), let password = environment["AFTERSHOCK_TEST_SQL_PASSWORD"]
    else { return nil }
    return TDSConfiguration(host: String(address[0]), port: port, user: "sa", password: password, certificateTrust: .any)
}()

/// The client against a server in a process of its own: SandboxSQL, where no other is named.
@Suite(.timeLimit(.minutes(3))) struct LiveServerTests {
    private static func withServer<Value: Sendable>(_ body: (TDSConfiguration) async throws -> Value) async throws -> Value {
        if let givenServer { return try await body(givenServer) }
        let data = FileManager.default.temporaryDirectory.appendingPathComponent("live-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: data) }
        return try await SandboxServer.run(host: "127.0.0.1", port: nil, data: data.path) { server in
            try await body(
                TDSConfiguration(
                    host: server.host, port: server.port, user: "sa", password: SandboxServer.password, certificateTrust: .any))
        }
    }

    private static func withConnection<Value: Sendable>(
        _ adjust: (inout TDSConfiguration) -> Void = { _ in }, _ body: (TDSConnection) async throws -> Value
    ) async throws -> Value {
        try await withServer { server in
            var configuration = server
            configuration.deadlines = TDSConfiguration.Deadlines(each: .seconds(20))
            adjust(&configuration)
            return try await TDSTests.withConnection(configuration, body)
        }
    }

    @Test func aWrongPasswordIsRejectedWithItsNumber() async throws {
        let error = await #expect(throws: TDSError.self) {
            try await Self.withConnection {
                $0.password = "wrong"
            } _: { _ in
            }
        }
        #expect(error?.code == .loginRejected)
        #expect(error?.serverMessages.first?.number == 18456)
    }

    @Test func aDatabaseThatIsNotThere() async throws {
        let error = await #expect(throws: TDSError.self) {
            try await Self.withConnection {
                $0.database = "no_such_database"
            } _: { _ in
            }
        }
        #expect(error?.serverMessages.first?.number == 4060)
    }

    @Test func aTableThatIsNotThere() async throws {
        try await Self.withConnection { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.query("SELECT * FROM no_such_table", timeout: .seconds(20))
            }
            #expect(error?.serverMessages.first?.number == 208)
            let next = try await connection.query("SELECT 1", timeout: .seconds(20))
            #expect(next.rows.count == 1)
        }
    }

    @Test func fiveThousandRowsWithNullsAndUnicode() async throws {
        try await Self.withConnection { connection in
            let table = "tds_live_\(UInt32.random(in: .min ... .max))"
            _ = try await connection.query(
                "CREATE TABLE \(table) (id bigint NOT NULL PRIMARY KEY, n int NULL, text nvarchar(100) NULL, bytes varbinary(max) NULL)",
                timeout: .seconds(20))
            let text = { @Sendable (number: Int) -> TDSValue in number.isMultiple(of: 7) ? .null : .string("Zeile \(number) — 世界 🌍") }
            for number in 0..<5000 {
                let result = try await connection.query(
                    "INSERT INTO \(table) (id, n, text, bytes) VALUES (@id, @n, @text, @bytes)",
                    parameters: [
                        TDSParameter("id", .bigInt(Int64(number))),
                        TDSParameter("n", number.isMultiple(of: 3) ? .null : .int(Int32(number)), type: .int),
                        TDSParameter("text", text(number), type: .nVarChar(100)),
                        TDSParameter(
                            "bytes",
                            number.isMultiple(of: 5) ? .null : .binary(ByteBuffer(repeating: UInt8(number % 256), count: number % 50)),
                            type: .varBinary(nil)),
                    ],
                    timeout: .seconds(20))
                #expect(result.rowCounts == [1])
            }
            let next = try await connection.fold(
                rowsOf: "SELECT id, n, text, bytes FROM \(table) ORDER BY id", timeout: .seconds(60), into: 0
            ) { next, row in
                let (id, n, string) = (try row.integer(), try row.integer(), try row.text())
                let bytes = try row.bytes { Array($0) }
                #expect(id == Int64(next))
                #expect(n == (next.isMultiple(of: 3) ? nil : Int64(next)))
                #expect(string == text(next).string)
                #expect(bytes == (next.isMultiple(of: 5) ? nil : [UInt8](repeating: UInt8(next % 256), count: next % 50)))
                next += 1
            }
            #expect(next == 5000)
            _ = try await connection.query("DROP TABLE \(table)", timeout: .seconds(20))
        }
    }

    @Test func aLongStatementIsCancelledByAttention() async throws {
        try await Self.withConnection { connection in
            let error = await #expect(throws: TDSError.self) {
                try await connection.query("WAITFOR DELAY '00:00:30'", timeout: .milliseconds(500))
            }
            #expect(error?.code == .timeout)
            #expect(error?.attentionAcknowledged == true)
            let next = try await connection.query("SELECT 2", timeout: .seconds(20))
            #expect(try next.rows.first?[0] == .int(2))
        }
    }

    @Test func aTransactionIsRolledBack() async throws {
        try await Self.withConnection { connection in
            let table = "tds_live_\(UInt32.random(in: .min ... .max))"
            _ = try await connection.query("CREATE TABLE \(table) (id int NOT NULL)", timeout: .seconds(20))
            _ = try await connection.query("BEGIN TRANSACTION", timeout: .seconds(20))
            _ = try await connection.query("INSERT INTO \(table) (id) VALUES (1)", timeout: .seconds(20))
            _ = try await connection.query("ROLLBACK TRANSACTION", timeout: .seconds(20))
            let left = try await connection.query("SELECT id FROM \(table)", timeout: .seconds(20))
            #expect(left.rows.isEmpty)
            _ = try await connection.query("DROP TABLE \(table)", timeout: .seconds(20))
        }
    }
}
