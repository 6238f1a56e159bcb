public import Journal

/// The open-loop schedule of one lane: slot `n` is due at `start + n × interval`, whatever happens to earlier slots.
///
/// The caller passes the time in. A slot that is late by an interval, or by ``tolerance`` where that is longer, never starts. It is
/// skipped with a reason, so that the promised and the made probes can be compared.
public struct SlotSchedule: Sendable {
    /// The action for a due slot.
    public enum Action: Sendable, Hashable {
        case start(slot: Int, intended: RunTime)
        case skip(slot: Int, intended: RunTime, reason: ProbeSkipped.Reason)
    }

    /// The lateness up to which a slot starts even if an interval is shorter, because a machine wakes a process that late now and then.
    /// Ten probes at once, at the shortest interval of 1 ms, take less than 2 ms.
    public static let tolerance = Duration.milliseconds(10)

    public let start: RunTime
    public let interval: Duration
    /// The most probes in flight.
    public let capacity: Int
    /// The reason for skipping a slot when the capacity is used up.
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

    /// The time of the next call of ``tick(_:)``.
    public var nextDue: RunTime { due(nextSlot) }

    /// Returns the slots that are due by `now`, in order. A slot before the latest starts only within ``tolerance``, and never where the
    /// capacity is one probe: a longer burst to catch up would measure the harness.
    public mutating func tick(_ now: RunTime) -> [Action] {
        var actions: [Action] = []
        while nextDue <= now {
            let slot = nextSlot
            let intended = nextDue
            nextSlot += 1
            if inFlight >= capacity {
                actions.append(.skip(slot: slot, intended: intended, reason: whenFull))
            } else if nextDue <= now, capacity == 1 || now - intended >= Self.tolerance {
                actions.append(.skip(slot: slot, intended: intended, reason: .lag))
            } else {
                inFlight += 1
                actions.append(.start(slot: slot, intended: intended))
            }
        }
        return actions
    }

    /// Marks a started slot as finished.
    public mutating func finished() {
        precondition(inFlight > 0, "more slots finished than were started")
        inFlight -= 1
    }

    private func due(_ slot: Int) -> RunTime {
        RunTime(nanoseconds: start.nanoseconds + Int64(slot) * interval.wholeNanoseconds)
    }
}
