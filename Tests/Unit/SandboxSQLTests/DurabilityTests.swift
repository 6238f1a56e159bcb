import Foundation
import NIOPosix
import TDS
import Testing

@testable import SandboxSQL

/// Acknowledged rows and SIGKILL: nothing is lost without a flaw, and with a flaw the loss is really there.
@Suite(.serialized) struct DurabilityTests {
    private static let create =
        "CREATE TABLE w.dbo.rows (writer int NOT NULL, seq bigint NOT NULL, payload nvarchar(50) NOT NULL, PRIMARY KEY (writer, seq))"

    private func prepared(_ arguments: [String]) async throws -> ServerFixture {
        let fixture = try ServerFixture(["--recovery-time", "0"] + arguments)
        let connection = try await fixture.connect()
        _ = try await connection.query("CREATE DATABASE w", timeout: .seconds(30))
        _ = try await connection.query(DurabilityTests.create, timeout: .seconds(30))
        await connection.close()
        return fixture
    }

    /// Inserts until the connection breaks or `count` rows are acknowledged; returns what was acknowledged.
    private static func write(_ writer: Int, from first: Int64, count: Int64, to configuration: TDSConfiguration) async -> [Int64] {
        var acknowledged: [Int64] = []
        guard let connection = try? await TDSConnection.connect(configuration, on: MultiThreadedEventLoopGroup.singleton.any()) else {
            return []
        }
        for seq in first..<(first + count) {
            do throws(TDSError) {
                _ = try await connection.query(
                    "INSERT INTO dbo.rows (writer, seq, payload) VALUES (@w, @s, @p)",
                    parameters: [.init("w", .int(Int32(writer))), .init("s", .bigInt(seq)), .init("p", .string("payload \(seq)"))],
                    timeout: .seconds(30))
                acknowledged.append(seq)
            } catch {
                break
            }
        }
        await connection.close()
        return acknowledged
    }

    private func stored(_ writer: Int, in fixture: ServerFixture) async throws -> [Int64] {
        let connection = try await fixture.connect(database: "w")
        let rows = try await connection.numbers("SELECT seq FROM dbo.rows WHERE writer = \(writer) ORDER BY seq")
        await connection.close()
        return rows
    }

    @Test func nothingAcknowledgedIsLostWhenTheServerIsKilledAgainAndAgain() async throws {
        let fixture = try await prepared([])
        var acknowledged: [Int: Set<Int64>] = [:]
        for round in 0..<4 {
            let configuration = fixture.configuration(database: "w")
            let base = Int64(round) * 100_000
            try await withThrowingTaskGroup(of: (Int, [Int64]).self) { group in
                for writer in 0..<3 {
                    group.addTask { (writer, await DurabilityTests.write(writer, from: base, count: 50_000, to: configuration)) }
                }
                // The moment of the kill is drawn by how many rows others have got in, which is never the same.
                var total: Int64 = 0
                let observer = try await fixture.connect(database: "w")
                while total < 300 * Int64(round + 1) {
                    total = try await observer.numbers("SELECT COUNT_BIG(*) FROM dbo.rows").first ?? 0
                }
                #expect(try fixture.killServer() == 128 + SIGKILL)
                for try await (writer, rows) in group { acknowledged[writer, default: []].formUnion(rows) }
            }
            try fixture.start()
        }
        var count = 0
        for writer in 0..<3 {
            let stored = Set(try await self.stored(writer, in: fixture))
            let expected = acknowledged[writer] ?? []
            count += expected.count
            #expect(expected.subtracting(stored).isEmpty, "lost: \(expected.subtracting(stored).sorted().prefix(5))")
            // One write per writer and kill may have been made without an answer.
            #expect(stored.subtracting(expected).count <= 4)
        }
        #expect(count >= 1000)
        #expect(try fixture.stop() == 0)
    }

    @Test func loseLastLosesWhatCameLast() async throws {
        let fixture = try await prepared(["--flaw", "lose-last-ms=100000"])
        let acknowledged = await DurabilityTests.write(0, from: 0, count: 50, to: fixture.configuration(database: "w"))
        #expect(acknowledged.count == 50)
        #expect(try await stored(0, in: fixture) == acknowledged, "before the kill everything is there")
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start()
        await #expect(throws: TDSError.self, "the table itself came within that time") { try await self.stored(0, in: fixture) }
    }

    @Test func loseLastKeepsWhatIsOlder() async throws {
        let fixture = try await prepared(["--flaw", "lose-last-ms=1"])
        let acknowledged = await DurabilityTests.write(0, from: 0, count: 50, to: fixture.configuration(database: "w"))
        // The beat of the dying process decides what is kept, so the kill has to come clearly later.
        let connection = try await fixture.connect()
        _ = try await connection.query("WAITFOR DELAY '00:00:00.300'", timeout: .seconds(30))
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start()
        #expect(try await stored(0, in: fixture) == acknowledged)
    }

    @Test func anOpenTransactionLetsOthersWriteAndIsUndoneByTheRecovery() async throws {
        let fixture = try await prepared([])
        let holder = try await fixture.connect(database: "w")
        for statement in [
            "CREATE TABLE dbo.other (id bigint NOT NULL)", "INSERT INTO dbo.other VALUES (1)", "BEGIN TRANSACTION",
            "INSERT INTO dbo.other WITH (TABLOCKX) VALUES (2), (3)",
        ] { _ = try await holder.query(statement, timeout: .seconds(30)) }
        // Another session writes to another table meanwhile.
        let acknowledged = await DurabilityTests.write(0, from: 1, count: 20, to: fixture.configuration(database: "w"))
        #expect(acknowledged == Array(1...20))
        let asker = try await fixture.connect(database: "w")
        let log = try await asker.numbers(
            "SELECT CONVERT(bigint, log_since_last_checkpoint_mb * 1048576) FROM sys.dm_db_log_stats(DB_ID())")
        #expect(try #require(log.first) > 0)
        await asker.close()
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start()
        #expect(try await stored(0, in: fixture) == acknowledged)
        let reader = try await fixture.connect(database: "w")
        #expect(try await reader.numbers("SELECT id FROM dbo.other ORDER BY id") == [1])
        await reader.close()
    }

    @Test func aLockedTableIsKeptByACommitAndLeftByARollback() async throws {
        let fixture = try await prepared([])
        let connection = try await fixture.connect(database: "w")
        for statement in [
            "CREATE TABLE dbo.other (id bigint NOT NULL)", "BEGIN TRANSACTION", "INSERT INTO dbo.other WITH (TABLOCKX) VALUES (1)",
            "COMMIT", "BEGIN TRANSACTION", "INSERT INTO dbo.other WITH (TABLOCKX) VALUES (2)",
        ] { _ = try await connection.query(statement, timeout: .seconds(30)) }
        let other = try await fixture.connect(database: "w")
        _ = try await other.query("SET LOCK_TIMEOUT 50", timeout: .seconds(30))
        await #expect(throws: TDSError.self) { _ = try await other.numbers("SELECT id FROM dbo.other") }
        _ = try await connection.query("ROLLBACK", timeout: .seconds(30))
        #expect(try await other.numbers("SELECT id FROM dbo.other") == [1])
        await other.close()
        await connection.close()
    }

    @Test func acknowledgedBeforeTheCommitIsLost() async throws {
        let fixture = try await prepared(["--flaw", "ack-before-commit=600000"])
        let connection = try await fixture.connect(database: "w")
        _ = try await connection.query("INSERT INTO dbo.rows VALUES (0, 1, N'x')", timeout: .seconds(30))
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start(["--recovery-time", "0"])
        await #expect(throws: Never.self) { _ = try await fixture.connect(database: "master") }
        let rows = try? await stored(0, in: fixture)
        #expect(rows?.isEmpty ?? true)
    }

    @Test func oneRowInTenIsLostOrDoubledOrDamaged() async throws {
        let losing = try await prepared(["--flaw", "lose-one-in=10"])
        #expect(await DurabilityTests.write(0, from: 1, count: 30, to: losing.configuration(database: "w")).count == 30)
        #expect(try await stored(0, in: losing) == (1...30).filter { $0 % 10 != 0 })

        let doubling = try await prepared(["--flaw", "duplicate-row-one-in=10"])
        #expect(await DurabilityTests.write(0, from: 1, count: 30, to: doubling.configuration(database: "w")).count == 30)
        #expect(try await stored(0, in: doubling) == (1...30).flatMap { $0 % 10 == 0 ? [$0, $0] : [$0] })

        let damaging = try await prepared(["--flaw", "flip-bit-one-in=10"])
        #expect(await DurabilityTests.write(0, from: 1, count: 30, to: damaging.configuration(database: "w")).count == 30)
        let connection = try await damaging.connect(database: "w")
        let damaged = try await connection.numbers(
            "SELECT seq FROM dbo.rows WHERE payload <> N'payload ' + CAST(seq AS nvarchar(10)) ORDER BY seq")
        #expect(damaged == [10, 20, 30])
    }

    @Test func aTransactionIsTorn() async throws {
        let fixture = try await prepared(["--flaw", "tear-one-in=3"])
        let connection = try await fixture.connect(database: "w")
        for transaction in 1...6 {
            for statement in [
                "BEGIN TRANSACTION", "INSERT INTO dbo.rows VALUES (1, \(transaction), N'first')",
                "INSERT INTO dbo.rows VALUES (2, \(transaction), N'second')", "COMMIT TRANSACTION",
            ] { _ = try await connection.query(statement, timeout: .seconds(30)) }
        }
        // A statement of its own is no transaction of several.
        _ = try await connection.query("INSERT INTO dbo.rows VALUES (1, 7, N'alone')", timeout: .seconds(30))
        #expect(try await stored(1, in: fixture) == [1, 2, 4, 5, 7])
        #expect(try await stored(2, in: fixture) == [1, 2, 3, 4, 5, 6])
    }

    @Test func anOldValueComesBackAfterAKill() async throws {
        let fixture = try await prepared(["--flaw", "stale-register"])
        let connection = try await fixture.connect(database: "w")
        _ = try await connection.query("INSERT INTO dbo.rows VALUES (1, 100, N'first')", timeout: .seconds(30))
        for number in 2...5 { _ = try await connection.query("UPDATE dbo.rows SET payload = N'number \(number)'", timeout: .seconds(30)) }
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start()
        let again = try await fixture.connect(database: "w")
        #expect(try await again.query("SELECT payload FROM dbo.rows", timeout: .seconds(30)).rows.first?[0] == .string("first"))
    }

    @Test func anUnansweredCommitIsMade() async throws {
        let fixture = try await prepared(["--flaw", "unanswered-commit=5"])
        // CREATE TABLE was the first commit.
        let acknowledged = await DurabilityTests.write(0, from: 1, count: 30, to: fixture.configuration(database: "w"))
        #expect(acknowledged == [1, 2, 3])
        #expect(try await stored(0, in: fixture) == [1, 2, 3, 4])
    }

    @Test func dataOutsideOfTheVolumeIsGoneAfterARestart() async throws {
        let fixture = try await prepared(["--flaw", "outside-volume"])
        #expect(await DurabilityTests.write(0, from: 1, count: 3, to: fixture.configuration(database: "w")).count == 3)
        #expect(try fixture.killServer() == 128 + SIGKILL)
        try fixture.start()
        await #expect(throws: TDSError.self) { _ = try await fixture.connect(database: "w") }
    }

    @Test func flawsOfTheConversation() async throws {
        let stale = try ServerFixture(["--flaw", "wrong-sentinel"])
        let connection = try await stale.connect()
        #expect(try await connection.numbers("SELECT 1") == [1])
        #expect(try await connection.numbers("SELECT 2") == [1])

        let refusing = try ServerFixture(["--flaw", "never-login"])
        let error = await #expect(throws: TDSError.self) { _ = try await refusing.connect() }
        #expect(error?.serverMessages.map(\.number) == [18456])

        let frozen = try ServerFixture(["--flaw", "freeze"])
        let configuration = TDSConfiguration(
            host: ServerFixture.host, port: frozen.port, user: "sa", password: ServerFixture.password, certificateTrust: .any,
            deadlines: .init(each: .milliseconds(500)))
        let timeout = await #expect(throws: TDSError.self) {
            _ = try await TDSConnection.connect(configuration, on: connection.eventLoop)
        }
        #expect(timeout?.code == .timeout)
        #expect(timeout?.phase == .prelogin)
        #expect(try frozen.stop() == 0, "a frozen server can still be stopped")
    }
}
