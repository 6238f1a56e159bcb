public import Journal

/// One stretch of time in which a track was not served, with bounds that contain its true length.
///
/// `docs/measuring.md` has the argument why they do.
public struct Outage: Sendable, Hashable {
    /// When the last success before it was started: it cannot have begun earlier. `nil` when there was none.
    public var lastSuccessStarted: RunTime?
    public var firstFailureStarted: RunTime
    /// When the first failure was known.
    public var firstFailureDone: RunTime
    public var lastFailureStarted: RunTime
    /// When the first success after it was done: it cannot have ended later. `nil` when it was still open at the end.
    public var firstSuccessDone: RunTime?
    /// The longest time of which the failures leave no doubt that the track was not served, both ends being in this outage; `nil` when
    /// they leave none.
    public var certain: ClosedRange<RunTime>?
    /// It lasted at least this long.
    public var lower: Duration { certain.map { $0.upperBound - $0.lowerBound } ?? .zero }
    /// It lasted at most this long; `nil` when one of its ends was not seen.
    public var upper: Duration?
    public var failures: Int
    /// The count of each failure, by `phase/kind` or `phase/kind number`.
    public var causes: [String: Int]

    /// Not over when probing ended.
    public var isOpen: Bool { firstSuccessDone == nil }

    /// From the start of the first failure to the first success after it, as a client feels it; not a bound.
    public var estimate: Duration? { firstSuccessDone.map { $0 - firstFailureStarted } }

    public init(
        lastSuccessStarted: RunTime?, firstFailureStarted: RunTime, firstFailureDone: RunTime, lastFailureStarted: RunTime,
        firstSuccessDone: RunTime?, certain: ClosedRange<RunTime>?, upper: Duration?, failures: Int, causes: [String: Int]
    ) {
        self.lastSuccessStarted = lastSuccessStarted
        self.firstFailureStarted = firstFailureStarted
        self.firstFailureDone = firstFailureDone
        self.lastFailureStarted = lastFailureStarted
        self.firstSuccessDone = firstSuccessDone
        self.certain = certain
        self.upper = upper
        self.failures = failures
        self.causes = causes
    }
}
