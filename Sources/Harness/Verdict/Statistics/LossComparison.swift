import Foundation

/// The damaged rows of one experiment, compared with an earlier run's.
public struct LossComparison: Sendable, Hashable {
    /// The repeats of one side.
    public struct Side: Sendable, Hashable {
        /// The repeats whose rows were read back.
        public var repeats = 0
        /// The repeats with lost, corrupt, duplicate, unexpected or stale rows.
        public var damaged = 0
        /// The repeats whose rows were not read back.
        public var unread = 0
        /// The damaged rows in all repeats.
        public var rows: Int64 = 0

        public init() {}
    }

    public var experiment: String
    public var baseline: Side
    public var current: Side
    /// The chance of this many damaged repeats or more if both sides are equal (Fisher's exact test, one-sided).
    public var p: Double
    /// Is `true` if it is a regression: any damage if the baseline has none, because acknowledged data was lost; else a significantly
    /// larger share of damaged repeats.
    public var isRegression: Bool

    public init(experiment: String, baseline: Side, current: Side, alpha: Double) {
        self.experiment = experiment
        self.baseline = baseline
        self.current = current
        p = Self.fisher(baseline, current)
        isRegression = current.damaged > 0 && (baseline.damaged == 0 || p < alpha)
    }

    private static func fisher(_ baseline: Side, _ current: Side) -> Double {
        let damaged = baseline.damaged + current.damaged
        let total = baseline.repeats + current.repeats
        guard damaged > 0, current.damaged > 0 else { return 1 }
        let most = min(damaged, current.repeats)
        let terms = (current.damaged...most).filter { damaged - $0 <= baseline.repeats }.map { count in
            exp(choices(current.repeats, count) + choices(baseline.repeats, damaged - count) - choices(total, damaged))
        }
        return min(1, terms.reduce(0, +))
    }

    /// Returns the logarithm of the number of ways to choose `few` of `many`.
    private static func choices(_ many: Int, _ few: Int) -> Double {
        lgamma(Double(many + 1)) - lgamma(Double(few + 1)) - lgamma(Double(many - few + 1))
    }
}
