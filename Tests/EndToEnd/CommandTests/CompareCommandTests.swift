import Foundation
import JUnitReading
import Journal
import JournalScript
import Programs
import Report
import Testing

/// `aftershock compare` on stored runs.
@Suite(.timeLimit(.minutes(1))) struct CompareCommandTests {
    /// A report folder of a run of six repeats that were out until `end`, in milliseconds from the repeat's start.
    private func report(in folder: URL, _ name: String, until end: Int) throws -> URL {
        let own = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        var script = Script()
        script.repeats = 6
        script.outs = [.init(from: 10_000, to: end)]
        try ReportWriter(directory: own.path).write(script.findings())
        let journal = try JournalWriter(creating: own.appendingPathComponent("journal.ndjson").path, clock: RunClock())
        for record in script.records { try journal.append(record.event, at: record.at) }
        return own
    }

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("compare-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    @Test func aRegressionFailsTheRunAndItsTestcase() async throws {
        try await withFolder { folder in
            let (before, now) = (try report(in: folder, "before", until: 12_000), try report(in: folder, "now", until: 14_000))
            let own = try files(in: now)
            let page = folder.appendingPathComponent("junit.xml").path
            let outcome = try await Program.run("aftershock", ["compare", before.path, now.path, "--junit", page])
            #expect(outcome.exitCode == 1)
            #expect(outcome.output.contains("REGRESSION"))
            let junit = try JUnitDocument(Data(contentsOf: URL(fileURLWithPath: page)))
            #expect(junit.cases.count { $0.name == "baseline" } == 1)
            #expect(junit.result("baseline")?.type == "verdict.baseline")
            #expect(junit.cases.allSatisfy { $0.name == "baseline" || $0.results.allSatisfy { $0.element == "skipped" } })
            #expect(try files(in: now) == own, "a run's folder is only read")
        }
    }

    private func files(in folder: URL) throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        return try Dictionary(uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: folder.appendingPathComponent($0))) })
    }

    /// A file that is not there is not called malformed, and one that is malformed not unreadable.
    @Test(arguments: [("nothing", "No such file or directory"), ("[", "it is not JSON"), ("[]", "its top level")])
    func whatCannotBeReadIsToldFromWhatIsWrong(_ content: String, _ words: String) async throws {
        try await withFolder { folder in
            let before = try report(in: folder, "before", until: 12_000)
            let file = folder.appendingPathComponent("now.json")
            if content != "nothing" { try Data(content.utf8).write(to: file) }
            let outcome = try await Program.run("aftershock", ["compare", before.path, file.path])
            #expect(outcome.exitCode == 64)
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
    }

    @Test func resultsAloneAreComparedToo() async throws {
        try await withFolder { folder in
            let (before, now) = (try report(in: folder, "before", until: 12_000), try report(in: folder, "now", until: 12_000))
            try FileManager.default.removeItem(at: now.appendingPathComponent("journal.ndjson"))
            let outcome = try await Program.run("aftershock", ["compare", before.path, now.appendingPathComponent("results.json").path])
            #expect(outcome.exitCode == 0)
            #expect(try await Program.run("aftershock", ["compare", before.path, now.path]).exitCode == 0)
        }
    }
}
