import Journal

extension LedgerChecked {
    /// The kinds of damage beside lost rows, in the order of every report.
    static let otherDamage: [(name: String, count: @Sendable (LedgerChecked) -> Int64)] = [
        ("corrupt", { $0.corrupt }), ("duplicate", { $0.duplicate }), ("unexpected", { $0.unexpected }), ("stale", { $0.stale }),
        ("torn", { $0.torn }),
        ("DBCC", { Int64($0.checkDatabase?.count ?? 0) }),
    ]
}
