import JSON

/// One change of one object, at one revision of the store.
struct StoreEvent: Sendable {
    enum Kind: Sendable { case added, modified, deleted }

    let kind: Kind
    let revision: Int64
    let key: ObjectKey
    /// The object after the change; for a deletion its last state with the deletion's revision.
    let object: JSONValue
    /// The object before the change; `nil` for an addition.
    let previous: JSONValue?
}

/// The recent changes of one resource, oldest first. It holds at most `capacity` of them: who asks for more gets 410.
struct EventWindow: Sendable {
    private var events: [StoreEvent] = []
    private let capacity: Int
    /// The revision of the newest change that has been forgotten: the window is complete only above it.
    private(set) var floor: Int64 = 0

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    mutating func append(_ event: StoreEvent) {
        events.append(event)
        // Dropping a quarter at a time keeps appending cheap.
        guard events.count > capacity else { return }
        let surplus = events.count - capacity + capacity / 4
        floor = events[surplus - 1].revision
        events.removeFirst(surplus)
    }

    /// The changes after `revision`, or `nil` when some of them have been forgotten.
    func events(after revision: Int64) -> ArraySlice<StoreEvent>? {
        guard revision >= floor else { return nil }
        var low = events.startIndex
        var high = events.endIndex
        while low < high {
            let middle = (low + high) / 2
            if events[middle].revision <= revision { low = middle + 1 } else { high = middle }
        }
        return events[low...]
    }
}
