import Journal
import JournalScript
import Testing

@testable import Verdict

/// Data that is gone is told apart from a service that is away.
@Suite struct DataGoneTests {
    @Test func anUpdateThatFindsItsRegisterGoneIsNoOutage() throws {
        var script = Script()
        script.outs = []
        script.change { record in
            guard case .write(var write) = record.event, write.kind == .update, write.started > .ms(12_000) else { return }
            write.outcome = .refused
            write.failure = Failure(phase: "query", kind: WriteResult.dataGone, message: "rows affected: [0], not 1")
            record.event = .write(write)
        }
        var ledger = script.keptLedger()
        ledger.stale = 2
        script.ledger = ledger
        let findings = script.findings()
        let one = try #require(findings.experiments.first?.repeats.first)
        #expect(one.track(.write)?.downtime.count == 0)
        #expect(!one.doubts.contains { $0.kind == .noWritesAfter })
        #expect(one.judgements.filter { $0.outcome == .failed }.map(\.check) == [.dataPersistence])
        #expect(findings.exitCode == .dataLost)
    }

    @Test func anotherWrongAnswerIsOne() throws {
        var script = Script()
        script.outs = []
        script.change { record in
            guard case .write(var write) = record.event, write.started > .ms(12_000), write.started < .ms(12_200) else { return }
            write.outcome = .unknown
            write.failure = Failure(phase: "query", kind: "wrongAnswer")
            record.event = .write(write)
        }
        #expect(script.findings().experiments.first?.repeats.first?.track(.write)?.downtime.count == 1)
    }

    @Test func twoServersOnOneVolumeAreSaid() throws {
        func found(goneAt: Int?, instances: String = "any") throws -> RepeatFindings {
            var script = Script()
            script.expect = "downtime: {max: 5s}, instances: \(instances)"
            script.drop { if case .observation(let seen) = $0 { seen.kind == .containerTerminated } else { false } }
            script.change { record in
                guard case .observation(let seen) = record.event else { return }
                switch seen.kind {
                case .podGone:
                    record.event = .observation(ClusterObservation(kind: .podReady, object: "pod/mssql-1", uid: "pod2", node: "node-b"))
                case .containerStarted:
                    guard let goneAt else { return }
                    record.at = .ms(1000 + 10_000 + goneAt)
                    record.event = .observation(ClusterObservation(kind: .podGone, object: "pod/mssql-0", uid: "pod1"))
                default: return
                }
            }
            return try #require(script.findings().experiments.first?.repeats.first)
        }
        // Ready 800 ms after the fault.
        let early = try found(goneAt: 400, instances: "one")
        func remarks(_ found: RepeatFindings) -> [String] { found.remarks.filter { $0.contains("was not known to have ended") } }
        #expect(remarks(early).isEmpty)
        #expect(early.judgement(.singleInstance)?.outcome == .passed)
        #expect(early.verdict == .pass)

        let late = try found(goneAt: 1900)
        let sentence = "mssql-1 served while mssql-0 was not known to have ended, for 1.100 s"
        #expect(remarks(late).count == 1)
        #expect(remarks(late).first?.contains(sentence) == true, "\(late.remarks)")
        #expect(late.judgement(.singleInstance)?.outcome == .skipped)
        #expect(late.judgement(.singleInstance)?.message.contains(sentence) == true)
        #expect(late.verdict == .pass)
        #expect(remarks(try found(goneAt: nil)).first?.contains("until the watch ended") == true)

        for goneAt in [1900, nil] {
            let two = try found(goneAt: goneAt, instances: "one")
            #expect(two.judgement(.singleInstance)?.outcome == .failed)
            #expect(two.judgement(.singleInstance)?.type == "verdict.singleInstance")
            #expect(two.verdict == .fail)
        }
    }
}
