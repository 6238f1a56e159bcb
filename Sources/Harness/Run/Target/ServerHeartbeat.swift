import Journal
import Kubernetes
import Synchronization

/// Asks the API server every second whether it is there.
///
/// A watch that hears nothing cannot tell a quiet cluster from a server that hangs or is out of reach. This can, and a silence is a
/// blind interval of the journal.
final class ServerHeartbeat: Sendable {
    private static let interval = Duration.seconds(1)
    private static let deadline = Duration.seconds(2)

    struct Silence {
        /// When the last request was sent that was answered.
        var from: ContinuousClock.Instant
        var until: ContinuousClock.Instant?
        var reason: KubernetesError
    }

    private struct State {
        /// The last one, or the one that lasts.
        var silence: Silence?
        /// When the last request was sent that was answered.
        var answered: ContinuousClock.Instant
        /// When the request was sent that is under way.
        var asked: ContinuousClock.Instant?

        var isSilent: Bool { silence.map { $0.until == nil } ?? false }

        /// The last one; an answer that is late for longer than the next request should wait for it is one as well. A server that is
        /// started again accepts connections before it answers, so that no request may have failed.
        func silence(at now: ContinuousClock.Instant) -> Silence? {
            guard !isSilent, let asked, now - asked >= ServerHeartbeat.interval else { return silence }
            return Silence(from: answered, reason: KubernetesError(.timeout, "the API server was late to answer"))
        }
    }

    private let state: Mutex<State>

    init(at now: ContinuousClock.Instant = .now) {
        state = Mutex(State(answered: now))
    }

    /// Returns when it is cancelled.
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
            // Cut short by a cancellation, which the next round sees.
            try? await Task.sleep(until: asked + Self.interval)
        }
    }

    /// From when on a watch that broke was blind: since its own last event or, when it broke because the server went away, since the
    /// server's last answer.
    ///
    /// - Parameter now: when the watch heard something again.
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

    /// Returns the silence that ends with this answer, unless the answer was only late.
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
