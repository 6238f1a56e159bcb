import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

/// "Preflight failed" means that nothing was touched, by any experiment of the run.
@Suite struct PreflightOrderTests {
    /// A run of two experiments, of which the second is refused.
    ///
    /// - Parameter later: it was refused only after the first had been carried out.
    private func findings(later: Bool) throws -> Findings {
        let first = Script().records
        var script = Script()
        script.name = "second"
        let text = Script().yaml + "\n---\n" + script.yaml
        var records: [JournalRecord] = []
        for var record in first {
            switch record.event {
            case .runStarted(var started):
                started.sources = [.init(file: "experiment.yaml", text: text)]
                record.event = .runStarted(started)
                records.append(record)
            case .experimentStarted:
                records.append(record)
                records.append(JournalRecord(at: record.at, event: .experimentStarted(ExperimentStarted(name: "second"))))
                records.append(JournalRecord(at: record.at, event: .preflightCheck(check(later ? .passed : .failed))))
                if later { records.append(record) }
            case .runEnded:
                if later {
                    records.append(JournalRecord(at: record.at, event: .experimentStarted(ExperimentStarted(name: "second"))))
                    records.append(JournalRecord(at: record.at, event: .preflightCheck(check(.failed))))
                }
                records.append(record)
            default: if later { records.append(record) }
            }
        }
        var reducer = FindingsReducer()
        for record in records { reducer.add(record) }
        return reducer.findings()
    }

    private func check(_ status: PreflightCheck.Status) -> PreflightCheck {
        PreflightCheck(name: "workload", status: status, message: "it has no pod")
    }

    @Test func aRunThatTouchedNothingSaysSo() throws {
        let findings = try findings(later: false)
        #expect(findings.exitCode == .preflightFailed)
        #expect(findings.experiments.map { $0.doubts.map(\.kind) } == [[.otherPreflightFailed], [.preflightFailed]])
        #expect(findings.experiments[0].doubts[0].sentence.contains("nothing was touched, as the preflight of 'second' failed"))
        #expect(findings.experiments.allSatisfy { $0.verdict == .invalid })
    }

    @Test func aRefusalAfterAnotherExperimentIsInvalid() throws {
        let findings = try findings(later: true)
        #expect(findings.exitCode == .invalid)
        #expect(findings.experiments.map { $0.doubts.map(\.kind) } == [[], [.preflightFailedLater]])
        #expect(findings.experiments[0].verdict == .pass)
        #expect(findings.experiments[1].judgement(.preflight)?.message.contains("had been carried out by then") == true)
        // The later checks replace the first.
        #expect(findings.experiments[1].preflight.filter { $0.name == "workload" }.map(\.status) == [.failed])
    }
}
