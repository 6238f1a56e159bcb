public import Journal

/// The open-loop schedule of one lane: slot `n` is due at `start + n × interval`, whatever became of the slots before it.
///
/// Pure: it is told the time and answers what to do. A slot that cannot be started when it is due is never started later; it is skipped
/// and says why, so that what a schedule promised and what was done can be compared afterwards.
public struct SlotSchedule: Sendable {
    public enum Action: Sendable, Hashable {
        case start(slot: Int, intended: RunTime)
        case skip(slot: Int, intended: RunTime, reason: ProbeSkipped.Reason)
    }

    public let start: RunTime
    public let interval: Duration
    /// Probes that may be under way at once.
    public let capacity: Int
    /// Why a slot is skipped that finds no place.
    public let whenFull: ProbeSkipped.Reason
    public private(set) var inFlight = 0
    private var nextSlot = 0

    /// - Precondition: `interval` is at least a nanosecond and `capacity` at least 1.
    public init(start: RunTime, interval: Duration, capacity: Int, whenFull: ProbeSkipped.Reason) {
        precondition(interval.wholeNanoseconds > 0 && capacity > 0)
        self.start = start
        self.interval = interval
        self.capacity = capacity
        self.whenFull = whenFull
    }

    /// When ``tick(_:)`` is to be called next.
    public var nextDue: RunTime { due(nextSlot) }

    /// All that became due up to and including `now`, in order. At most one slot is started: a burst to catch up would measure the harness.
    public mutating func tick(_ now: RunTime) -> [Action] {
        var actions: [Action] = []
        while nextDue <= now {
            let slot = nextSlot
            let intended = nextDue
            nextSlot += 1
            if inFlight >= capacity {
                actions.append(.skip(slot: slot, intended: intended, reason: whenFull))
            } else if nextDue <= now {
                actions.append(.skip(slot: slot, intended: intended, reason: .lag))
            } else {
                inFlight += 1
                actions.append(.start(slot: slot, intended: intended))
            }
        }
        return actions
    }

    /// A started slot came to its end.
    public mutating func finished() {
        precondition(inFlight > 0, "more slots finished than were started")
        inFlight -= 1
    }

    private func due(_ slot: Int) -> RunTime {
        RunTime(nanoseconds: start.nanoseconds + Int64(slot) * interval.wholeNanoseconds)
    }
}
