/// The downtime of one track of one experiment, compared with an earlier run's.
public struct Comparison: Sendable, Hashable {
    /// The result of a comparison.
    public enum Outcome: String, Sendable, Hashable {
        case slower, faster
        /// No significant difference, although the number of repeats could show one.
        case unchanged
        /// Too few repeats for any significant difference.
        case tooFew
    }

    public var experiment: String
    public var track: String
    public var baseline: Sample.Summary
    public var current: Sample.Summary
    /// The relative change of the median, 0.1 for a tenth more; `nil` if one of the medians is not a number.
    public var change: Double?
    /// The p-value of the Mann-Whitney test, with Holm's correction for all simultaneous comparisons.
    public var p: Double?
    public var outcome: Outcome
    /// Is `true` if it is slower: significantly, by more than the allowed change, and by more than the probes' resolution.
    public var isRegression: Bool

    /// The repeats that each side still needs at most, if there are too few.
    public var missing = 0
    /// The chance that equal sides would be separated like these, with all values of one above all of the other, if there are too few
    /// repeats; `nil` if they are not separated.
    public var chance: Double?

    /// The repeats that each side needs for a significant difference, by the number of simultaneous comparisons.
    public static func needed(comparisons: Int, alpha: Double) -> Int {
        var count = 1
        while least(count, count) * Double(comparisons) >= alpha { count += 1 }
        return count
    }

    /// The smallest possible p: that of two separated samples, in either order.
    private static func least(_ left: Int, _ right: Int) -> Double {
        2 / (1...left).reduce(1.0) { $0 * Double(right + $1) / Double($1) }
    }

    /// The two samples to compare.
    public struct Pair: Sendable, Hashable {
        public var experiment: String
        public var track: String
        public var baseline: [Sample.Value]
        public var current: [Sample.Value]
        /// The resolution of the probes: smaller differences are not measurable.
        public var resolution: Duration

        public init(experiment: String, track: String, baseline: [Sample.Value], current: [Sample.Value], resolution: Duration) {
            self.experiment = experiment
            self.track = track
            self.baseline = baseline
            self.current = current
            self.resolution = resolution
        }
    }

    /// Compares all pairs with one correction, so that many comparisons do not make a false alarm likely.
    ///
    /// - Parameters:
    ///   - maxRegression: the allowed change, 0.2 for a fifth more.
    ///   - alpha: the accepted chance of any false alarm.
    public static func compare(_ pairs: [Pair], maxRegression: Double, alpha: Double) -> [Comparison] {
        var comparisons = pairs.compactMap { pair -> Comparison? in
            guard let baseline = Sample(pair.baseline).summary, let current = Sample(pair.current).summary else { return nil }
            let enough = least(baseline.count, current.count) * Double(pairs.count) < alpha
            let isApart = baseline.maximum < current.minimum || current.maximum < baseline.minimum
            return Comparison(
                experiment: pair.experiment, track: pair.track, baseline: baseline, current: current,
                change: change(baseline.median, current.median), p: enough ? MannWhitney.p(pair.baseline, pair.current) : nil,
                outcome: .tooFew, isRegression: false,
                missing: enough ? 0 : max(1, needed(comparisons: pairs.count, alpha: alpha) - min(baseline.count, current.count)),
                chance: enough || !isApart ? nil : least(baseline.count, current.count) / 2)
        }
        correct(&comparisons)
        for index in comparisons.indices {
            guard let p = comparisons[index].p else { continue }
            let baseline = comparisons[index].baseline.median
            let current = comparisons[index].current.median
            guard p < alpha, baseline != current else {
                comparisons[index].outcome = .unchanged
                continue
            }
            comparisons[index].outcome = baseline < current ? .slower : .faster
            let resolution = pairs.first { pair in
                pair.experiment == comparisons[index].experiment && pair.track == comparisons[index].track
            }?.resolution
            let isLarge = comparisons[index].change.map { $0 > maxRegression } ?? true
            let isSeen = current.isAtLeast || current.duration - baseline.duration > resolution ?? .zero
            comparisons[index].isRegression = comparisons[index].outcome == .slower && isLarge && isSeen
        }
        return comparisons
    }

    private static func change(_ baseline: Sample.Value, _ current: Sample.Value) -> Double? {
        guard !baseline.isAtLeast, !current.isAtLeast, baseline.duration > .zero else { return nil }
        return current.duration / baseline.duration - 1
    }

    /// Applies Holm's step-down correction: multiplies the smallest p by the number of comparisons, the next by one less, and so on.
    private static func correct(_ comparisons: inout [Comparison]) {
        let order = comparisons.indices.filter { comparisons[$0].p != nil }
            .sorted { (comparisons[$0].p ?? 1) < (comparisons[$1].p ?? 1) }
        var least = 0.0
        for (rank, index) in order.enumerated() {
            least = max(least, min(1, (comparisons[index].p ?? 1) * Double(order.count - rank)))
            comparisons[index].p = least
        }
    }
}
