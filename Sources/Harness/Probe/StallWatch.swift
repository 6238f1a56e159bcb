import Experiment
public import Journal
public import NIOCore
import Synchronization

/// Detects stalls of an event loop and the probes on it: the process was stopped, or the machine gave it no processor time.
///
/// A timer on the loop is late by the length of the stall. A probe that was in flight then says nothing about the service.
public final class StallWatch: Sendable {
    private struct State {
        /// The time of the last beat.
        var beat: RunTime
        var stalls: [ClosedRange<RunTime>] = []
        var task: RepeatedTask?
    }

    private static let interval = Duration.milliseconds(100)
    /// Smaller delays are usual on a busy machine, and affect a probe little.
    private static let overlooked = Duration.milliseconds(250)
    /// The number of stalls that are kept: no probe in flight is older than that.
    private static let kept = 64

    private let clock: RunClock
    private let state: Mutex<State>

    /// Watches `eventLoop` until ``stop()``.
    public init(_ eventLoop: any EventLoop, clock: RunClock) {
        self.clock = clock
        state = Mutex(State(beat: clock.now))
        let interval = TimeAmount.nanoseconds(Self.interval.wholeNanoseconds)
        let task = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in self?.beat() }
        state.withLock { $0.task = task }
    }

    public func stop() { state.withLock { $0.task }?.cancel() }

    private func beat() { state.withLock { Self.look(&$0, clock.now) } }

    /// Returns how long the loop stood still between two times.
    func stalled(from start: RunTime, to end: RunTime) -> Duration {
        state.withLock { state in
            // The call may come before the overdue beat.
            Self.look(&state, clock.now)
            return state.stalls.reduce(.zero) { $0 + max(.zero, min($1.upperBound, end) - max($1.lowerBound, start)) }
        }
    }

    private static func look(_ state: inout State, _ now: RunTime) {
        if now - state.beat > interval + overlooked {
            state.stalls.append(state.beat...now)
            if state.stalls.count > kept { state.stalls.removeFirst() }
        }
        state.beat = max(state.beat, now)
    }
}

extension Failure {
    /// Returns the failure of a probe that ended at `done`, or one that blames the harness if it stood still meanwhile: it then may not
    /// have read the server's answer in time.
    ///
    /// - Parameters:
    ///   - started: the start of the probe.
    ///   - timeout: the probe's timeout.
    package func attributed(started: RunTime, done: RunTime, timeout: Duration, _ watch: StallWatch) -> Failure {
        let stalled = watch.stalled(from: started, to: done)
        guard stalled > .zero else { return self }
        let isShort = kind == "timeout" ? done - started - stalled < timeout : stalled >= timeout / 2
        guard isShort, number == nil else { return self }
        return Failure(
            phase: phase, kind: "cancelled",
            message: "the harness itself stood still for \(stalled.text) meanwhile; seen was: \(kind)")
    }
}
