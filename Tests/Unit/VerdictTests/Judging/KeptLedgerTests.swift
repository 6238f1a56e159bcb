import Journal
import JournalScript
import Testing
import Verdict

/// Several faults of one run, and one ledger over all of them (`spec.ledger.keep: run`).
@Suite struct KeptLedgerTests {
    private func night(_ change: @escaping (inout LedgerChecked, _ number: Int) -> Void) -> [RepeatFindings] {
        var script = Script()
        script.repeats = 3
        script.keepsLedger = true
        var number = 0
        var acknowledged: Int64 = 0
        var inserts: Int64 = 0
        script.edit = { record in
            if case .write(let write) = record.event, write.outcome == .acknowledged {
                acknowledged += 1
                if write.kind == .insert { inserts += 1 }
            }
            guard case .ledgerChecked(var checked) = record.event else { return record }
            number += 1
            checked.acknowledged = acknowledged
            checked.kept = checked.seeded + inserts
            checked.read = checked.kept
            change(&checked, number)
            return JournalRecord(at: record.at, event: .ledgerChecked(checked))
        }
        return script.findings().experiments.flatMap(\.repeats)
    }

    @Test func eachReadBackAccountsForAllFaultsBeforeIt() throws {
        let repeats = night { _, _ in }
        #expect(repeats.map(\.verdict) == [.pass, .pass, .pass])
        let last = try #require(repeats.last?.judgements.first { $0.check == .dataPersistence })
        #expect(last.message.contains("over this fault and the 2 before it"), "\(last.message)")
    }

    /// A read-back that knows only the last fault's writes has not looked for the others.
    @Test func rowsOfEarlierFaultsThatNobodyLookedForAreNoPass() {
        let repeats = night { checked, number in
            guard number == 3 else { return }
            checked.acknowledged /= 3
            checked.kept = checked.seeded + checked.kept / 4
        }
        #expect(repeats.map(\.verdict) == [.pass, .pass, .invalid])
        let kinds = repeats.last?.doubts.map(\.kind) ?? []
        #expect(kinds.contains(.ledgerShort) && kinds.contains(.ledgerInconsistent), "\(kinds)")
    }

    @Test func aRowThatAnEarlierFaultLostIsLostToTheEnd() {
        let repeats = night { checked, number in
            guard number >= 2 else { return }
            checked.lost = 1
            checked.kept -= 1
            checked.lostRows = [RowIdentity(writer: 0, sequence: 1)]
        }
        #expect(repeats.map(\.verdict) == [.pass, .fail, .fail])
    }
}
