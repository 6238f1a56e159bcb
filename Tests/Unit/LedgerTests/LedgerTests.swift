import Foundation
import Journal
import NIOCore
import NIOPosix
import Probe
import Programs
import Synchronization
import TDS
import Testing

@testable import Ledger

/// The ledger against a real server process that is killed and frozen.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LedgerTests {
    /// Prepares a ledger, writes while `body` runs, and ends the writers.
    private func writing(_ scene: Scene, _ ledger: Ledger, _ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await ledger.write(on: MultiThreadedEventLoopGroup.singleton.next(), health: scene.health) { scene.record($0) }
            }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    private func check(_ ledger: Ledger, _ scene: Scene) async throws -> LedgerChecked {
        let event = await ledger.check(on: scene.loop)
        guard case .ledgerChecked(let checked) = event else {
            Issue.record("\(event)")
            throw CancellationError()
        }
        return checked
    }

    @Test func everyAcknowledgedWriteIsReadBackAndTheTablesAreRemoved() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            #expect(ledger.prepared.createdDatabase)
            try await writing(scene, ledger) { try await scene.successes(30) }

            let checked = try await check(ledger, scene)
            let acknowledged = scene.writes.filter { $0.outcome == .acknowledged }
            #expect(checked.acknowledged == Int64(acknowledged.count))
            #expect(checked.acknowledged >= 60)
            #expect(checked.kept == 600 + Int64(acknowledged.filter { $0.kind == .insert }.count))
            #expect(acknowledged.contains { $0.kind == .update })
            #expect(checked.problems == [])
            #expect(checked.unknown == 0, "an orderly end leaves nothing unknown")
            #expect(checked.checkDatabase == [])

            try await ledger.cleanUp(on: scene.loop)
            let databases = try await scene.execute("SELECT name FROM sys.databases", port: server.port, database: "master")
            #expect(try !databases.rows.contains { try $0[0].string == "aftershock" })
        }
    }

    @Test func aKilledServerLosesNothingAndWritersComeBackByThemselves() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let (ledger, port) = try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            return (ledger, server.port)
        }
        // Prepared and killed; up again, and killed while it is written to.
        let writers = Task {
            try await ledger.write(on: MultiThreadedEventLoopGroup.singleton.next(), health: scene.health) { scene.record($0) }
        }
        try await scene.run(port: port) { _ in try await scene.successes(20) }
        try await scene.health.wait { $0.tracks[.write]?.allSatisfy { $0.failures > 5 } ?? false }
        try await scene.run(port: port) { _ in
            try await scene.successes(20)
            writers.cancel()
            try await writers.value
            let checked = try await check(ledger, scene)
            #expect(checked.problems == [])
            #expect(checked.refused > 0)
            #expect(checked.unknown == checked.unknownPresent + checked.unknownAbsent + checked.unknownOverwritten)
            // The journal alone gives the same account.
            let restored = Ledger(ledger.configuration, restoring: ledger.prepared, writes: scene.writes, clock: scene.clock)
            let again = try await check(restored, scene)
            #expect(again.kept == checked.kept)
            #expect(again.problems == [])
        }
    }

    @Test func aFrozenServersWritesAreUnknownAndSettled() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let configuration = scene.configuration(port: server.port, timeout: .milliseconds(300))
            let ledger = try await Ledger.prepare(configuration, clock: scene.clock, on: scene.loop)
            try await writing(scene, ledger) {
                try await scene.successes(10)
                server.freeze()
                try await scene.health.wait { $0.tracks[.write]?.allSatisfy { $0.failures > 0 } ?? false }
                server.thaw()
                try await scene.successes(10)
            }
            let unknown = scene.writes.filter { $0.outcome == .unknown }
            #expect(unknown.count >= 2)
            #expect(unknown.allSatisfy { $0.failure?.kind == "timeout" })
            let checked = try await check(ledger, scene)
            #expect(checked.problems == [])
            #expect(checked.unknown == Int64(unknown.count))
            #expect(checked.settledBy != nil)
        }
    }

    @Test func whatIsDoneToTheRowsBehindTheLedgersBackIsFound() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            try await writing(scene, ledger) { try await scene.successes(20) }
            let rows = ledger.statements.rows
            for statement in [
                "DELETE FROM \(rows) WHERE writer = 0 AND seq = 3",
                "DELETE FROM \(rows) WHERE writer = -1 AND seq = 600",
                "UPDATE \(rows) SET digest = digest + 1 WHERE writer = 1 AND seq = 4",
                "INSERT INTO \(rows) (writer, seq, payload, digest) SELECT writer, seq, payload, digest FROM \(rows) "
                    + "WHERE writer = 1 AND seq = 2",
                "INSERT INTO \(rows) (writer, seq, payload, digest) SELECT writer, 9999, payload, digest FROM \(rows) "
                    + "WHERE writer = 0 AND seq = 1",
                "UPDATE \(ledger.statements.registers) SET value = 5 WHERE writer = 1",
            ] { _ = try await scene.execute(statement, port: server.port) }
            let checked = try await check(ledger, scene)
            #expect(checked.lostRows == [RowIdentity(writer: -1, sequence: 600), RowIdentity(writer: 0, sequence: 3)])
            #expect(checked.seededLost == 1)
            #expect(checked.corruptRows == [RowIdentity(writer: 1, sequence: 4)])
            #expect(checked.duplicateRows == [RowIdentity(writer: 1, sequence: 2)])
            #expect(checked.unexpectedRows == [RowIdentity(writer: 0, sequence: 9999)])
            #expect(checked.staleRegisters.map(\.writer) == [1])
        }
    }

    /// A register that fell back must not be written forward again, or the evidence would be gone before anybody reads it.
    @Test func aRegisterThatFellBackStaysForTheReadBackToFind() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            try await writing(scene, ledger) {
                try await scene.successes(20)
                _ = try await scene.execute("UPDATE \(ledger.statements.registers) SET value = 0 WHERE writer = 0", port: server.port)
                try await scene.successes(20)
            }
            let checked = try await check(ledger, scene)
            #expect(checked.staleRegisters.map(\.writer) == [0])
            #expect(checked.staleRegisters.first?.found == 0)
            #expect(scene.writes.contains { $0.writer == 0 && $0.foundDataGone && $0.outcome == .refused })
        }
    }

    /// Killed in the middle of transfers: each is there whole or not at all, and what is changed by hand is found.
    @Test func transfersAreWholeAfterAKill() async throws {
        let scene = Scene(lanes: 4)
        defer { scene.remove() }
        let (ledger, port) = try await scene.run { server in
            var configuration = scene.configuration(port: server.port)
            configuration.transfers = 2
            return (try await Ledger.prepare(configuration, clock: scene.clock, on: scene.loop), server.port)
        }
        let writers = Task {
            try await ledger.write(on: MultiThreadedEventLoopGroup.singleton.next(), health: scene.health) { scene.record($0) }
        }
        try await scene.run(port: port) { _ in try await scene.successes(20) }
        try await scene.health.wait { $0.tracks[.write]?.allSatisfy { $0.failures > 1 } ?? false }
        try await scene.run(port: port) { _ in
            try await scene.successes(20)
            writers.cancel()
            try await writers.value
            let checked = try await check(ledger, scene)
            let transfers = scene.writes.filter { $0.kind == .transfer }
            #expect(Set(transfers.map(\.writer)) == [2, 3])
            #expect(checked.transfers?.acknowledged == Int64(transfers.count { $0.outcome == .acknowledged }))
            #expect(checked.transfers?.refused == Int64(transfers.count { $0.outcome == .refused }))
            #expect(try #require(checked.transfers?.acknowledged) >= 80)
            #expect(checked.problems == [])
            #expect(checked.transfers?.tornTransfers == [])
            #expect(checked.transfers?.sum == 0)
            // The journal alone gives the same account.
            let restored = Ledger(ledger.configuration, restoring: ledger.prepared, writes: scene.writes, clock: scene.clock)
            #expect(try await check(restored, scene).transfers?.torn == 0)

            let row = RowIdentity(writer: 2, sequence: 4)
            let transfer = Transfer(row, ledger.content)
            _ = try await scene.execute(
                "UPDATE \(ledger.statements.accounts) SET balance = balance - \(transfer.amount) "
                    + "WHERE lane = 2 AND account = \(transfer.credited)", port: port)
            let torn = try await check(ledger, scene)
            #expect(torn.transfers?.tornTransfers.map(\.sequence) == [4])
            #expect(torn.transfers?.tornTransfers.first?.detail == "the row and the debit are there, the credit is not")

            _ = try await scene.execute("DROP TABLE \(ledger.statements.accounts)", port: port)
            #expect(try await check(ledger, scene).gone == ["table \(ledger.statements.accounts)"])
            try await ledger.cleanUp(on: scene.loop)
        }
    }

    @Test func aServerThatIsGoneIsUncheckedAndNotAllLost() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let ledger = try await scene.run { server in
            try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
        }
        guard case .ledgerUnchecked(let unchecked) = await ledger.check(on: scene.loop) else {
            Issue.record("there was no server to read from")
            return
        }
        #expect(unchecked.reason.contains("refused"))
    }

    @Test func whatATableThatIsGoneHeldIsLost() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            _ = try await scene.execute("DROP TABLE \(ledger.statements.rows)", port: server.port)
            let checked = try await check(ledger, scene)
            #expect(checked.gone == ["table \(ledger.statements.rows)"])
            #expect(checked.lost == 600)
            #expect(checked.stale == 0, "the registers are another table")
        }
    }

    /// The pod came back to a fresh volume: the server is well, and has nothing.
    @Test func whatADatabaseThatIsGoneHeldIsLost() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let (ledger, port) = try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            try await writing(scene, ledger) { try await scene.successes(10) }
            return (ledger, server.port)
        }
        scene.remove()
        try await scene.run(port: port) { _ in
            let checked = try await check(ledger, scene)
            #expect(checked.gone == ["database aftershock"])
            let acknowledged = scene.writes.filter { $0.outcome == .acknowledged }
            #expect(checked.lost == 600 + Int64(acknowledged.filter { $0.kind == .insert }.count))
            #expect(checked.lostRows.first == RowIdentity(writer: -1, sequence: 1))
            #expect(checked.stale == 2)
            #expect(checked.kept == 0)
        }
    }

    /// The rows can be read, but the file is not what it should be: its list of free pages is said to be longer than it is.
    @Test func damageBesideTheRowsIsFoundByTheServersOwnCheck() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let (ledger, port) = try await scene.run { server in
            let ledger = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            _ = try await scene.execute("CHECKPOINT", port: server.port)
            return (ledger, server.port)
        }
        let file = try #require(FileHandle(forUpdatingAtPath: scene.data + "/aftershock.sqlite"))
        // Source: https://www.sqlite.org/fileformat.html, "total number of freelist pages".
        try file.seek(toOffset: 36)
        try file.write(contentsOf: [0, 0, 0, 9])
        try file.close()
        try await scene.run(port: port) { _ in
            // It recovers first.
            var event = await ledger.check(on: scene.loop)
            while case .ledgerUnchecked(let unchecked) = event, !unchecked.reason.contains("refused") {
                event = await ledger.check(on: scene.loop)
            }
            guard case .ledgerChecked(let checked) = event else {
                Issue.record("\(event)")
                return
            }
            #expect(checked.kept == 600)
            #expect(checked.lost == 0)
            #expect(checked.checkDatabase?.first?.contains("8939") == true)
        }
    }

    /// A database that is being recovered cannot be opened either, and has everything.
    @Test func aDatabaseThatIsNotOpenYetIsUncheckedAndNotLost() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let (ledger, port) = try await scene.run { server in
            (try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop), server.port)
        }
        try await scene.run(port: port, arguments: ["--recovery-time", "6"]) { _ in
            var event = await ledger.check(on: scene.loop)
            // At first it does not even take logins.
            while case .ledgerUnchecked(let unchecked) = event, unchecked.reason.contains("17187") {
                event = await ledger.check(on: scene.loop)
            }
            guard case .ledgerUnchecked(let unchecked) = event else {
                Issue.record("the database was not open: \(event)")
                return
            }
            #expect(unchecked.reason.contains("4060"))
        }
    }

    /// The fault of an experiment before may have left the database in recovery: the next one's ledger waits for it.
    @Test func aDatabaseThatIsBeingRecoveredIsWaitedFor() async throws {
        let scene = Scene()
        defer { scene.remove() }
        let port = try await scene.run { server in
            _ = try await Ledger.prepare(scene.configuration(port: server.port), clock: scene.clock, on: scene.loop)
            return server.port
        }
        try await scene.run(port: port, arguments: ["--recovery-time", "3"]) { _ in
            var configuration = scene.configuration(port: port)
            configuration.tableSuffix = "r1_2"
            var prepared: Ledger?
            while prepared == nil {
                do throws(LedgerError) {
                    prepared = try await Ledger.prepare(configuration, clock: scene.clock, on: scene.loop)
                } catch {
                    // At first it does not even take logins; a preflight would have told.
                    #expect(error.reason.contains("17187"), "\(error)")
                    guard error.reason.contains("17187") else { return }
                }
            }
            #expect(prepared?.prepared.createdDatabase == false)
        }
    }

    @Test func anExistingDatabaseIsUsedAndKept() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            _ = try await scene.execute("CREATE DATABASE [theirs]", port: server.port, database: "master")
            let configuration = scene.configuration(port: server.port, database: "theirs", createDatabase: false)
            let ledger = try await Ledger.prepare(configuration, clock: scene.clock, on: scene.loop)
            #expect(!ledger.prepared.createdDatabase)
            try await ledger.cleanUp(on: scene.loop)
            let tables = try await scene.execute("SELECT name FROM sys.tables", port: server.port, database: "theirs")
            #expect(tables.rows.isEmpty)
        }
    }

    @Test func aDatabaseThatIsNotThereAndMayNotBeCreatedIsAnError() async throws {
        let scene = Scene()
        defer { scene.remove() }
        try await scene.run { server in
            let configuration = scene.configuration(port: server.port, createDatabase: false)
            let error = await #expect(throws: LedgerError.self) {
                try await Ledger.prepare(configuration, clock: scene.clock, on: scene.loop)
            }
            #expect(error?.reason.contains("4060") == true)
        }
    }
}

extension LedgerChecked {
    /// Everything that speaks against the service.
    fileprivate var problems: [String] {
        lostRows.map { "lost \($0)" } + corruptRows.map { "corrupt \($0)" } + duplicateRows.map { "duplicate \($0)" }
            + unexpectedRows.map { "unexpected \($0)" } + staleRegisters.map { "stale \($0)" }
    }
}
