public import Journal

/// A row from the read-back.
public struct LedgerRow: Sendable {
    public var identity: RowIdentity
    /// `nil` if the value is not a payload.
    public var payload: SIMD8<UInt64>?
    public var checksum: Int64?

    public init(identity: RowIdentity, payload: SIMD8<UInt64>?, checksum: Int64?) {
        self.identity = identity
        self.payload = payload
        self.checksum = checksum
    }
}

/// Compares the rows of the read-back with the ledger.
///
/// It merges two ordered sequences: rows come in the order of their identities, and each is compared with the next expected one. Its
/// memory does not depend on their number.
public struct LedgerComparison: Sendable {
    /// The rows were not in the requested order, so that a missing row cannot be recognised.
    public struct OutOfOrder: Error, Sendable, Hashable {
        public var previous: RowIdentity
        public var next: RowIdentity
    }

    /// The copies of one identity.
    private struct Group {
        var identity: RowIdentity
        var copies = 0
        var isCorrupt = false
    }

    private let book: LedgerBook
    private let content: RowContent
    private var transfers: TransferComparison
    private var result = LedgerChecked()
    private var group: Group?
    /// The smallest identity that is not accounted for.
    private var next = RowIdentity(writer: LedgerBook.baseline, sequence: 1)

    public init(_ book: LedgerBook, content: RowContent) {
        self.book = book
        self.content = content
        transfers = TransferComparison(book, content: content)
        result.seeded = book.seedRows
        if !book.transferLanes.isEmpty { result.transfers = TransfersChecked() }
    }

    /// Adds the next row.
    public mutating func take(_ row: LedgerRow) throws(OutOfOrder) {
        result.read += 1
        if var group {
            if row.identity == group.identity {
                group.copies += 1
                group.isCorrupt = group.isCorrupt || isCorrupt(row)
                self.group = group
                return
            }
            guard group.identity < row.identity else { throw OutOfOrder(previous: group.identity, next: row.identity) }
            close(group)
        }
        group = Group(identity: row.identity, copies: 1, isCorrupt: isCorrupt(row))
    }

    /// Adds the registers and the accounts, and returns the sets.
    ///
    /// - Parameters:
    ///   - registers: the values by writer. A writer with several values has a damaged register.
    ///   - accounts: the balances by account, likewise.
    consuming func finish(registers: [Int: [Int64]], accounts: [AccountIdentity: [Int64]] = [:]) -> LedgerChecked {
        if let group { close(group) }
        absent(upTo: nil)
        for (index, writer) in book.writers.enumerated() where !book.isTransfer(index) {
            take(writer, index, found: registers[index] ?? [])
        }
        count()
        if var found = result.transfers {
            transfers.finish(accounts, &found)
            result.transfers = found
        }
        return result
    }

    private func isCorrupt(_ row: LedgerRow) -> Bool {
        let expected = content.words(of: row.identity)
        return row.payload != expected || row.checksum != content.checksum(of: row.identity, words: expected)
    }

    // MARK: Rows

    private enum Expectation {
        case kept, maybe, maybeUnrecorded, never
    }

    private func expectation(of row: RowIdentity) -> Expectation {
        if row.writer == LedgerBook.baseline {
            return row.sequence >= 1 && row.sequence <= book.seedRows ? .kept : .never
        }
        guard book.writers.indices.contains(row.writer) else { return .never }
        return switch book.writers[row.writer].insert(row.sequence) {
        case .acknowledged: .kept
        case .unknown: .maybe
        case .unrecorded: .maybeUnrecorded
        case .refused, nil: .never
        }
    }

    private mutating func close(_ group: Group) {
        absent(upTo: group.identity)
        transfers.take(group.identity)
        let isTransfer = book.isTransfer(group.identity.writer)
        let expectation = expectation(of: group.identity)
        switch expectation {
        case .never:
            result.unexpected += 1
            Self.note(group.identity, in: &result.unexpectedRows)
            return
        case .kept:
            if group.copies == 1, !group.isCorrupt { result.kept += 1 }
        case .maybe:
            result.unknownPresent += 1
            if isTransfer { result.transfers?.unknownPresent += 1 }
        case .maybeUnrecorded:
            result.attempted += 1
            result.unknown += 1
            result.unknownPresent += 1
            if isTransfer {
                result.transfers?.attempted += 1
                result.transfers?.unknown += 1
                result.transfers?.unknownPresent += 1
            }
        }
        if group.isCorrupt {
            result.corrupt += 1
            Self.note(group.identity, in: &result.corruptRows)
        }
        if group.copies > 1 {
            result.duplicate += 1
            Self.note(group.identity, in: &result.duplicateRows)
        }
    }

    /// Accounts for the identities before `found`, which are not in the database; for all remaining ones if it is `nil`.
    private mutating func absent(upTo found: RowIdentity?) {
        while next.writer < book.writers.count {
            let last = next.writer == LedgerBook.baseline ? book.seedRows : book.writers[next.writer].count
            while next.sequence <= last {
                if let found, next >= found {
                    if next == found { next.sequence += 1 }
                    return
                }
                switch expectation(of: next) {
                case .kept:
                    result.lost += 1
                    if next.writer == LedgerBook.baseline { result.seededLost += 1 }
                    Self.note(next, in: &result.lostRows)
                case .maybe:
                    result.unknownAbsent += 1
                    if book.isTransfer(next.writer) { result.transfers?.unknownAbsent += 1 }
                case .maybeUnrecorded, .never:
                    break
                }
                next.sequence += 1
            }
            if let found, found.writer <= next.writer { return }
            next = RowIdentity(writer: next.writer + 1, sequence: 1)
        }
    }

    private static func note(_ row: RowIdentity, in rows: inout [RowIdentity]) {
        if rows.count < LedgerChecked.exampleLimit { rows.append(row) }
    }

    // MARK: Registers

    /// An update overwrites only a value between the last acknowledged one and its own. So a register never goes back by an update, and one
    /// that went back stays there.
    private mutating func take(_ writer: LedgerBook.Writer, _ index: Int, found: [Int64]) {
        let acknowledged = writer.acknowledgedValue
        let value = found.count == 1 ? found[0] : nil
        let wasWritten =
            switch value {
            case nil: false
            case acknowledged?: true
            case let value?: value > acknowledged && [.unknown, .unrecorded].contains(writer.update(value))
            }
        if !wasWritten {
            result.stale += 1
            if result.staleRegisters.count < LedgerChecked.exampleLimit {
                result.staleRegisters.append(.init(writer: index, acknowledged: acknowledged, found: value))
            }
        }
        if let value, value > acknowledged, writer.update(value) == .unrecorded {
            result.attempted += 1
            result.unknown += 1
            result.unknownPresent += 1
        }
        guard writer.count > 0 else { return }
        for sequence in 1...writer.count where writer.update(sequence) == .unknown {
            switch value {
            case sequence?: result.unknownPresent += 1
            case let value? where value > sequence: result.unknownOverwritten += 1
            default: result.unknownAbsent += 1
            }
        }
    }

    // MARK: Totals

    private mutating func count() {
        for (index, writer) in book.writers.enumerated() where writer.count > 0 {
            var counts = (acknowledged: Int64(0), refused: Int64(0), unknown: Int64(0))
            for sequence in 1...writer.count {
                switch writer.insert(sequence) ?? writer.update(sequence) {
                case .acknowledged: counts.acknowledged += 1
                case .refused: counts.refused += 1
                case .unknown: counts.unknown += 1
                case .unrecorded, nil: break
                }
            }
            let attempted = counts.acknowledged + counts.refused + counts.unknown
            result.acknowledged += counts.acknowledged
            result.refused += counts.refused
            result.unknown += counts.unknown
            result.attempted += attempted
            guard book.isTransfer(index) else { continue }
            result.transfers?.acknowledged += counts.acknowledged
            result.transfers?.refused += counts.refused
            result.transfers?.unknown += counts.unknown
            result.transfers?.attempted += attempted
        }
    }
}
