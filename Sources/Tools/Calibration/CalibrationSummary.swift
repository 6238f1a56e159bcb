public import Journal
import Verdict

/// The result of a calibration: the share of bounds that contain the truth, and their width.
public struct CalibrationSummary: Codable, Sendable {
    /// One track's results for one kind of outage, or for all.
    public struct Part: Codable, Sendable {
        /// `nil` for all kinds.
        public var kind: TrialPlan.Kind?
        public var track: Track
        public var outages = 0
        public var contained = 0
        public var outside = 0
        public var missed = 0
        public var falseAlarms = 0
        /// The median width of the bounds in milliseconds.
        public var medianWidthMs: Double?
        /// The median promised width: two intervals and the latency of the good probe that ended the outage.
        public var promisedWidthMs: Double?
        /// The median excess of a width over its promise; below zero, the promise is kept.
        public var medianExcessMs: Double?
    }

    public static let schema = "aftershock.calibration/v1"

    private static let tracks: [Track] = [.connect, .login, .session]

    public var schema = Self.schema
    public var seed: UInt64
    public var trials: Int
    /// Trials in which each track found exactly the true outages, with bounds that contain them.
    public var contained: Int
    /// Inconclusive trials on a busy machine. They count nowhere else.
    public var overloaded: Int
    /// The number of trials that were repeated for that reason.
    public var repeated: Int
    /// Outages of at least two intervals that a track did not see.
    public var missed: Int
    /// Outages whose bounds do not contain the truth.
    public var outside: Int
    /// Outages that were measured and did not happen.
    public var falseAlarms: Int
    /// Of each track.
    public var medianWidthMs: [String: Double]
    /// The median excess of an outage's width over two intervals and the latency of the good probe that ended it, over all tracks and
    /// kinds.
    public var medianExcessMs: Double?
    /// The median uncertainty of the truth: the time to switch the server and to work off the queue.
    public var medianTruthUncertaintyMs: Double?
    public var kinds: [Part]
    public var tracks: [Part]
    /// The failures, trial by trial.
    public var remarks: [String]

    public init(_ all: [TrialResult], seed: UInt64) {
        self.seed = seed
        trials = all.count
        let results = all.filter { !$0.isOverloaded }
        overloaded = trials - results.count
        repeated = all.reduce(0) { $0 + $1.attempts - 1 }
        let scores = results.map(\.scores)
        contained = scores.count { $0.allSatisfy { $0.missed == 0 && $0.outside == 0 && $0.falseAlarms == 0 } }
        let joined = scores.joined()
        missed = joined.reduce(0) { $0 + $1.missed }
        outside = joined.reduce(0) { $0 + $1.outside }
        falseAlarms = joined.reduce(0) { $0 + $1.falseAlarms }
        kinds = TrialPlan.Kind.allCases.flatMap { kind in
            let scores = zip(results, scores).filter { $0.0.plan.kind == kind }.flatMap(\.1)
            return Self.tracks.compactMap { Part(kind, $0, scores) }
        }
        tracks = Self.tracks.compactMap { Part(nil, $0, joined) }
        medianWidthMs = Dictionary(uniqueKeysWithValues: tracks.compactMap { part in part.medianWidthMs.map { (part.track.rawValue, $0) } })
        medianExcessMs = Part.median(joined.flatMap(\.excesses))
        medianTruthUncertaintyMs = Part.median(results.flatMap(\.truths).map { $0.length.upperBound - $0.length.lowerBound })
        remarks = all.enumerated().flatMap { number, result in
            result.remarks.map { "trial \(number), \(result.plan.kind): \($0)" }
        }
    }
}

extension CalibrationSummary.Part {
    /// `nil` if there was no such outage.
    fileprivate init?(_ kind: TrialPlan.Kind?, _ track: Track, _ scores: some Sequence<TrialResult.Score>) {
        self.kind = kind
        self.track = track
        let scores = scores.filter { $0.track == track }
        for score in scores {
            outages += score.contained + score.outside + score.missed
            contained += score.contained
            outside += score.outside
            missed += score.missed
            falseAlarms += score.falseAlarms
        }
        guard outages > 0 else { return nil }
        medianWidthMs = Self.median(scores.flatMap(\.widths))
        promisedWidthMs = Self.median(scores.flatMap(\.promisedWidths))
        medianExcessMs = Self.median(scores.flatMap(\.excesses))
    }

    fileprivate static func median(_ durations: [Duration]) -> Double? {
        let sorted = durations.sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2] / .milliseconds(1)
    }
}

extension CalibrationSummary {
    /// The table as text.
    public var table: String {
        let columns = ["outage", "track", "found", "contained", "outside", "missed", "false alarms", "median width", "promised", "excess"]
        var table = TextTable(columns.enumerated().map { ($0.element, $0.offset < 2 ? .left : .right) })
        for part in kinds + tracks {
            table.add([
                part.kind?.rawValue ?? "all", part.track.rawValue, "\(part.contained + part.outside)", "\(part.contained)",
                "\(part.outside)", "\(part.missed)", "\(part.falseAlarms)", Self.milliseconds(part.medianWidthMs),
                Self.milliseconds(part.promisedWidthMs), Self.milliseconds(part.medianExcessMs),
            ])
        }
        let summary =
            "\(counted(trials, "trial")), \(contained) contained, \(overloaded) overloaded, \(missed) missed, \(outside) outside, \(counted(falseAlarms, "false alarm")) (seed \(seed)); "
            + "excess over two intervals and a latency \(Self.milliseconds(medianExcessMs)), truth known to \(Self.milliseconds(medianTruthUncertaintyMs))"
        return (table.lines() + [summary]).joined(separator: "\n")
    }

    private static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10) ms"
    }
}
