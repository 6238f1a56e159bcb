/// The clock of one run. `ContinuousClock` never jumps and goes on while the machine sleeps.
public struct RunClock: Sendable {
    private let start: ContinuousClock.Instant

    /// The run's origin is now.
    public init() {
        start = ContinuousClock.now
    }

    /// The clock of a run that is gone on with: it is `time` now.
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

    /// Suspends until `time`; returns at once when it has passed.
    public func sleep(until time: RunTime) async throws {
        try await ContinuousClock().sleep(until: start + .nanoseconds(time.nanoseconds), tolerance: .zero)
    }
}
