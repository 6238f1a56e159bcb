/// A few measurements of the same quantity, some of which may only be lower bounds.
public struct Sample: Sendable, Hashable {
    /// A measured duration, or a lower bound of it.
    public struct Value: Sendable, Hashable, Comparable {
        public var duration: Duration
        /// Is `true` if its end was not seen, so that it lasted at least `duration`.
        public var isAtLeast: Bool

        public init(_ duration: Duration, isAtLeast: Bool = false) {
            self.duration = duration
            self.isAtLeast = isAtLeast
        }

        /// A measurement without an end ranks above all others.
        public static func < (left: Value, right: Value) -> Bool {
            left.isAtLeast == right.isAtLeast ? left.duration < right.duration : right.isAtLeast
        }

        public var text: String { isAtLeast ? "≥ \(duration.textRoundedDown)" : duration.textRoundedUp }
    }

    /// The statistics that few measurements allow: no quantile but the median, and its interval only for enough values.
    public struct Summary: Sendable, Hashable {
        public var values: [Value]
        public var minimum: Value
        public var median: Value
        public var maximum: Value
        /// Distribution-free 95 % confidence interval of the median; `nil` for fewer than 6 values.
        public var medianInterval: ClosedRange<Value>?
        public var count: Int { values.count }
    }

    public var values: [Value]

    public init(_ values: [Value]) {
        self.values = values
    }

    /// `nil` for no value at all.
    public var summary: Summary? {
        let sorted = values.sorted()
        guard let minimum = sorted.first, let maximum = sorted.last else { return nil }
        let low = sorted[(sorted.count - 1) / 2]
        let high = sorted[sorted.count / 2]
        let middle = Value((low.duration + high.duration) / 2, isAtLeast: low.isAtLeast || high.isAtLeast)
        let interval = Self.medianRanks(count: sorted.count).map { sorted[$0.lowerBound - 1]...sorted[$0.upperBound - 1] }
        return Summary(values: values, minimum: minimum, median: middle, maximum: maximum, medianInterval: interval)
    }

    /// The ranks, from 1, of the two order statistics between which the median lies with at least 95 % confidence whatever the
    /// distribution. `nil` when `count` is below 6, where no two of them do.
    static func medianRanks(count: Int) -> ClosedRange<Int>? {
        // The number of values below the median is binomial with p = 1/2.
        var probability = 1.0
        for _ in 0..<count { probability /= 2 }
        var below = 0.0
        var rank = 0
        while 2 * (below + probability) <= 0.05 {
            below += probability
            probability *= Double(count - rank) / Double(rank + 1)
            rank += 1
        }
        return rank == 0 ? nil : rank...(count + 1 - rank)
    }

    /// The largest share of runs that may lose data though none of `count` did, with 95 % confidence: about 3 / count.
    public static func upperBoundOfShare(noneOf count: Int) -> Double? {
        guard count > 0 else { return nil }
        // (1 - p)^n = 0.05, by bisection: exact enough for a report, and no mathematics library.
        var low = 0.0
        var high = 1.0
        for _ in 0..<60 {
            let middle = (low + high) / 2
            var none = 1.0
            for _ in 0..<count { none *= 1 - middle }
            if none > 0.05 { low = middle } else { high = middle }
        }
        return high
    }
}
