import Foundation
import Journal
import JournalScript
import Testing

@testable import Verdict

/// The findings of a run whose experiments went on side by side, each with a journal of its own.
@Suite struct JoinedFindingsTests {
    private func part(_ name: String, _ number: Int, of count: Int = 3, run: String = "whole", _ edit: (inout Script) -> Void = { _ in })
        -> Script
    {
        var script = Script()
        script.name = name
        edit(&script)
        script.edit = { [edit = script.edit] record in
            guard case .runStarted(var started) = record.event else { return edit(record) }
            started.runID = "\(run)x\(number)"
            started.part = RunStarted.Part(run: run, number: number, count: count)
            return JournalRecord(at: record.at, event: .runStarted(started))
        }
        return script
    }

    private let lossy: (inout Script) -> Void = { script in
        var ledger = script.keptLedger()
        ledger.lost = 1
        script.ledger = ledger
    }

    @Test func allPassed() throws {
        let findings = try #require(Findings(joining: [part("c", 3), part("a", 1), part("b", 2)].map { $0.findings() }))
        #expect(findings.experiments.map(\.name) == ["a", "b", "c"])
        #expect(findings.run?.id == "whole" && findings.run?.part == nil)
        #expect(findings.run?.sources.count == 3)
        #expect(findings.state == .judged && findings.verdict == .pass && findings.exitCode == .pass && findings.isComplete)
        #expect(findings.journals == ["a/journal.ndjson", "b/journal.ndjson", "c/journal.ndjson"])
    }

    @Test func theWorstDecides() throws {
        let parts = [part("a", 1), part("b", 2, lossy), part("c", 3) { $0.expect = "downtime: {max: 1s}" }].map { $0.findings() }
        #expect(parts.map(\.exitCode) == [.pass, .dataLost, .failed])
        let findings = try #require(Findings(joining: parts))
        #expect(findings.exitCode == .dataLost && findings.verdict == .fail)
    }

    @Test(arguments: [
        ([RunExitCode.pass, .preflightFailed, .invalid], RunExitCode.invalid), ([.interrupted, .failed], .failed),
        ([.hungUp, .invalid], .hungUp), ([.notRestored, .dataLost], .notRestored), ([], .invalid),
    ]) func codesHaveAnOrder(codes: [RunExitCode], worst: RunExitCode) {
        #expect(RunExitCode.worst(codes) == worst)
    }

    @Test func everyCodeHasAPlaceInTheOrder() {
        for code in RunExitCode.allCases { #expect(RunExitCode.worst([code]) == code) }
    }

    /// It may have been a failure, or have a change that nobody restores.
    @Test func aMissingPartIsNoPass() throws {
        let findings = try #require(Findings(joining: [part("a", 1), part("c", 3)].map { $0.findings() }))
        #expect(findings.state == .killed && findings.exitCode == .invalid && findings.verdict == .aborted && !findings.isComplete)
        #expect(findings.damage?.contains("1 of the run's 3 experiments are not there") == true)
        let mixed = try #require(Findings(joining: [part("a", 1, of: 1), part("b", 2, of: 1, run: "other")].map { $0.findings() }))
        #expect(mixed.damage == "there are journals of several runs in one folder" && mixed.exitCode == .invalid)
    }

    @Test func aKilledPartMakesTheRunKilled() throws {
        let cut = part("b", 2) { script in
            script.edit = { record in
                if case .runEnded = record.event { nil } else { record }
            }
        }
        let findings = try #require(Findings(joining: [part("a", 1), cut, part("c", 3)].map { $0.findings() }))
        #expect(findings.state == .killed && findings.exitCode == .invalid && !findings.isComplete)
    }

    /// As `report FOLDER` finds them; folders of other runs are none of its parts.
    @Test func theFolderIsRead() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("joined-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func write(_ script: Script, to name: String) throws {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            let journal = try JournalWriter(creating: "\(folder)/\(name)/journal.ndjson", clock: RunClock())
            for record in script.records { try journal.append(record.event, at: record.at) }
        }
        var alone = Script()
        alone.name = "alone"
        try write(alone, to: "alone")
        #expect(RunFolder.journals(in: folder) == [])
        try write(part("a", 1, of: 2), to: "a")
        try write(part("b", 2, of: 2, lossy), to: "b")
        #expect(RunFolder.journals(in: folder) == ["\(folder)/a/journal.ndjson", "\(folder)/b/journal.ndjson"])
        let findings = try Findings.judge(journalPath: "\(folder)/journal.ndjson")
        #expect(findings.experiments.map(\.name) == ["a", "b"] && findings.exitCode == .dataLost)
        // It was killed before its first record.
        try FileManager.default.createDirectory(atPath: folder + "/early", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder + "/early/journal.ndjson"))
        #expect(RunFolder.journals(in: folder).count == 3)
        let killed = try Findings.judge(journalPath: "\(folder)/journal.ndjson")
        #expect(killed.run?.id == "whole" && killed.state == .killed && killed.missing == nil && killed.exitCode == .dataLost)
        #expect(RunFolder.journals(in: folder + "/alone") == ["\(folder)/alone/journal.ndjson"])
    }
}
