/// A point on the run's one monotonic clock: nanoseconds since the run's origin.
///
/// Every time in a journal, a finding or a report is of this clock. The wall clock is written down once, at the origin.
public struct RunTime: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static let origin = RunTime(nanoseconds: 0)

    public static func < (left: RunTime, right: RunTime) -> Bool { left.nanoseconds < right.nanoseconds }

    public static func + (time: RunTime, span: Duration) -> RunTime {
        RunTime(nanoseconds: time.nanoseconds + span.wholeNanoseconds)
    }

    public static func - (later: RunTime, earlier: RunTime) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }
}

extension RunTime: Codable {
    public init(from decoder: any Decoder) throws {
        nanoseconds = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(nanoseconds)
    }
}

extension Duration {
    /// Whole nanoseconds, rounded towards zero. Holds 292 years.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
