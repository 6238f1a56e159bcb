import Foundation

/// The damage of one experiment's rows, held against an earlier run's.
public struct LossComparison: Sendable, Hashable {
    /// The repeats of one side.
    public struct Side: Sendable, Hashable {
        /// Those whose rows were read back.
        public var repeats = 0
        /// Those of them with rows that were lost, corrupt, duplicate, unexpected or stale.
        public var damaged = 0
        /// Those whose rows were not read back.
        public var unread = 0
        /// Rows that are damaged, in all repeats.
        public var rows: Int64 = 0

        public init() {}
    }

    public var experiment: String
    public var baseline: Side
    public var current: Side
    /// The chance of so many damaged repeats, or more, if both sides were alike (Fisher's exact test, one-sided).
    public var p: Double
    /// Damage where the baseline had none is one whatever the number of repeats: acknowledged data was lost. Where both have it, a
    /// significantly larger share of the repeats is.
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

    /// The logarithm of the number of ways to choose `few` of `many`.
    private static func choices(_ many: Int, _ few: Int) -> Double {
        lgamma(Double(many + 1)) - lgamma(Double(few + 1)) - lgamma(Double(many - few + 1))
    }
}
