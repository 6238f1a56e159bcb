/// A clause of the promise, or a condition for judging it. The names are the testcases of `junit.xml`, which always has all of them.
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
    /// The outcome of the check.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case passed
        /// The promise was broken.
        case failed
        /// The outcome could not be determined.
        case undecided
        /// It was not evaluated, on purpose.
        case skipped
    }

    public var check: Check
    public var outcome: Outcome
    /// A stable name of the reason, such as `verdict.downtime` or `gate.rateTooLow`; empty for a check that passed.
    public var type: String
    /// One line with the measurement, its limit, and how it was measured.
    public var message: String
    /// More lines, for the body of a report.
    public var details: [String]
    /// The check that names the cause, if this one only follows from it; `nil` if it is a cause itself.
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

    /// The check does not apply to the fault, or the experiment expects nothing of it.
    static func notApplicable(_ check: Check, _ message: String) -> Judgement {
        Judgement(check, .skipped, type: notApplicable, message: message)
    }

    private static let notApplicable = "notApplicable"

    /// There was nothing to evaluate, which does not prevent a pass.
    public var isApplicable: Bool { type != Self.notApplicable }
}
