public import Journal
import Synchronization

/// Shares the ``Health`` between the probes and the tasks that wait for it to change.
public final class HealthMonitor: Sendable {
    private struct Waiter {
        var id: Int
        var condition: @Sendable (Health) -> Bool
        var continuation: CheckedContinuation<Health, any Error>
    }

    private struct State {
        var health: Health
        var waiters: [Waiter] = []
        var nextID = 0
    }

    private let state: Mutex<State>

    /// - Parameter lanes: how many lanes each watched track has.
    public init(lanes: [Track: Int]) {
        state = Mutex(State(health: Health(lanes: lanes)))
    }

    public var health: Health { state.withLock { $0.health } }

    /// Suspends until `condition` holds, and returns the health that fulfils it. Throws `CancellationError` if cancelled.
    ///
    /// `condition` is evaluated at once and after every finished probe, under a lock: it must be quick and must not call the monitor.
    @discardableResult
    public func wait(until condition: @escaping @Sendable (Health) -> Bool) async throws -> Health {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Health, any Error>? = state.withLock { state in
                    // This holds the lock that `cancel` takes: either this sees the cancellation, or `cancel` sees the waiter.
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if condition(state.health) { return .success(state.health) }
                    state.waiters.append(Waiter(id: id, condition: condition, continuation: continuation))
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Adds the end of a probe or write, and wakes the tasks that wait for it.
    public func finished(_ track: Track, lane: Int = 0, done: RunTime, failure: Failure?) {
        update { $0.finished(track, lane: lane, done: done, failure: failure) }
    }

    /// Adds a skipped slot, and wakes the tasks that wait for it.
    public func skipped(_ track: Track, lane: Int = 0) {
        update { $0.skipped(track, lane: lane) }
    }

    /// Ends all waits, because no more results will come.
    func end() {
        update { $0.end() }
    }

    private func update(_ change: (inout Health) -> Void) {
        let (health, met) = state.withLock { state in
            change(&state.health)
            let health = state.health
            let met = state.waiters.filter { $0.condition(health) }
            if !met.isEmpty { state.waiters.removeAll { waiter in met.contains { $0.id == waiter.id } } }
            return (health, met)
        }
        for waiter in met { waiter.continuation.resume(returning: health) }
    }

    private func cancel(_ id: Int) {
        let waiter = state.withLock { state -> Waiter? in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(throwing: CancellationError())
    }
}
