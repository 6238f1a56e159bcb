import Checkout
import Foundation
import JUnitReading
import Programs
import Testing

/// One report of what the shards of a fleet have left in the folder that they share.
@Suite(.timeLimit(.minutes(1))) final class FleetReportTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)")
    private let whole: Data

    init() throws {
        whole = try Data(contentsOf: Checkout.root.appendingPathComponent("Tests/Unit/VerdictTests/StoredRuns/unscathed.ndjson"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    private var shared: String { folder.appendingPathComponent("fleet").path }
    private var merged: URL { folder.appendingPathComponent("merged") }

    private func store(_ journal: Data?, _ run: String) throws {
        let own = folder.appendingPathComponent("fleet/\(run)")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try journal?.write(to: own.appendingPathComponent("journal.ndjson"))
    }

    private func merge(_ arguments: [String]) async throws -> (Program.Outcome, JUnitDocument) {
        let outcome = try await Program.run("aftershock", ["report", "merge", "--to", merged.path] + arguments)
        return (outcome, try JUnitDocument(Data(contentsOf: merged.appendingPathComponent("junit.xml"))))
    }

    @Test func theLastRunOfEachClusterCounts() async throws {
        try store(whole.prefix(whole.count / 2), "one/9")  // killed
        try store(whole, "one/10")
        try store(whole, "two/1")
        try store(nil, "_failed")

        let (outcome, junit) = try await merge([shared])
        #expect(outcome.exitCode == 0, "\(outcome.output)\(outcome.errors)")
        #expect(junit.suites.map { $0.attributes["name"] } == ["one/unscathed", "two/unscathed"], "two clusters, none of them twice")

        let (killed, _) = try await merge(["\(shared)/one/9", "\(shared)/two/1"])
        #expect(killed.exitCode == 4, "a run that was killed is told when it is asked for")
    }

    /// A shard that left nothing, one whose journal is none, one that goes on, one that never came: each is named, and none is a pass.
    @Test func whatIsMissingIsNamed() async throws {
        try store(whole, "one/1")
        try store(nil, "two/1")
        try store(Data("nonsense\n".utf8), "three/1")
        try store(whole, "four/1")
        let journal = try FileHandle(forReadingFrom: folder.appendingPathComponent("fleet/four/1/journal.ndjson"))
        #expect(flock(journal.fileDescriptor, LOCK_EX | LOCK_NB) == 0)
        let file = try FleetFile.write(
            in: folder, "clusters: [{name: one, kubeconfig: {file: k}}, {name: five, kubeconfig: {file: k}}]", "waves: [{name: all}]")

        let (outcome, junit) = try await merge([shared, "--fleet", file])
        #expect(outcome.exitCode == 4)
        let wrong = junit.cases.filter { $0.results.contains { $0.element == "error" } }.map(\.suite)
        #expect(wrong == ["four/aftershock", "three/aftershock", "two/aftershock", "five/aftershock"])
        for words in ["the run goes on", "is not a record", "no folder is its own", "cannot be read"] {
            #expect(outcome.output.contains(words), "\(outcome.output)")
        }
    }

    /// The link `latest` leads to a run that another folder has already. The folder of the result has no run.
    @Test func aRunInTwoFoldersIsCountedOnce() async throws {
        try store(whole, "a")
        try FileManager.default.createSymbolicLink(
            at: folder.appendingPathComponent("fleet/latest"), withDestinationURL: folder.appendingPathComponent("fleet/a"))
        let (outcome, junit) = try await merge(["\(shared)/a", "\(shared)/latest"])
        #expect(outcome.exitCode == 0 && junit.suites.count == 1)
        #expect(outcome.errors.contains("/latest has the run of \(shared)/a: it is counted once"), "\(outcome.errors)")

        let inside = try await Program.run("aftershock", ["report", "merge", shared, "--to", "\(shared)/merged"])
        let again = try await Program.run("aftershock", ["report", "merge", shared, "--to", "\(shared)/merged"])
        #expect(inside.exitCode == 0 && inside.output == again.output && again.errors.isEmpty, "\(again.output)\(again.errors)")
    }
}
