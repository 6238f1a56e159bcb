package import JSON

/// One event of a watch, as its filter sees it: an object that begins to match is `added`, one that ceases to is `deleted`.
package struct WatchEvent: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        /// Nothing changed, but everything up to `revision` has been seen; `object` is null.
        case bookmark = "BOOKMARK"
    }

    package let kind: Kind
    package let object: JSONValue
    package let revision: Int64
}

/// The changes of one resource. It ends when finished or when the reading task is cancelled, and throws 410 when the reader is so slow
/// that the event window has moved past it.
package final class ObjectWatch: AsyncSequence, Sendable {
    package struct Iterator: AsyncIteratorProtocol {
        package let watch: ObjectWatch

        package func next() async throws(APIError) -> WatchEvent? { try await watch.store.nextEvent(watch.id) }

        package func next(isolation actor: isolated (any Actor)?) async throws(APIError) -> WatchEvent? {
            try await watch.store.nextEvent(watch.id)
        }
    }

    private let store: ObjectStore
    private let id: Int

    package init(store: ObjectStore, id: Int) {
        self.store = store
        self.id = id
    }

    deinit { store.forgetWatch(id) }

    package func makeAsyncIterator() -> Iterator { Iterator(watch: self) }

    /// Ends the sequence after what is already known; for a watch's timeout.
    package func finish() { store.finishWatch(id) }

    /// Asks for a bookmark once all known events have been delivered.
    package func requestBookmark() { store.requestBookmark(id) }
}

/// Where one watch has got to. Kept in the store, under its lock.
struct WatchState: Sendable {
    enum Step: Sendable {
        case event(WatchEvent)
        /// Nothing new up to this revision.
        case wait(Int64)
        case finished
        /// The window no longer holds what comes after this revision.
        case expired(Int64)
    }

    let type: ResourceType
    let filter: ObjectFilter
    /// Everything up to this revision has been delivered.
    var cursor: Int64
    var initial: ArraySlice<JSONValue> = []
    var isFinished = false
    var isBookmarkRequested = false
    var waiter: CheckedContinuation<Void, Never>?

    mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
        defer { waiter = nil }
        return waiter
    }

    mutating func advance(in state: StoreState) -> Step {
        if let object = initial.popFirst() {
            return .event(WatchEvent(kind: .added, object: object, revision: Int64(object.resourceVersion) ?? cursor))
        }
        guard let events = state.window(type).events(after: cursor) else { return .expired(cursor) }
        for event in events {
            cursor = event.revision
            if let seen = seen(event) { return .event(seen) }
        }
        cursor = state.revision
        if isBookmarkRequested {
            isBookmarkRequested = false
            return .event(WatchEvent(kind: .bookmark, object: .null, revision: cursor))
        }
        return isFinished ? .finished : .wait(cursor)
    }

    private func seen(_ event: StoreEvent) -> WatchEvent? {
        let didMatch = event.previous.map(filter.matches) ?? false
        let matches = event.kind != .deleted && filter.matches(event.object)
        switch (didMatch, matches) {
        case (false, true): return WatchEvent(kind: .added, object: event.object, revision: event.revision)
        case (true, true): return WatchEvent(kind: .modified, object: event.object, revision: event.revision)
        case (true, false):
            // As the API server does: the last matching state, with the version of the change that ended the match.
            var last = event.kind == .deleted ? event.object : event.previous ?? event.object
            last[path: "metadata", "resourceVersion"] = .string(String(event.revision))
            return WatchEvent(kind: .deleted, object: last, revision: event.revision)
        case (false, false): return nil
        }
    }
}

extension [Int: WatchState] {
    mutating func takeWaiters(where condition: (WatchState) -> Bool) -> [CheckedContinuation<Void, Never>] {
        keys.compactMap { key in
            guard let watch = self[key], condition(watch) else { return nil }
            return self[key]?.takeWaiter()
        }
    }
}
