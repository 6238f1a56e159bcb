import Experiment
import Foundation
import JSON
import Journal
import Testing

@testable import Verdict

/// Journals that an older version wrote on the sandbox, before they held the effective experiments and checksums.
@Suite struct StoredRunTests {
    struct Stored: Sendable, CustomTestStringConvertible {
        var name: String
        var verdict: Verdict
        var exitCode: RunExitCode
        /// Upper bounds in nanoseconds, as that version reported them.
        var downtime: [Track: Int64]
        var kept: Int64

        var testDescription: String { name }
    }

    static let runs = [
        Stored(
            name: "drained", verdict: .pass, exitCode: .pass,
            downtime: [.connect: 800_688_675, .login: 0, .session: 824_996_808, .write: 525_024_198], kept: 33),
        Stored(
            name: "frozen", verdict: .fail, exitCode: .failed,
            downtime: [.connect: 0, .login: 3_146_390_476, .session: 3_461_811_471, .write: 0], kept: 33),
        Stored(
            name: "unscathed", verdict: .pass, exitCode: .pass, downtime: [.connect: 0, .login: 0, .session: 0, .write: 0], kept: 43),
    ]

    private static func path(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: name, withExtension: "ndjson", subdirectory: "StoredRuns")).path
    }

    @Test(arguments: runs) func aStoredRunKeepsItsVerdictAndItsNumbers(stored: Stored) throws {
        let findings = try Findings.judge(journalPath: try Self.path(stored.name))
        #expect(findings.damage == nil)
        #expect(!findings.isChained)
        #expect(findings.verdict == stored.verdict)
        #expect(findings.exitCode == stored.exitCode)
        let found = try #require(findings.experiments.first?.repeats.first)
        #expect(found.remarks.last?.contains("the journal has no checksums") == true)
        for (track, upper) in stored.downtime {
            #expect(found.track(track)?.downtime.upper == .nanoseconds(upper), "\(track)")
        }
        #expect(found.ledger?.kept == stored.kept)
        #expect(found.ledger?.lost == 0)
    }

    /// A run is judged by the limits that it ran under, whatever its text would mean to the version that judges.
    @Test func theEffectiveExperimentIsWhatARunIsJudgedBy() throws {
        var reader = try JournalReader(path: try Self.path("drained"))
        var reducer = FindingsReducer()
        while var record = reader.next() {
            if case .runStarted(var started) = record.event {
                let written = try #require(started.sources.first?.experiments().first)
                var effective = written.effective
                #expect(effective["spec"]?["expect"]?["lostWrites"] == 0)
                var spec = try #require(effective["spec"])
                spec["expect"] = ["lostWrites": 0, "node": "different", "downtime": ["max": "500ms"]]
                effective["spec"] = spec
                started.sources[0].effective = [effective]
                record.event = .runStarted(started)
            }
            reducer.add(record)
        }
        let findings = reducer.findings()
        #expect(findings.exitCode == .failed)
        #expect(findings.experiments.first?.experiment?.expect.maxDowntime == .milliseconds(500))
    }
}
