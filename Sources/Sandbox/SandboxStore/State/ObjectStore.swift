package import JSON
import Synchronization

/// The cluster's one source of truth: objects with versions, and the stream of their changes.
///
/// Every method is one atomic step and none of them waits. Watchers are woken after the lock is released; they read the
/// shared, bounded event window at their own pace, so a slow one costs no memory and gets 410 when it has fallen behind.
package final class ObjectStore: Sendable {
    private struct Locked: Sendable {
        var state: StoreState
        var watches: [Int: WatchState] = [:]
        var nextWatch = 0
    }

    private let locked: Mutex<Locked>
    package let registry: ResourceRegistry
    package let environment: StoreEnvironment

    /// - Parameter windowCapacity: how many changes of each resource a watch can resume over.
    package init(
        registry: ResourceRegistry = .kubernetes, environment: StoreEnvironment = .live, admission: any ObjectAdmission,
        windowCapacity: Int = 1000
    ) {
        self.registry = registry
        self.environment = environment
        locked = Mutex(
            Locked(
                state: StoreState(
                    registry: registry, environment: environment, admission: admission, windowCapacity: windowCapacity)))
    }

    /// Several reads and changes as one step. When `body` throws, or for a dry run, nothing is kept.
    package func transaction<Result: Sendable>(
        dryRun: Bool = false, _ body: (inout StoreState) throws(APIError) -> Result
    ) throws(APIError) -> Result {
        let (result, waiters) = try locked.withLock { locked throws(APIError) in
            var state = locked.state
            let result = try body(&state)
            guard !dryRun else { return (result, [CheckedContinuation<Void, Never>]()) }
            let touched = state.takeTouched()
            locked.state = state
            return (result, locked.watches.takeWaiters { touched.contains($0.type) })
        }
        for waiter in waiters { waiter.resume() }
        return result
    }

    /// A consistent look at everything.
    package func read<Result: Sendable>(_ body: (StoreState) throws(APIError) -> Result) throws(APIError) -> Result {
        try body(locked.withLock { $0.state })
    }
}

// MARK: One object

extension ObjectStore {
    /// The version of the newest change.
    package var revision: Int64 { locked.withLock { $0.state.revision } }

    package subscript(key: ObjectKey) -> JSONValue? { locked.withLock { $0.state[key] } }

    package func get(_ key: ObjectKey) throws(APIError) -> JSONValue { try read { state throws(APIError) in try state.get(key) } }

    package func list(_ type: ResourceType, _ filter: ObjectFilter = .everything) -> [JSONValue] {
        locked.withLock { $0.state }.list(type, filter)
    }

    @discardableResult
    package func create(_ type: ResourceType, _ object: JSONValue, namespace: String = "", dryRun: Bool = false) throws(APIError)
        -> JSONValue
    {
        try transaction(dryRun: dryRun) { state throws(APIError) in try state.create(type, object, namespace: namespace) }
    }

    /// Replaces all but the status of an object; its `resourceVersion`, where given, must be the stored one.
    @discardableResult
    package func update(_ key: ObjectKey, to object: JSONValue, dryRun: Bool = false) throws(APIError) -> JSONValue {
        try transaction(dryRun: dryRun) { state throws(APIError) in try state.update(key, to: object) }
    }

    @discardableResult
    func updateStatus(_ key: ObjectKey, to object: JSONValue, dryRun: Bool = false) throws(APIError) -> JSONValue {
        try transaction(dryRun: dryRun) { state throws(APIError) in try state.update(key, to: object, part: .status) }
    }

    /// Reads, changes and writes an object as one step: it cannot conflict. `body` runs inside the store's critical section and must not
    /// call the store. Give `preconditions.uid` when the decision was made on an earlier look at the object.
    @discardableResult
    package func modify(
        _ key: ObjectKey, part: UpdatePart = .everything, _ preconditions: Preconditions = .none, _ body: (inout JSONValue) -> Void
    ) throws(APIError) -> JSONValue {
        try transaction { state throws(APIError) in try state.modify(key, part: part, preconditions, body) }
    }

    @discardableResult
    package func delete(_ key: ObjectKey, _ options: DeleteOptions = .background, dryRun: Bool = false) throws(APIError) -> Deletion {
        try transaction(dryRun: dryRun) { state throws(APIError) in try state.delete(key, options) }
    }
}

// MARK: Watching

extension ObjectStore {
    /// The changes of one resource from now on, beginning with an `added` for every present object; or, with `revision`, exactly those
    /// after it. Throws 410 when the event window does not reach back that far, 504 for a version from the future.
    package func watch(_ type: ResourceType, _ filter: ObjectFilter = .everything, from revision: Int64? = nil) throws(APIError)
        -> ObjectWatch
    {
        let id = try locked.withLock { locked throws(APIError) in
            let state = locked.state
            var watch = WatchState(type: type, filter: filter, cursor: revision ?? state.revision)
            if let revision {
                guard revision <= state.revision else {
                    var error = APIError(504, "Timeout", "Too large resource version: \(revision), current: \(state.revision)")
                    error.retryAfterSeconds = 1
                    throw error
                }
                guard revision >= state.window(type).floor else { throw Self.tooOld(revision, state.window(type).floor) }
            } else {
                watch.initial = state.list(type, filter)[...]
            }
            locked.nextWatch += 1
            locked.watches[locked.nextWatch] = watch
            return locked.nextWatch
        }
        return ObjectWatch(store: self, id: id)
    }

    /// Returns the number of open watches of a resource.
    func watchCount(_ type: ResourceType) -> Int { locked.withLock { $0.watches.values.count { $0.type == type } } }

    private static func tooOld(_ revision: Int64, _ floor: Int64) -> APIError {
        .expired("too old resource version: \(revision) (\(floor))")
    }

    /// The next event of a watch, `nil` when it is finished; waits for one.
    func nextEvent(_ id: Int) async throws(APIError) -> WatchEvent? {
        while true {
            let step = try locked.withLock { locked throws(APIError) -> WatchState.Step in
                guard var watch = locked.watches[id] else { return .finished }
                let step = watch.advance(in: locked.state)
                locked.watches[id] = watch
                if case .expired(let cursor) = step { throw Self.tooOld(cursor, locked.state.window(watch.type).floor) }
                return step
            }
            switch step {
            case .event(let event): return event
            case .finished, .expired: return nil
            case .wait(let revision): await waitForChange(id, after: revision)
            }
        }
    }

    private func waitForChange(_ id: Int, after revision: Int64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Events between the look and this lock must not be slept through.
                let isParked = locked.withLock { locked in
                    guard let watch = locked.watches[id], !watch.isFinished, !watch.isBookmarkRequested,
                        locked.state.revision == revision
                    else { return false }
                    locked.watches[id]?.waiter = continuation
                    return true
                }
                if !isParked { continuation.resume() }
            }
        } onCancel: {
            finishWatch(id)
        }
    }

    func finishWatch(_ id: Int) { signal(id) { $0.isFinished = true } }

    package func requestBookmark(_ id: Int) { signal(id) { $0.isBookmarkRequested = true } }

    private func signal(_ id: Int, _ change: (inout WatchState) -> Void) {
        let waiter = locked.withLock { locked in
            guard var watch = locked.watches[id] else { return CheckedContinuation<Void, Never>?.none }
            change(&watch)
            let waiter = watch.takeWaiter()
            locked.watches[id] = watch
            return waiter
        }
        waiter?.resume()
    }

    func forgetWatch(_ id: Int) {
        let waiter = locked.withLock { $0.watches.removeValue(forKey: id)?.waiter }
        waiter?.resume()
    }
}
