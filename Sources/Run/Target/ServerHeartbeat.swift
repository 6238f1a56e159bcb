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

    /// The last one, or the one that lasts.
    private let silence = Mutex<Silence?>(nil)

    /// Returns when it is cancelled.
    func run(_ client: KubernetesClient, _ journal: JournalWriter) async throws {
        var answered = ContinuousClock.now
        while true {
            let asked = ContinuousClock.now
            var failure: KubernetesError?
            do throws(KubernetesError) {
                _ = try await client.version(within: Self.deadline)
            } catch {
                failure = error
            }
            let isOver = Task.isCancelled
            if let failure, !isOver {
                hears(nothing: failure, since: answered)
            } else if let ended = hears(at: .now) {
                let (from, to) = (journal.clock.time(of: ended.from), journal.clock.now)
                try journal.append(.blind(Journal.BlindInterval(from: from, to: to, reason: ended.reason.message)), at: to)
            }
            if isOver { return }
            if failure == nil { answered = asked }
            // Cut short by a cancellation, which the next round sees.
            try? await Task.sleep(until: asked + Self.interval)
        }
    }

    /// From when on a watch that broke was blind: since its own last event or, when it broke because the server went away, since the
    /// server's last answer.
    func lastAnswer(before interval: Kubernetes.BlindInterval) -> ContinuousClock.Instant {
        silence.withLock { silence in
            guard let silence, silence.from <= interval.noticed, silence.until.map({ $0 >= interval.noticed }) ?? true else {
                return interval.from
            }
            return max(interval.from, silence.from)
        }
    }

    func hears(nothing reason: KubernetesError, since answered: ContinuousClock.Instant) {
        silence.withLock { silence in
            if silence == nil || silence?.until != nil { silence = Silence(from: answered, reason: reason) }
        }
    }

    func hears(at now: ContinuousClock.Instant) -> Silence? {
        silence.withLock { silence in
            guard silence != nil, silence?.until == nil else { return nil }
            silence?.until = now
            return silence
        }
    }
}
