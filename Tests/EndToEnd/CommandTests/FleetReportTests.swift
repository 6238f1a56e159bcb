import Checkout
import Foundation
import JUnitReading
import Programs
import Testing

/// One report of what the shards of a fleet have left in the folder that they share.
@Suite(.timeLimit(.minutes(1))) struct FleetReportTests {
    @Test func theLastRunOfEachClusterCounts() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let whole = try Data(
            contentsOf: Checkout.root.appendingPathComponent("Tests/Unit/VerdictTests/StoredRuns/unscathed.ndjson"))
        func store(_ journal: Data, _ run: String) throws {
            let own = folder.appendingPathComponent("fleet/\(run)")
            try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
            try journal.write(to: own.appendingPathComponent("journal.ndjson"))
        }
        try store(whole.prefix(whole.count / 2), "one/9")  // killed
        try store(whole, "one/10")
        try store(whole, "two/1")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("fleet/_failed"), withIntermediateDirectories: true)

        let (shared, merged) = (folder.appendingPathComponent("fleet").path, folder.appendingPathComponent("merged"))
        let outcome = try await Program.run("aftershock", ["report", "merge", shared, "--to", merged.path])
        #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.errors)")
        let junit = try JUnitDocument(Data(contentsOf: merged.appendingPathComponent("junit.xml")))
        #expect(junit.cases.count { $0.name == "downtime" } == 2, "two clusters, none of them twice")

        let killed = try await Program.run("aftershock", ["report", "merge", "\(shared)/one/9", "\(shared)/two/1", "--to", merged.path])
        #expect(killed.exitCode == 4, "a run that was killed is told when it is asked for")
    }
}
