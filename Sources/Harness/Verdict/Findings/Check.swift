/// A clause of the promise, or what must hold for it to be judged. The names are the testcases of `junit.xml`, always all of them.
public enum Check: String, Sendable, Hashable, CaseIterable {
    case preflight
    case faultTookEffect = "fault-took-effect"
    case recovery
    case downtime
    case dataPersistence = "data-persistence"
    case serviceAddress = "service-address"
    case storage
    case placement
    case replicas
    case singleInstance = "single-instance"
    case shutdown
    case engineHealth = "engine-health"
    case restore
}

/// The outcome of a ``Check``.
public struct Judgement: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case passed
        /// The promise was broken.
        case failed
        /// It could not be told.
        case undecided
        /// It was not evaluated, on purpose.
        case skipped
    }

    public var check: Check
    public var outcome: Outcome
    /// A stable name of why, such as `verdict.downtime` or `gate.rateTooLow`; empty for a check that passed.
    public var type: String
    /// One line: what was measured, what was allowed, how it was measured.
    public var message: String
    /// More lines, for the body of a report.
    public var details: [String]
    /// It is no cause of its own: the check that names the cause. `nil`: it stands for itself.
    public var follows: Check?

    public init(_ check: Check, _ outcome: Outcome, type: String, message: String, details: [String] = []) {
        self.check = check
        self.outcome = outcome
        self.type = type
        self.message = message
        self.details = details
    }

    static func passed(_ check: Check, _ message: String, details: [String] = []) -> Judgement {
        Judgement(check, .passed, type: "", message: message, details: details)
    }

    static func failed(_ check: Check, type: String, _ message: String, details: [String] = []) -> Judgement {
        Judgement(check, .failed, type: "verdict.\(type)", message: message, details: details)
    }

    static func undecided(_ doubt: Doubt) -> Judgement {
        Judgement(doubt.kind.check, .undecided, type: doubt.kind.type, message: doubt.sentence)
    }

    static func skipped(_ check: Check, _ message: String) -> Judgement {
        Judgement(check, .skipped, type: "skipped", message: message)
    }

    /// The fault has nothing to do with the check, or nothing is expected of it, so that nobody misses it.
    static func notApplicable(_ check: Check, _ message: String) -> Judgement {
        Judgement(check, .skipped, type: notApplicable, message: message)
    }

    private static let notApplicable = "notApplicable"

    /// There was nothing to evaluate, which says nothing against a pass.
    public var isApplicable: Bool { type != Self.notApplicable }
}
