import Journal

/// A transfer: its accounts and its amount, which are derived from its identity, like the content of a row.
struct Transfer: Sendable, Hashable {
    /// The number of accounts of a lane. With many accounts, two torn transfers seldom share one, so that the amount identifies each.
    static let accounts = 64

    /// The amount, with at most 40 bits: the sum over a whole run does not overflow.
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

/// Compares the accounts with the transfers whose rows exist.
///
/// An account that is off by the amount of a transfer identifies it, because amounts are random among 10^12 values.
struct TransferComparison: Sendable {
    private let book: LedgerBook
    private let content: RowContent
    /// The expected balance by account, from the rows that were read.
    private var expected: [AccountIdentity: Int64] = [:]

    init(_ book: LedgerBook, content: RowContent) {
        self.book = book
        self.content = content
    }

    /// Adds an existing row, once.
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

    /// The parts of one transfer that disagree with its row.
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

    /// Returns the transfer whose debit or credit explains the difference, and whether its row exists.
    private func explanation(_ account: AccountIdentity, _ difference: Int64) -> (sequence: Int64, isDebit: Bool, hasRow: Bool)? {
        var sequence: Int64 = 1
        while sequence <= book.writers[account.lane].count {
            let transfer = Transfer(RowIdentity(writer: account.lane, sequence: sequence), content)
            if difference.magnitude == transfer.amount.magnitude {
                // A missing debit leaves too much; a debit without its row leaves too little.
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
