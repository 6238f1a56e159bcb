import Journal
import JournalScript
import Testing

@testable import Verdict

/// The headline of an experiment speaks for all of its repeats.
@Suite struct HeadlineTests {
    private func message(_ check: Check, repeats: Int = 3, _ change: (inout Script) -> Void) throws -> String {
        var script = Script()
        script.repeats = repeats
        change(&script)
        let experiment = try #require(script.findings().experiments.first)
        let judgement = try #require(experiment.judgement(check))
        #expect(judgement.outcome == .failed)
        return judgement.message
    }

    @Test func theRowsLostInAllRepeatsAreAddedUp() throws {
        var losses: [Int64] = [35, 0, 38]
        let message = try message(.dataPersistence) { script in
            script.change { record in
                guard case .ledgerChecked(var ledger) = record.event else { return }
                ledger.lost = losses.removeFirst()
                ledger.kept -= ledger.lost
                record.event = .ledgerChecked(ledger)
            }
        }
        #expect(message.hasPrefix("73 lost in 2 of 3 repeats"), "\(message)")
        #expect(message.contains("38 lost") && message.contains("repeat 3 of 3"), "\(message)")
    }

    @Test func theLongestDowntimeIsTheHeadline() throws {
        let message = try message(.downtime, repeats: 2) { script in
            script.expect = "downtime: {max: 1s}"
            script.outs = [.init(from: 10_000, to: 12_000, tracks: [.connect, .login, .session])]
            // In the first repeat, which begins at 1 s, the service is back a little sooner.
            script.change { record in
                guard case .probe(var probe) = record.event, probe.started > RunTime(nanoseconds: 12_500_000_000),
                    probe.started < RunTime(nanoseconds: 14_000_000_000)
                else {
                    return
                }
                probe.failure = nil
                record.event = .probe(probe)
            }
        }
        #expect(message.contains("repeat 2 of 2"), "\(message)")
    }
}
