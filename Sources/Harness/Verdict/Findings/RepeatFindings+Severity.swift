import Journal

/// Numbers that rank repeats, for the headline over all of them.
extension RepeatFindings {
    static let damageNames = ["lost", "corrupt", "duplicate", "unexpected", "stale registers", "torn transfers"]

    /// The damaged rows, by the kind of their damage.
    var damage: [String: Int64] {
        guard let ledger else { return [:] }
        let counts = [ledger.lost, ledger.corrupt, ledger.duplicate, ledger.unexpected, ledger.stale, ledger.torn]
        return Dictionary(uniqueKeysWithValues: zip(Self.damageNames, counts))
    }

    var judgedDowntime: Sample.Value { judgedTrack.flatMap { track($0) }?.downtime.judged ?? Sample.Value(.zero) }

    /// The time from the fault to the end of the last outage. One without an end ranks as the longest.
    var judgedRecovery: Sample.Value {
        let times = serviceTracks.map { $0.timeToStable.map { Sample.Value($0) } ?? Sample.Value($0.downtime.lower, isAtLeast: true) }
        return times.max() ?? Sample.Value(.zero)
    }
}
