import Journal
import Testing

@testable import Ledger

/// Transfers that are there whole, not at all, or torn, each held against the lane's accounts.
@Suite struct TransferComparisonTests {
    private static let content = RowContent(seed: 1, tableSuffix: "t")
    /// One writer, whose lane is 0, and one lane of transfers.
    private static let lane = 1

    enum Part: CaseIterable { case row, debit, credit }

    /// A database in which each transfer has left some of its parts.
    private struct Database {
        var rows: [LedgerRow] = []
        var accounts: [AccountIdentity: [Int64]] = [:]

        init() {
            for account in 0..<Transfer.accounts { accounts[AccountIdentity(lane: lane, account: account)] = [0] }
        }

        mutating func add(_ sequence: Int64, _ parts: [Part] = Part.allCases) {
            let identity = RowIdentity(writer: lane, sequence: sequence)
            let transfer = Transfer(identity, content)
            for part in parts {
                switch part {
                case .row:
                    rows.append(
                        LedgerRow(identity: identity, payload: content.words(of: identity), checksum: content.checksum(of: identity)))
                case .debit: accounts[AccountIdentity(lane: lane, account: transfer.debited)]?[0] -= transfer.amount
                case .credit: accounts[AccountIdentity(lane: lane, account: transfer.credited)]?[0] += transfer.amount
                }
            }
        }

        func compare(_ book: LedgerBook) throws -> LedgerChecked {
            var comparison = LedgerComparison(book, content: content)
            for row in rows { try comparison.take(row) }
            return comparison.finish(registers: [0: [0]], accounts: accounts)
        }
    }

    private func book(_ outcomes: [WriteResult.Outcome]) -> LedgerBook {
        var book = LedgerBook(writers: 1, transfers: 1, seedRows: 0)
        for (index, outcome) in outcomes.enumerated() {
            var write = WriteResult.insert(Self.lane, Int64(index) + 1, outcome)
            write.kind = .transfer
            book.finished(write)
        }
        return book
    }

    @Test func debitAndCreditAreDifferentAccounts() {
        for sequence in 1...5000 as ClosedRange<Int64> {
            let transfer = Transfer(RowIdentity(writer: Self.lane, sequence: sequence), Self.content)
            #expect(transfer.debited != transfer.credited)
            #expect((0..<Transfer.accounts).contains(transfer.credited))
            #expect(transfer.amount > 0)
        }
    }

    @Test func wholeTransfersAndAbsentUnansweredOnesAreSound() throws {
        var database = Database()
        for sequence in 1...400 as ClosedRange<Int64> where sequence % 10 != 0 { database.add(sequence) }
        // Of each ten the ninth is unanswered and there, and the tenth unanswered or refused, and not there.
        let checked = try database.compare(
            book((1...400).map { $0 % 20 == 0 ? .refused : $0 % 10 == 0 || $0 % 10 == 9 ? .unknown : .acknowledged }))
        #expect(checked.torn == 0)
        #expect(checked.lost == 0)
        #expect(checked.transfers?.sum == 0)
        #expect(checked.transfers?.attempted == 400)
        #expect(checked.transfers?.acknowledged == 320)
        #expect(checked.transfers?.refused == 20)
        #expect(checked.transfers?.unknown == 60)
        #expect(checked.transfers?.unknownPresent == 40)
        #expect(checked.transfers?.unknownAbsent == 20)
        #expect(checked.acknowledged == 320)
        #expect(checked.stale == 0)
    }

    /// Every part alone and every two of them, whatever was answered.
    @Test(arguments: [WriteResult.Outcome.acknowledged, .unknown, .refused]) func aPartIsTornByItsIdentity(outcome: WriteResult.Outcome)
        throws
    {
        for parts in [[.row], [.debit], [.credit], [.row, .debit], [.row, .credit], [.debit, .credit]] as [[Part]] {
            var database = Database()
            for sequence in 1...100 as ClosedRange<Int64> where sequence != 70 { database.add(sequence) }
            database.add(70, parts)
            database.rows.sort { $0.identity < $1.identity }
            let checked = try database.compare(book((1...100).map { $0 == 70 ? outcome : .acknowledged }))
            #expect(checked.torn == 1)
            let torn = try #require(checked.transfers?.tornTransfers.first)
            #expect(torn.writer == Self.lane)
            #expect(torn.sequence == 70)
            let (there, missing) = (torn.detail.prefix { $0 != "," }, torn.detail.drop { $0 != "," })
            for part in Part.allCases {
                #expect((parts.contains(part) ? there : missing).contains("the \(part)"), "\(torn.detail)")
            }
            #expect((checked.transfers?.sum == 0) == (parts == [.row] || parts == [.debit, .credit]), "half an amount shows in the sum")
        }
    }

    /// Nothing is hidden where two of them meet in one account: their amounts add up to none.
    @Test func twoTornTransfersOfOneAccountAreAnAccountThatIsOff() throws {
        var database = Database()
        for sequence in 1...100 as ClosedRange<Int64> {
            database.add(sequence, [1, 65].contains(sequence) ? [.row, .credit] : Part.allCases)
        }
        let checked = try database.compare(book((1...100).map { _ in .acknowledged }))
        #expect(checked.torn == 1)
        #expect(checked.transfers?.tornTransfers.first?.sequence == nil)
        #expect(checked.transfers?.tornTransfers.first?.detail.contains("account 1 holds") == true)
    }

    @Test(arguments: [[], [0, 0]] as [[Int64]]) func anAccountThatIsNotThereOnceIsOff(balances: [Int64]) throws {
        var database = Database()
        database.accounts[AccountIdentity(lane: Self.lane, account: 7)] = balances
        let checked = try database.compare(book([]))
        #expect(checked.transfers?.tornTransfers.map(\.detail) == ["account 7 is there \(balances.count) times"])
    }

    /// A lost transfer that is lost as a whole is lost, and not torn.
    @Test func aLostTransferIsNotTorn() throws {
        var database = Database()
        database.add(1)
        let checked = try database.compare(book([.acknowledged, .acknowledged]))
        #expect(checked.lost == 1)
        #expect(checked.torn == 0)
    }

    @Test(arguments: [true, false]) func theTransferThatACrashCutOffMayBeThere(isThere: Bool) throws {
        let prepared = LedgerPrepared(
            database: "d", tableSuffix: "t", writers: 1, transfers: 1, seedRows: 0, seed: 1, createdDatabase: false)
        var database = Database()
        if isThere { database.add(1) }
        let checked = try database.compare(LedgerBook(prepared, writes: []))
        #expect(checked.torn == 0)
        #expect(checked.unexpected == 0)
        #expect(checked.transfers?.unknownPresent == (isThere ? 1 : 0))
        #expect(checked.transfers?.attempted == (isThere ? 1 : 0))
        database = Database()
        database.add(1, [.debit])
        #expect(try database.compare(LedgerBook(prepared, writes: [])).torn == 1)
    }
}
