import Journal
import Testing

@testable import Ledger

/// Draws histories and damage at random, and holds the merge against sets that are made the plain way.
@Suite struct LedgerComparisonPropertyTests {
    private struct Truth {
        var book: LedgerBook
        var rows: [LedgerRow] = []
        var registers: [Int: [Int64]] = [:]
        var lost: Set<RowIdentity> = []
        var corrupt: Set<RowIdentity> = []
        var duplicate: Set<RowIdentity> = []
        var unexpected: Set<RowIdentity> = []
        var stale: Set<Int> = []
        var kept: Int64 = 0
        var unknownPresent: Int64 = 0
        var unknownAbsent: Int64 = 0
    }

    private let content = RowContent(seed: 3, tableSuffix: "p")

    @Test(arguments: 0..<200 as Range<UInt64>) func theMergeFindsWhatWasDone(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let truth = draw(&random)
        var comparison = LedgerComparison(truth.book, content: content)
        for row in truth.rows.sorted(by: { $0.identity < $1.identity }) { try comparison.take(row) }
        let checked = comparison.finish(registers: truth.registers)

        #expect(Set(checked.lostRows) == truth.lost)
        #expect(checked.lost == Int64(truth.lost.count))
        #expect(Set(checked.corruptRows) == truth.corrupt)
        #expect(Set(checked.duplicateRows) == truth.duplicate)
        #expect(Set(checked.unexpectedRows) == truth.unexpected)
        #expect(Set(checked.staleRegisters.map(\.writer)) == truth.stale)
        #expect(checked.kept == truth.kept)
        #expect(checked.unknownPresent == truth.unknownPresent)
        #expect(checked.unknownAbsent == truth.unknownAbsent)
        #expect(checked.read == Int64(truth.rows.count))
        #expect(checked.attempted == checked.acknowledged + checked.refused + checked.unknown)
        #expect(checked.unknown == checked.unknownPresent + checked.unknownAbsent + checked.unknownOverwritten)
    }

    private func draw(_ random: inout SplitMix64) -> Truth {
        let writers = Int.random(in: 0...4, using: &random)
        let seedRows = Int64.random(in: 0...20, using: &random)
        var truth = Truth(book: LedgerBook(writers: writers, seedRows: seedRows))
        for sequence in 0..<seedRows { expected(RowIdentity(writer: -1, sequence: sequence + 1), &truth, &random) }
        for writer in 0..<writers {
            var value: Int64 = 0
            for sequence in 1...Int64.random(in: 1...40, using: &random) {
                let outcome = [WriteResult.Outcome.acknowledged, .acknowledged, .acknowledged, .refused, .unknown].randomElement(
                    using: &random)
                guard let outcome else { continue }
                let row = RowIdentity(writer: writer, sequence: sequence)
                // Updates are acknowledged or refused here; the hand-made tests have the unknown ones.
                if Int.random(in: 0..<5, using: &random) == 0, outcome != .unknown {
                    truth.book.finished(.update(writer, sequence, outcome))
                    if outcome == .acknowledged { value = sequence }
                    continue
                }
                truth.book.finished(.insert(writer, sequence, outcome))
                switch outcome {
                case .acknowledged: expected(row, &truth, &random)
                case .refused: if Int.random(in: 0..<10, using: &random) == 0 { unexpected(row, &truth) }
                case .unknown:
                    if Bool.random(using: &random) {
                        truth.unknownPresent += 1
                        truth.rows.append(sound(row))
                    } else {
                        truth.unknownAbsent += 1
                    }
                }
            }
            if Int.random(in: 0..<5, using: &random) == 0 {
                truth.stale.insert(writer)
                truth.registers[writer] = [value - 1]
            } else {
                truth.registers[writer] = [value]
            }
        }
        if Bool.random(using: &random) { unexpected(RowIdentity(writer: writers + 1, sequence: 5), &truth) }
        return truth
    }

    private func expected(_ row: RowIdentity, _ truth: inout Truth, _ random: inout SplitMix64) {
        switch Int.random(in: 0..<12, using: &random) {
        case 0:
            truth.lost.insert(row)
        case 1:
            truth.corrupt.insert(row)
            var damaged = sound(row)
            damaged.checksum = damaged.checksum.map { ~$0 }
            truth.rows.append(damaged)
        case 2:
            truth.duplicate.insert(row)
            truth.rows += [sound(row), sound(row)]
        default:
            truth.kept += 1
            truth.rows.append(sound(row))
        }
    }

    private func unexpected(_ row: RowIdentity, _ truth: inout Truth) {
        truth.unexpected.insert(row)
        truth.rows.append(sound(row))
    }

    private func sound(_ identity: RowIdentity) -> LedgerRow {
        LedgerRow(identity: identity, payload: content.words(of: identity), checksum: content.checksum(of: identity))
    }
}
