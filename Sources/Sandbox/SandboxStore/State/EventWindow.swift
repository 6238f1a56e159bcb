package import JSON

/// One change of one object, at one revision of the store.
package struct StoreEvent: Sendable {
    package enum Kind: Sendable { case added, modified, deleted }

    package let kind: Kind
    package let revision: Int64
    package let key: ObjectKey
    /// The object after the change; for a deletion its last state with the deletion's revision.
    package let object: JSONValue
    /// The object before the change; `nil` for an addition.
    package let previous: JSONValue?
    /// About how many bytes of memory it takes.
    package let weight: Int
}

/// The recent changes of one resource, oldest first. It holds at most `capacity` of them, fewer of large objects: who asks for more gets 410.
struct EventWindow: Sendable {
    private var events: [StoreEvent] = []
    private var weight = 0
    private let capacity: Int
    /// The revision of the newest change that has been forgotten: the window is complete only above it.
    private(set) var floor: Int64 = 0

    init(capacity: Int) { self.capacity = max(capacity, 1) }

    mutating func append(_ event: StoreEvent) {
        events.append(event)
        weight += event.weight
        guard events.count > capacity || weight > ObjectLimits.windowWeight else { return }
        // Dropping a quarter at a time keeps appending cheap. The newest change always stays.
        let surplus = min(max(events.count / 4, events.count - capacity), events.count - 1)
        guard surplus > 0 else { return }
        floor = events[surplus - 1].revision
        for dropped in events[..<surplus] { weight -= dropped.weight }
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
