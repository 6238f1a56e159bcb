import Journal
import NIOCore

/// A repeated timer on an event loop that measures its own delay, which shows an overloaded loop or machine.
final class Heartbeat: Sendable {
    private struct State {
        var lastBeat: RunTime
        var longestSilence = Duration.zero
        var beating: RepeatedTask?
    }

    private let eventLoop: any EventLoop
    private let clock: RunClock
    private let state: NIOLoopBoundBox<State>

    init(on eventLoop: any EventLoop, clock: RunClock) {
        self.eventLoop = eventLoop
        self.clock = clock
        state = .makeBoxSendingValue(State(lastBeat: clock.now), eventLoop: eventLoop)
    }

    func start(every interval: Duration) async throws {
        try await eventLoop.submit {
            self.state.value.beating = self.eventLoop.scheduleRepeatedTask(
                initialDelay: .zero, delay: .nanoseconds(interval.wholeNanoseconds)
            ) { _ in self.beat() }
        }.get()
    }

    /// - Returns: the longest time without a beat.
    func stop() async throws -> Duration {
        try await eventLoop.submit {
            self.state.value.beating?.cancel()
            self.beat()
            return self.state.value.longestSilence
        }.get()
    }

    private func beat() {
        let now = clock.now
        state.value.longestSilence = max(state.value.longestSilence, now - state.value.lastBeat)
        state.value.lastBeat = now
    }
}
