import Experiment
import JSON
import Journal
import JournalScript
import Testing

@testable import Verdict

/// Precedence: 6 not restored, 3 data lost, 1 failed, 130/143/70 ended from outside, 4 could not tell, 5 preflight.
@Suite struct ExitCodeTests {
    private func interrupted(_ cause: String, _ edit: (inout Script) -> Void = { _ in }) -> Findings {
        var script = Script()
        edit(&script)
        var reducer = FindingsReducer()
        for record in script.records {
            if case .repeatEnded = record.event {
                reducer.add(JournalRecord(at: record.at, event: .interrupted(Interrupted(cause: cause, message: "told to stop"))))
                reducer.add(JournalRecord(at: record.at, event: .repeatEnded(RepeatEnded(how: .aborted))))
            } else {
                reducer.add(record)
            }
        }
        return reducer.findings()
    }

    @Test(arguments: [("SIGINT", RunExitCode.interrupted), ("SIGTERM", .terminated), ("error", .internalError)])
    func anEndFromOutsideHasItsOwnCode(cause: String, exit: RunExitCode) {
        let findings = interrupted(cause)
        #expect(findings.exitCode == exit)
        #expect(findings.verdict == .aborted)
    }

    @Test func lostDataGoesBeforeTheInterruption() {
        let findings = interrupted("SIGINT") { script in
            var ledger = script.keptLedger()
            ledger.lost = 1
            script.ledger = ledger
        }
        #expect(findings.exitCode == .dataLost)
    }

    @Test func notRestoredGoesBeforeEverything() {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.lost = 1
        script.ledger = ledger
        var records = script.records
        records.insert(
            JournalRecord(
                at: .ms(10_900), event: .undoIntent(UndoIntent(id: 7, kind: "uncordonNode", summary: "uncordon node/a", parameters: [:]))),
            at: records.firstIndex { if case .faultBegun = $0.event { true } else { false } } ?? 0)
        var reducer = FindingsReducer()
        for record in records { reducer.add(record) }
        #expect(reducer.findings().exitCode == .notRestored)
        // `restore` adds its proof behind the end of the run.
        reducer.add(JournalRecord(at: .ms(99_000), event: .undoResult(UndoResult(intent: 7, proven: true, evidence: "schedulable"))))
        #expect(reducer.findings().exitCode == .dataLost)
        #expect(reducer.findings().experiments.first?.judgement(.restore)?.outcome == .passed)
    }

    /// Tables on a server that never came back are not the worst news of that run; of one that passed they are.
    @Test(arguments: [(Int64(1), RunExitCode.dataLost), (0, .notRestored)])
    func tablesThatAreLeftGoBehindTheVerdict(lost: Int64, exitCode: RunExitCode) {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.lost = lost
        script.ledger = ledger
        var records = script.records
        let intent = UndoIntent(id: 7, kind: UndoIntent.removeTables, summary: "remove the tables", parameters: [:])
        records.insert(
            JournalRecord(at: .ms(1_900), event: .undoIntent(intent)),
            at: records.firstIndex { if case .ledgerPrepared = $0.event { true } else { false } } ?? 0)
        var reducer = FindingsReducer()
        for record in records { reducer.add(record) }
        #expect(reducer.findings().exitCode == exitCode)
        #expect(reducer.findings().restored == false)
        #expect(reducer.findings().experiments.first?.judgement(.restore)?.outcome == .undecided)
    }

    @Test func aFailedPreflightIsNotTheSameAsNotKnowing() {
        var script = Script()
        script.drop { event in
            switch event {
            case .runStarted, .experimentStarted, .preflightCheck, .runEnded: false
            default: true
            }
        }
        script.change { record in
            if case .preflightCheck(var check) = record.event {
                check.status = .failed
                record.event = .preflightCheck(check)
            }
        }
        #expect(script.findings().exitCode == .preflightFailed)
    }

    @Test func otherLimitsGiveAnotherVerdictOfTheSameRun() {
        var limits = Limits()
        #expect(Script().findings(limits: limits).exitCode == .pass)
        limits.maxDowntime = .seconds(1)
        #expect(Script().findings(limits: limits).exitCode == .failed)
    }
}
