public import Journal

/// A row of the ledger that differs from its acknowledged state, with the times of its write.
public struct DamagedRow: Sendable, Hashable {
    /// The kind of the damage.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case lost, corrupt, duplicate, unexpected, torn
    }

    public var kind: Kind
    public var identity: RowIdentity
    /// The start of its write; `nil` for a row of the baseline, or one that was never sent.
    public var started: RunTime?
    /// The time of the write's answer.
    public var done: RunTime?
}

/// The times of a repeat's writes, kept until the read-back shows which of them matter.
///
/// A write takes 8 bytes here, so that a million of them do not fill the memory: milliseconds since the start of the repeat.
struct WriteTimes: Sendable {
    private struct Times {
        var started: UInt32
        var done: UInt32
    }

    /// The times by writer, then by sequence from 1.
    private var times: [Int: [Times]] = [:]
    private let origin: RunTime

    /// Writers count up by one. A journal in which they do not must not fill the memory.
    private static let longestGap: Int64 = 100_000

    init(from origin: RunTime) {
        self.origin = origin
    }

    mutating func add(_ write: WriteResult) {
        guard write.kind.addsRow, write.sequence > 0 else { return }
        var own = times.removeValue(forKey: write.writer) ?? []
        defer { times[write.writer] = own }
        guard write.sequence - Int64(own.count) < Self.longestGap else { return }
        while own.count < write.sequence { own.append(Times(started: .max, done: .max)) }
        own[Int(write.sequence) - 1] = Times(started: milliseconds(write.started), done: milliseconds(write.done))
    }

    /// The damaged rows that the read-back names, in the order in which they were written; the baseline first.
    func damage(_ ledger: LedgerChecked) -> [DamagedRow] {
        let named: [(DamagedRow.Kind, [RowIdentity])] = [
            (.lost, ledger.lostRows), (.corrupt, ledger.corruptRows), (.duplicate, ledger.duplicateRows),
            (.unexpected, ledger.unexpectedRows), (.torn, ledger.transfers?.tornRows ?? []),
        ]
        return named.flatMap { kind, rows in rows.map { row(kind, $0) } }
            .sorted { ($0.started ?? .origin, $0.identity) < ($1.started ?? .origin, $1.identity) }
    }

    private func row(_ kind: DamagedRow.Kind, _ identity: RowIdentity) -> DamagedRow {
        guard let own = times[identity.writer], identity.sequence > 0, identity.sequence <= own.count,
            own[Int(identity.sequence) - 1].done != .max
        else { return DamagedRow(kind: kind, identity: identity) }
        let found = own[Int(identity.sequence) - 1]
        return DamagedRow(kind: kind, identity: identity, started: time(found.started), done: time(found.done))
    }

    private func milliseconds(_ time: RunTime) -> UInt32 {
        UInt32(clamping: (time.nanoseconds - origin.nanoseconds) / 1_000_000)
    }

    private func time(_ milliseconds: UInt32) -> RunTime { origin + .milliseconds(Int64(milliseconds)) }
}

extension TransfersChecked {
    /// The torn transfers whose identity is known.
    fileprivate var tornRows: [RowIdentity] {
        tornTransfers.compactMap { torn in torn.sequence.map { RowIdentity(writer: torn.writer, sequence: $0) } }
    }
}
