import Experiment
public import Journal
public import NIOCore
import Synchronization

/// Tells when an event loop, and with it all that lives on it, stood still: the process was stopped, or the machine had no time for it.
///
/// A beat on the loop itself is late by as long as the loop was. A probe that was under way then is no measure of the service.
public final class StallWatch: Sendable {
    private struct State {
        /// When the loop was last seen to go.
        var beat: RunTime
        var stalls: [ClosedRange<RunTime>] = []
        var task: RepeatedTask?
    }

    private static let interval = Duration.milliseconds(100)
    /// A beat that is late by less is usual on a busy machine, and costs a probe little.
    private static let overlooked = Duration.milliseconds(250)
    /// Older stalls than that many are of no probe that is still under way.
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

    /// For how long the loop stood still between the two times.
    func stalled(from start: RunTime, to end: RunTime) -> Duration {
        state.withLock { state in
            // The question may come before the beat that is due.
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
    /// The failure of a probe that ended at `done`, or what is to be said of it where the harness itself stood still meanwhile: that it
    /// had no time, or that nobody was there for the server's words, is the harness's own doing.
    ///
    /// - Parameters:
    ///   - started: when the probe was started.
    ///   - timeout: the time that it was to have.
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
