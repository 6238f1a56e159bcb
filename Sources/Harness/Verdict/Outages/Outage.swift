public import Journal

/// A time in which a track was not served, with bounds that contain its true length.
///
/// `docs/measuring.md` explains why they do.
public struct Outage: Sendable, Hashable {
    /// The start of the last success before it: it cannot have begun earlier. `nil` if there was none.
    public var lastSuccessStarted: RunTime?
    public var firstFailureStarted: RunTime
    /// The end of the first failure.
    public var firstFailureDone: RunTime
    public var lastFailureStarted: RunTime
    /// The end of the first success after it: it cannot have ended later. `nil` if it was still open at the end.
    public var firstSuccessDone: RunTime?
    /// The longest time for which the failures prove that the track was not served, from end to end within this outage; `nil` if they
    /// prove none.
    public var certain: ClosedRange<RunTime>?
    /// It lasted at least this long.
    public var lower: Duration { certain.map { $0.upperBound - $0.lowerBound } ?? .zero }
    /// It lasted at most this long; `nil` when one of its ends was not seen.
    public var upper: Duration?
    public var failures: Int
    /// The count of each failure, by `phase/kind` or `phase/kind number`.
    public var causes: [String: Int]

    /// Is `true` if it was not over at the end of the probing.
    public var isOpen: Bool { firstSuccessDone == nil }

    /// The time from the start of the first failure to the first success after it, as a client feels it. It is not a bound.
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
