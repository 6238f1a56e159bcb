/// The clock of one run. `ContinuousClock` never jumps, and counts while the machine sleeps.
public struct RunClock: Sendable {
    private let start: ContinuousClock.Instant

    /// Creates a clock whose origin is now.
    public init() {
        start = ContinuousClock.now
    }

    /// Creates the clock of a continued run, on which it is `time` now.
    public init(resumingAt time: RunTime) {
        start = ContinuousClock.now - .nanoseconds(time.nanoseconds)
    }

    public var now: RunTime {
        RunTime(nanoseconds: (ContinuousClock.now - start).wholeNanoseconds)
    }

    /// The run's time at an instant of the system's monotonic clock.
    public func time(of instant: ContinuousClock.Instant) -> RunTime {
        RunTime(nanoseconds: (instant - start).wholeNanoseconds)
    }

    /// Suspends until `time`. Returns at once if it has passed.
    public func sleep(until time: RunTime) async throws {
        try await ContinuousClock().sleep(until: start + .nanoseconds(time.nanoseconds), tolerance: .zero)
    }
}
