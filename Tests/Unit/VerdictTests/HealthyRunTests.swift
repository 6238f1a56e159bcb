import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct HealthyRunTests {
    @Test func aRepairedFaultWithinTheLimitsPasses() throws {
        let findings = Script().findings()
        let experiment = try #require(findings.experiments.first)
        #expect(experiment.doubts == [])
        #expect(experiment.repeats.first?.doubts == [])
        // The server was not asked about itself.
        #expect(
            experiment.judgements.map(\.outcome) == Check.allCases.map { $0 == .engineHealth ? .skipped : .passed },
            "\(experiment.judgements)")
        #expect(findings.verdict == .pass)
        #expect(findings.exitCode == .pass)
    }

    @Test func theTimeInWhichTheLedgerIsReadBackIsNotProbed() {
        var script = Script()
        script.edit = { record in
            var later = record
            switch record.event {
            case .ledgerChecked, .repeatEnded, .runEnded: later.at = record.at + .seconds(10)
            default: break
            }
            return later
        }
        #expect(script.findings().exitCode == .pass)
    }
}
