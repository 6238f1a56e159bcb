/// The downtime of one track of one experiment, held against an earlier run's.
public struct Comparison: Sendable, Hashable {
    public enum Outcome: String, Sendable, Hashable {
        case slower, faster
        /// No difference that so many repeats could show.
        case unchanged
        /// So few repeats that no difference could be significant.
        case tooFew
    }

    public var experiment: String
    public var track: String
    public var baseline: Sample.Summary
    public var current: Sample.Summary
    /// From the baseline's median to the current one's, 0.1 for a tenth more; `nil` when one of them is not a number.
    public var change: Double?
    /// Of the Mann-Whitney test, corrected by Holm for all comparisons that were made at once.
    public var p: Double?
    public var outcome: Outcome
    /// Slower by more than is allowed: significant, beyond the allowed change, and more than the probes could mistake.
    public var isRegression: Bool

    /// Where there are too few repeats: how many more each side needs at most.
    public var missing = 0
    /// Where there are too few repeats: the chance that so many repeats without any difference lie apart as these do, all of one side above
    /// all of the other. `nil`: they do not lie apart.
    public var chance: Double?

    /// The repeats that each side needs so that a difference can be significant, where so many comparisons are made at once.
    public static func needed(comparisons: Int, alpha: Double) -> Int {
        var count = 1
        while least(count, count) * Double(comparisons) >= alpha { count += 1 }
        return count
    }

    /// The smallest p there is: that of two samples that lie apart, in either order.
    private static func least(_ left: Int, _ right: Int) -> Double {
        2 / (1...left).reduce(1.0) { $0 * Double(right + $1) / Double($1) }
    }

    /// The two samples, before they are compared.
    public struct Pair: Sendable, Hashable {
        public var experiment: String
        public var track: String
        public var baseline: [Sample.Value]
        public var current: [Sample.Value]
        /// Less than this is within what the probes can tell apart.
        public var resolution: Duration

        public init(experiment: String, track: String, baseline: [Sample.Value], current: [Sample.Value], resolution: Duration) {
            self.experiment = experiment
            self.track = track
            self.baseline = baseline
            self.current = current
            self.resolution = resolution
        }
    }

    /// Compares all pairs at once, so that many comparisons do not make a false alarm likely.
    ///
    /// - Parameters:
    ///   - maxRegression: the change that is allowed, 0.2 for a fifth more.
    ///   - alpha: the chance of any false alarm that is accepted.
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

    /// Holm's step-down correction: the smallest p counts as many times as there are comparisons, the next once less, and so on.
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
