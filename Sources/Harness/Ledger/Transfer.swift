import Journal

/// One transfer: its accounts and its amount, which follow from its identity, as the content of a row does.
struct Transfer: Sendable, Hashable {
    /// Accounts of a lane. With many of them two torn transfers seldom share one, so that each can be told by its amount.
    static let accounts = 64

    /// Of at most 40 bits: a sum of as many as a run can make stays a number.
    let amount: Int64
    let debited: Int
    let credited: Int

    init(_ row: RowIdentity, _ content: RowContent) {
        let bits = UInt64(bitPattern: content.checksum(of: row))
        amount = Int64(bits >> 24) + 1
        debited = Int(row.sequence % Int64(Self.accounts))
        credited = (debited + 1 + Int(bits % UInt64(Self.accounts - 1))) % Self.accounts
    }
}

/// An account of the transfers.
struct AccountIdentity: Sendable, Hashable {
    var lane: Int
    var account: Int
}

/// Holds the accounts against the transfers whose rows are there.
///
/// An account that is off by the amount of a transfer names that transfer, as amounts are drawn at random from a million of millions.
struct TransferComparison: Sendable {
    private let book: LedgerBook
    private let content: RowContent
    /// By account, for the rows that were read.
    private var expected: [AccountIdentity: Int64] = [:]

    init(_ book: LedgerBook, content: RowContent) {
        self.book = book
        self.content = content
    }

    /// Takes in a row that is there, once.
    mutating func take(_ row: RowIdentity) {
        guard book.isTransfer(row.writer), row.sequence >= 1, row.sequence <= book.writers[row.writer].count else { return }
        let transfer = Transfer(row, content)
        expected[AccountIdentity(lane: row.writer, account: transfer.debited), default: 0] &-= transfer.amount
        expected[AccountIdentity(lane: row.writer, account: transfer.credited), default: 0] &+= transfer.amount
    }

    /// Finds the torn transfers.
    func finish(_ found: [AccountIdentity: [Int64]], _ result: inout TransfersChecked) {
        result.sum = found.values.joined().reduce(0, &+)
        var torn: [TransfersChecked.Torn] = []
        for lane in book.transferLanes { torn += self.torn(lane, found) }
        result.torn = Int64(torn.count)
        result.tornTransfers = Array(torn.prefix(LedgerChecked.exampleLimit))
    }

    /// The parts of one transfer that are not as its row says.
    fileprivate struct Parts {
        var hasRow: Bool
        var debitIsOff = false
        var creditIsOff = false
    }

    private func torn(_ lane: Int, _ found: [AccountIdentity: [Int64]]) -> [TransfersChecked.Torn] {
        var parts: [Int64: Parts] = [:]
        var unexplained: [TransfersChecked.Torn] = []
        for account in 0..<Transfer.accounts {
            let identity = AccountIdentity(lane: lane, account: account)
            let balances = found[identity] ?? []
            let expected = expected[identity] ?? 0
            guard balances.count == 1, let balance = balances.first else {
                unexplained.append(.init(writer: lane, sequence: nil, detail: "account \(account) is there \(balances.count) times"))
                continue
            }
            guard balance != expected else { continue }
            guard let (sequence, isDebit, hasRow) = explanation(identity, balance &- expected) else {
                let detail = "account \(account) holds \(balance), its transfers come to \(expected): no single one explains that"
                unexplained.append(.init(writer: lane, sequence: nil, detail: detail))
                continue
            }
            var own = parts[sequence] ?? Parts(hasRow: hasRow)
            if isDebit { own.debitIsOff = true } else { own.creditIsOff = true }
            parts[sequence] = own
        }
        let named = parts.sorted { $0.key < $1.key }.map { sequence, parts in
            TransfersChecked.Torn(writer: lane, sequence: sequence, detail: parts.sentence)
        }
        return named + unexplained
    }

    /// The transfer whose debit or credit makes the difference, and whether its row is there.
    private func explanation(_ account: AccountIdentity, _ difference: Int64) -> (sequence: Int64, isDebit: Bool, hasRow: Bool)? {
        var sequence: Int64 = 1
        while sequence <= book.writers[account.lane].count {
            let transfer = Transfer(RowIdentity(writer: account.lane, sequence: sequence), content)
            if difference.magnitude == transfer.amount.magnitude {
                // A debit that is missing leaves more than there should be; one without its row leaves less.
                if transfer.debited == account.account { return (sequence, true, difference > 0) }
                if transfer.credited == account.account { return (sequence, false, difference < 0) }
            }
            sequence += 1
        }
        return nil
    }
}

extension TransferComparison.Parts {
    fileprivate var sentence: String {
        let all = [("the row", hasRow), ("the debit", debitIsOff != hasRow), ("the credit", creditIsOff != hasRow)]
        let (there, missing) = (all.filter(\.1).map(\.0), all.filter { !$0.1 }.map(\.0))
        return "\(there.joined(separator: " and ")) \(there.count > 1 ? "are" : "is") there, \(missing.joined(separator: " and ")) "
            + "\(missing.count > 1 ? "are" : "is") not"
    }
}
