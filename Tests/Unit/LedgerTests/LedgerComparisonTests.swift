import Journal
import Testing

@testable import Ledger

@Suite struct LedgerComparisonTests {
    private let content = RowContent(seed: 1, tableSuffix: "t")

    private func row(_ writer: Int, _ sequence: Int64) -> LedgerRow {
        let identity = RowIdentity(writer: writer, sequence: sequence)
        return LedgerRow(
            identity: identity, payload: content.words(of: identity), checksum: content.checksum(of: identity))
    }

    private func compare(_ book: LedgerBook, _ rows: [LedgerRow], registers: [Int: [Int64]] = [0: [0]]) throws -> LedgerChecked {
        var comparison = LedgerComparison(book, content: content)
        for row in rows { try comparison.take(row) }
        return comparison.finish(registers: registers)
    }

    private func book(seedRows: Int64 = 0, _ outcomes: [WriteResult.Outcome]) -> LedgerBook {
        var book = LedgerBook(writers: 1, seedRows: seedRows)
        for (index, outcome) in outcomes.enumerated() { book.finished(.insert(0, Int64(index) + 1, outcome)) }
        return book
    }

    @Test func acknowledgedAndSeededRowsAreKept() throws {
        let checked = try compare(book(seedRows: 2, [.acknowledged]), [row(-1, 1), row(-1, 2), row(0, 1)])
        #expect(checked.kept == 3)
        #expect(checked.seeded == 2)
        #expect(checked.read == 3)
        #expect(checked.acknowledged == 1)
        #expect(checked.isClean)
    }

    @Test func anAcknowledgedRowThatIsAbsentIsLost() throws {
        let checked = try compare(book([.acknowledged, .acknowledged, .acknowledged]), [row(0, 1), row(0, 3)])
        #expect(checked.lost == 1)
        #expect(checked.lostRows == [RowIdentity(writer: 0, sequence: 2)])
        #expect(checked.kept == 2)
    }

    @Test func lostRowsAtTheEndAndAnEmptyTableAreSeen() throws {
        #expect(try compare(book([.acknowledged, .acknowledged]), [row(0, 1)]).lostRows.map(\.sequence) == [2])
        let checked = try compare(book(seedRows: 3, [.acknowledged]), [])
        #expect(checked.lost == 4)
        #expect(checked.seededLost == 3)
    }

    @Test func aFlippedBitIsCorrupt() throws {
        let sound = row(0, 1)
        for bit in stride(from: 0, to: RowContent.payloadSize * 8, by: 37) {
            var damaged = sound
            var bytes = content.payload(of: sound.identity)
            bytes[bit / 8] ^= 1 << (bit % 8)
            damaged.payload = bytes.withUnsafeBytes(RowContent.words(ofPayload:))
            let checked = try compare(book([.acknowledged]), [damaged])
            #expect(checked.corruptRows == [sound.identity])
            #expect(checked.kept == 0)
            #expect(checked.lost == 0)
        }
    }

    @Test(arguments: ["checksum", "short", "long", "null", "noChecksum"]) func wrongContentIsCorrupt(kind: String) throws {
        var damaged = row(0, 1)
        let payload = content.payload(of: damaged.identity)
        switch kind {
        case "checksum": damaged.checksum = damaged.checksum.map { $0 ^ 1 }
        case "short": damaged.payload = Array(payload.dropLast()).withUnsafeBytes(RowContent.words(ofPayload:))
        case "long": damaged.payload = (payload + [0]).withUnsafeBytes(RowContent.words(ofPayload:))
        case "null": damaged.payload = nil
        default: damaged.checksum = nil
        }
        #expect(try compare(book([.acknowledged]), [damaged]).corrupt == 1)
    }

    @Test func aRowWithTheContentOfAnotherIsCorrupt() throws {
        var swapped = row(0, 2)
        swapped.identity.sequence = 1
        #expect(try compare(book([.acknowledged]), [swapped]).corrupt == 1)
    }

    @Test func aRowThatIsThereTwiceIsADuplicateOnce() throws {
        let checked = try compare(book([.acknowledged, .acknowledged]), [row(0, 1), row(0, 1), row(0, 1), row(0, 2)])
        #expect(checked.duplicate == 1)
        #expect(checked.duplicateRows == [RowIdentity(writer: 0, sequence: 1)])
        #expect(checked.kept == 1)
        #expect(checked.lost == 0)
    }

    @Test func aDuplicateDoesNotMaskALoss() throws {
        let checked = try compare(book([.acknowledged, .acknowledged]), [row(0, 1), row(0, 1)])
        #expect(checked.lostRows == [RowIdentity(writer: 0, sequence: 2)])
        #expect(checked.duplicate == 1)
    }

    @Test func anUnansweredCommitDoesNotMaskALoss() throws {
        let checked = try compare(book([.acknowledged, .unknown]), [row(0, 2)])
        #expect(checked.lost == 1)
        #expect(checked.unknownPresent == 1)
    }

    @Test func unknownWritesAreSettled() throws {
        let checked = try compare(book([.unknown, .unknown, .acknowledged, .unknown]), [row(0, 1), row(0, 3)])
        #expect(checked.unknown == 3)
        #expect(checked.unknownPresent == 1)
        #expect(checked.unknownAbsent == 2)
        #expect(checked.isClean)
    }

    @Test func refusedAndNeverSentRowsAreUnexpected() throws {
        let found = [row(-2, 1), row(-1, 0), row(-1, 3), row(0, 0), row(0, 1), row(0, 3), row(1, 1)]
        let checked = try compare(book(seedRows: 2, [.refused, .acknowledged]), found)
        #expect(checked.unexpectedRows == found.map(\.identity))
        #expect(checked.lost == 3)
        #expect(checked.refused == 1)
    }

    @Test func anInsertUnderTheIdentityOfAnUpdateIsUnexpected() throws {
        var book = LedgerBook(writers: 1, seedRows: 0)
        book.finished(.update(0, 1, .acknowledged))
        #expect(try compare(book, [row(0, 1)], registers: [0: [1]]).unexpected == 1)
    }

    @Test func rowsOutOfOrderAreNoResult() throws {
        #expect(throws: LedgerComparison.OutOfOrder.self) {
            try compare(book([.acknowledged, .acknowledged]), [row(0, 2), row(0, 1)])
        }
    }

    @Test func examplesAreCappedAndCountsAreNot() throws {
        let count = LedgerChecked.exampleLimit + 10
        let checked = try compare(book(Array(repeating: .acknowledged, count: count)), [])
        #expect(checked.lost == Int64(count))
        #expect(checked.lostRows.count == LedgerChecked.exampleLimit)
    }

    // MARK: Registers

    /// Updates 1 and 3 acknowledged, 4 unknown, 5 refused.
    private var registerBook: LedgerBook {
        var book = LedgerBook(writers: 1, seedRows: 0)
        book.finished(.update(0, 1, .acknowledged))
        book.finished(.insert(0, 2, .refused))
        book.finished(.update(0, 3, .acknowledged))
        book.finished(.update(0, 4, .unknown))
        book.finished(.update(0, 5, .refused))
        return book
    }

    @Test(arguments: [(3, 0, 1, 0), (4, 1, 0, 0)] as [(Int64, Int64, Int64, Int64)])
    func aRegisterMayHoldTheLastAcknowledgedOrALaterUnknownValue(
        value: Int64, present: Int64, absent: Int64, overwritten: Int64
    ) throws {
        let checked = try compare(registerBook, [], registers: [0: [value]])
        #expect(checked.stale == 0)
        #expect(checked.unknownPresent == present)
        #expect(checked.unknownAbsent == absent)
        #expect(checked.unknownOverwritten == overwritten)
    }

    @Test(arguments: [0, 1, 2, 5, 6, -1] as [Int64]) func anyOtherValueIsStale(value: Int64) throws {
        let checked = try compare(registerBook, [], registers: [0: [value]])
        #expect(checked.staleRegisters == [.init(writer: 0, acknowledged: 3, found: value)])
    }

    @Test(arguments: [[], [3, 3]] as [[Int64]]) func aRegisterThatIsGoneOrThereTwiceIsStale(values: [Int64]) throws {
        let checked = try compare(registerBook, [], registers: [0: values])
        #expect(checked.staleRegisters == [.init(writer: 0, acknowledged: 3, found: nil)])
    }

    @Test func anUnknownUpdateUnderALaterOneLeavesNoTrace() throws {
        var book = registerBook
        book.finished(.update(0, 6, .acknowledged))
        let checked = try compare(book, [], registers: [0: [6]])
        #expect(checked.stale == 0)
        #expect(checked.unknownOverwritten == 1)
        #expect(checked.unknown == checked.unknownPresent + checked.unknownAbsent + checked.unknownOverwritten)
    }

    // MARK: From a journal

    @Test(arguments: [true, false]) func theWriteThatACrashCutOffIsNeitherLostNorUnexpected(isThere: Bool) throws {
        let prepared = LedgerPrepared(database: "d", tableSuffix: "t", writers: 1, seedRows: 0, seed: 1, createdDatabase: false)
        let book = LedgerBook(prepared, writes: [.insert(0, 1, .acknowledged)])
        let checked = try compare(book, isThere ? [row(0, 1), row(0, 2)] : [row(0, 1)])
        #expect(checked.isClean)
        #expect(checked.attempted == (isThere ? 2 : 1))
        #expect(checked.unknownPresent == (isThere ? 1 : 0))
        #expect(book.hasUnknown)
        #expect(try compare(book, [row(0, 1), row(0, 3)]).unexpectedRows.map(\.sequence) == [3])
    }

    @Test func theUpdateThatACrashCutOffIsNotStale() throws {
        let prepared = LedgerPrepared(database: "d", tableSuffix: "t", writers: 1, seedRows: 0, seed: 1, createdDatabase: false)
        let book = LedgerBook(prepared, writes: [.update(0, 1, .acknowledged)])
        #expect(try compare(book, [], registers: [0: [2]]).stale == 0)
        #expect(try compare(book, [], registers: [0: [3]]).stale == 1)
    }

    @Test func theBookFromTheJournalIsTheBookThatWasKept() throws {
        let writes: [WriteResult] = [
            .insert(0, 1, .acknowledged), .insert(1, 1, .unknown), .update(0, 2, .acknowledged), .insert(1, 2, .refused),
        ]
        var kept = LedgerBook(writers: 2, seedRows: 5)
        for write in writes {
            kept.began(write.kind, writer: write.writer, sequence: write.sequence)
            kept.finished(write)
        }
        let prepared = LedgerPrepared(database: "d", tableSuffix: "t", writers: 2, seedRows: 5, seed: 1, createdDatabase: false)
        let rows = [row(-1, 1), row(0, 1), row(1, 1)]
        let registers: [Int: [Int64]] = [0: [2], 1: [0]]
        #expect(try compare(kept, rows, registers: registers) == compare(LedgerBook(prepared, writes: writes), rows, registers: registers))
    }
}

extension LedgerChecked {
    /// Nothing that speaks against the service.
    fileprivate var isClean: Bool { lost == 0 && corrupt == 0 && duplicate == 0 && unexpected == 0 && stale == 0 }
}

extension WriteResult {
    static func insert(_ writer: Int, _ sequence: Int64, _ outcome: Outcome) -> WriteResult {
        WriteResult(
            writer: writer, sequence: sequence, kind: .insert, intended: .origin, started: .origin, done: .origin, outcome: outcome)
    }

    static func update(_ writer: Int, _ sequence: Int64, _ outcome: Outcome) -> WriteResult {
        var result = insert(writer, sequence, outcome)
        result.kind = .update
        return result
    }
}
