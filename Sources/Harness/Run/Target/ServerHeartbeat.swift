import Journal
import Kubernetes
import Synchronization

/// Sends the API server a request every second.
///
/// A silent watch cannot tell a quiet cluster from a server that hangs or cannot be reached. This can, and the journal gets the server's
/// silence as a blind interval.
final class ServerHeartbeat: Sendable {
    private static let interval = Duration.seconds(1)
    private static let deadline = Duration.seconds(2)

    struct Silence {
        /// The time at which the last answered request was sent.
        var from: ContinuousClock.Instant
        var until: ContinuousClock.Instant?
        var reason: KubernetesError
    }

    private struct State {
        /// The last silence, which may still go on.
        var silence: Silence?
        /// The time at which the last answered request was sent.
        var answered: ContinuousClock.Instant
        /// The time at which the unanswered request was sent.
        var asked: ContinuousClock.Instant?

        var isSilent: Bool { silence.map { $0.until == nil } ?? false }

        /// The last silence. An answer that is later than the next request counts as one: a restarting server accepts connections before it
        /// answers, so that no request may have failed.
        func silence(at now: ContinuousClock.Instant) -> Silence? {
            guard !isSilent, let asked, now - asked >= ServerHeartbeat.interval else { return silence }
            return Silence(from: answered, reason: KubernetesError(.timeout, "the API server was late to answer"))
        }
    }

    private let state: Mutex<State>

    init(at now: ContinuousClock.Instant = .now) {
        state = Mutex(State(answered: now))
    }

    /// Sends requests until it is cancelled.
    func run(_ client: KubernetesClient, _ journal: JournalWriter) async throws {
        while true {
            let asked = ContinuousClock.now
            asks(at: asked)
            var failure: KubernetesError?
            do throws(KubernetesError) {
                _ = try await client.version(within: Self.deadline)
            } catch {
                failure = error
            }
            let isOver = Task.isCancelled
            if let failure, !isOver {
                hears(nothing: failure)
            } else if let ended = hears(at: .now) {
                let (from, to) = (journal.clock.time(of: ended.from), journal.clock.now)
                try journal.append(.blind(Journal.BlindInterval(from: from, to: to, reason: ended.reason.message)), at: to)
            }
            if isOver { return }
            // The next round sees a cancellation that cut this one short.
            try? await Task.sleep(until: asked + Self.interval)
        }
    }

    /// Returns the time since which a broken watch was blind: its own last event or, if it broke because the server went away, the
    /// server's last answer.
    ///
    /// - Parameter now: the time at which the watch received something again.
    func lastAnswer(before interval: Kubernetes.BlindInterval, at now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        state.withLock { state in
            guard let silence = state.silence(at: now), silence.from <= interval.noticed,
                silence.until.map({ $0 >= interval.noticed }) ?? true
            else { return interval.from }
            return max(interval.from, silence.from)
        }
    }

    func asks(at now: ContinuousClock.Instant) {
        state.withLock { $0.asked = now }
    }

    func hears(nothing reason: KubernetesError) {
        state.withLock { state in
            state.asked = nil
            if !state.isSilent { state.silence = Silence(from: state.answered, reason: reason) }
        }
    }

    /// Returns the silence that this answer ends, unless the answer was only late.
    func hears(at now: ContinuousClock.Instant) -> Silence? {
        state.withLock { state in
            let wasSilent = state.isSilent
            state.silence = state.silence(at: now)
            if state.isSilent { state.silence?.until = now }
            state.answered = state.asked ?? state.answered
            state.asked = nil
            return wasSilent ? state.silence : nil
        }
    }
}
