import Journal

/// The time in which the server took logins and kept them out of the ledger's database, as it does while it recovers that.
///
/// Measured at the pod's own address, and the last one of a repeat: a server that ends in the middle begins again.
public struct MeasuredRecovery: Sendable, Hashable {
    public var database: String
    /// Between the first and the last login that was kept out; from the last time that the server took none until one was let in.
    public var time: DurationBounds
    /// The error number with which logins were kept out.
    public var number: Int?

    /// One line for a report.
    public var sentence: String {
        let error = number.map { " (error \($0))" } ?? ""
        return "measured at the pod's address, the server took logins for \(time.text) before database \(database) was open to them\(error)"
    }
}

extension MeasuredRecovery {
    /// `nil`: the database was not away since the fault, or not asked for, or was open when a new pod's address was known.
    init?(_ facts: RepeatReducer) {
        guard let fault = facts.faultBegan else { return nil }
        // There was nobody to be asked: what a server did before it could be asked is not known.
        var isGap = false
        var none: DatabaseAsked?
        var kept: (first: DatabaseAsked, last: DatabaseAsked)?
        var found: MeasuredRecovery?
        for asked in facts.databaseAsked where asked.done >= fault {
            switch asked.answer {
            case .takesNoLogins:
                isGap = asked.failure?.kind == DatabaseAsked.noAddress
                if !isGap { none = asked }
                (kept, found) = (nil, nil)
            case .keepsDatabase:
                kept = (kept?.first ?? asked, asked)
                found = nil
            case .isOnline:
                guard none != nil || kept != nil || isGap else { continue }
                found = isGap && kept == nil ? nil : Self(kept, since: none?.started ?? fault, until: asked)
                (none, kept, isGap) = (nil, nil, false)
            }
        }
        if found == nil, let kept { found = Self(kept, since: none?.started ?? fault, until: nil) }
        guard let found else { return nil }
        self = found
    }

    private init?(_ kept: (first: DatabaseAsked, last: DatabaseAsked)?, since: RunTime, until online: DatabaseAsked?) {
        guard let database = (online ?? kept?.last)?.database else { return nil }
        self.database = database
        time = DurationBounds(
            lower: kept.map { max(.zero, $0.last.started - $0.first.done) } ?? .zero, upper: online.map { $0.done - since })
        number = kept?.last.failure?.number
    }
}
