/// A reason why a pass is not justified. One is enough: an inconclusive run never passes.
public struct Doubt: Sendable, Hashable {
    /// The kind of the doubt.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        // The harness, or what it wrote.
        case journalDamaged, journalEndedEarly, interrupted, noData, experimentUnknown, repeatsMissing
        // Before the fault.
        case preflightFailed, otherPreflightFailed, preflightFailedLater, steadyStateNotSeen, clientFailedEarly, outageBeforeFault
        // The fault.
        case noDebt, faultNotInjected, faultNotProven, evidenceBeforeFault
        // The probes.
        case noProbes, probesMissing, rateTooLow, scheduleLag, probingGap, clientFailed, wrongAddress
        // The time after the recovery.
        case notStable, blind
        // The ledger.
        case noWritesBefore, noWritesAfter, ledgerNotChecked, ledgerEmpty, ledgerInconsistent, ledgerShort, severalBackends
        // The cluster.
        case serviceNotSeen, storageNotSeen, noVolume, placementNotSeen, replicasNotSeen, replicasShortBefore, shutdownNotSeen
        // The restoring.
        case notRestored

        /// The check that cannot pass because of the doubt.
        public var check: Check {
            switch self {
            case .noData, .experimentUnknown, .preflightFailed, .otherPreflightFailed, .preflightFailedLater, .steadyStateNotSeen,
                .clientFailedEarly:
                .preflight
            case .journalDamaged, .journalEndedEarly, .interrupted, .repeatsMissing: .recovery
            case .noDebt, .outageBeforeFault, .faultNotInjected, .faultNotProven, .evidenceBeforeFault: .faultTookEffect
            case .notStable, .blind: .recovery
            case .noProbes, .probesMissing, .rateTooLow, .scheduleLag, .probingGap, .clientFailed: .downtime
            case .noWritesBefore, .noWritesAfter, .ledgerNotChecked, .ledgerEmpty, .ledgerInconsistent, .ledgerShort,
                .severalBackends:
                .dataPersistence
            case .wrongAddress, .serviceNotSeen: .serviceAddress
            case .storageNotSeen, .noVolume: .storage
            case .placementNotSeen: .placement
            case .replicasNotSeen, .replicasShortBefore: .replicas
            case .shutdownNotSeen: .shutdown
            case .notRestored: .restore
            }
        }

        /// The name in reports. Never a bare word, because GitLab's XML reader would take it for a type cast.
        public var type: String {
            switch self {
            case .interrupted, .journalEndedEarly, .journalDamaged, .repeatsMissing: "aborted"
            default: "gate.\(rawValue)"
            }
        }

        /// Is `true` if the doubt makes every later measurement meaningless for the service.
        var voidsMeasurement: Bool {
            switch self {
            case .preflightFailed, .otherPreflightFailed, .preflightFailedLater, .steadyStateNotSeen, .clientFailedEarly,
                .noDebt, .outageBeforeFault, .faultNotInjected, .faultNotProven, .evidenceBeforeFault, .experimentUnknown, .noData:
                true
            default: false
            }
        }
    }

    public var kind: Kind
    public var sentence: String

    public init(_ kind: Kind, _ sentence: String) {
        self.kind = kind
        self.sentence = sentence
    }
}
