/// A point on the run's one monotonic clock: nanoseconds since the run's origin.
///
/// It is limited to 292 years, and larger values are clamped: times come from files that anybody may have written.
///
/// Every time in a journal, a finding or a report is from this clock. The wall clock is recorded once, at the origin.
public struct RunTime: Sendable, Hashable, Comparable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static let origin = RunTime(nanoseconds: 0)

    public static func < (left: RunTime, right: RunTime) -> Bool { left.nanoseconds < right.nanoseconds }

    public static func + (time: RunTime, span: Duration) -> RunTime {
        RunTime(nanoseconds: time.nanoseconds.clampedSum(span.wholeNanoseconds))
    }

    public static func - (later: RunTime, earlier: RunTime) -> Duration {
        // A duration can be longer than the difference of two 64-bit times.
        .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds)
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
    /// The whole nanoseconds, rounded towards zero, and clamped to 292 years.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return whole.clampedSum(attoseconds / 1_000_000_000)
    }
}

extension Int64 {
    /// Returns the sum, clamped to the type's range.
    public func clampedSum(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
