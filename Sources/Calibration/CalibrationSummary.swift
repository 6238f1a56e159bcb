import Journal

/// What a calibration says: how often the bounds held the truth, and how far apart they are.
public struct CalibrationSummary: Codable, Sendable {
    /// The trials of one kind, or of one track.
    public struct Part: Codable, Sendable {
        public var name: String
        public var outages = 0
        public var contained = 0
        public var outside = 0
        public var missed = 0
        public var falseAlarms = 0
        /// Milliseconds between the bounds, in the median.
        public var medianWidthMs: Double?
        /// What is promised of it: two intervals and the latency of the good probe that ended the outage, in the median.
        public var promisedWidthMs: Double?
    }

    public static let schema = "aftershock.calibration/v1"

    public var schema = Self.schema
    public var seed: UInt64
    /// Trials of which every track's every outage was found with bounds that contain it, and nothing else was.
    public var trials: Int
    public var contained: Int
    /// Outages of at least two intervals that a track did not see.
    public var missed: Int
    /// Outages that a track saw with bounds that do not contain the truth.
    public var outside: Int
    /// Outages that were measured and did not happen.
    public var falseAlarms: Int
    public var medianWidthMs: [String: Double]
    /// How exactly the truth is known, in the median: what switching the server took, and working off what had queued up.
    public var medianTruthUncertaintyMs: Double?
    public var kinds: [Part]
    public var tracks: [Part]
    /// What went wrong, trial by trial.
    public var remarks: [String]

    public init(_ results: [TrialResult], seed: UInt64) {
        self.seed = seed
        trials = results.count
        let scores = results.map(\.scores)
        contained = scores.count { $0.allSatisfy { $0.missed == 0 && $0.outside == 0 && $0.falseAlarms == 0 } }
        let all = scores.joined()
        missed = all.reduce(0) { $0 + $1.missed }
        outside = all.reduce(0) { $0 + $1.outside }
        falseAlarms = all.reduce(0) { $0 + $1.falseAlarms }
        kinds = TrialPlan.Kind.allCases.compactMap { kind in
            let scores = zip(results, scores).filter { $0.0.plan.kind == kind }.flatMap(\.1)
            return scores.isEmpty ? nil : Part(kind.rawValue, scores)
        }
        tracks = [Track.connect, .login, .session].map { track in
            Part(track.rawValue, all.filter { $0.track == track })
        }
        medianWidthMs = Dictionary(uniqueKeysWithValues: tracks.compactMap { part in part.medianWidthMs.map { (part.name, $0) } })
        medianTruthUncertaintyMs = Part.median(results.flatMap(\.truths).map { $0.length.upperBound - $0.length.lowerBound })
        remarks = zip(results.indices, zip(results, scores)).flatMap { number, trial in
            trial.1.flatMap(\.remarks).map { "trial \(number), \(trial.0.plan.kind): \($0)" }
        }
    }
}

extension CalibrationSummary.Part {
    fileprivate init(_ name: String, _ scores: [TrialResult.Score]) {
        self.name = name
        for score in scores {
            outages += score.contained + score.outside + score.missed
            contained += score.contained
            outside += score.outside
            missed += score.missed
            falseAlarms += score.falseAlarms
        }
        medianWidthMs = Self.median(scores.flatMap(\.widths))
        promisedWidthMs = Self.median(scores.flatMap(\.promisedWidths))
    }

    fileprivate static func median(_ durations: [Duration]) -> Double? {
        let sorted = durations.sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2] / .milliseconds(1)
    }
}

extension CalibrationSummary {
    /// The table for people.
    public var table: String {
        let header = ["", "outages", "contained", "outside", "missed", "false alarms", "median width", "promised"]
        var rows: [[String]] = [header]
        for part in kinds + tracks {
            rows.append([
                part.name, "\(part.outages)", "\(part.contained)", "\(part.outside)", "\(part.missed)", "\(part.falseAlarms)",
                Self.milliseconds(part.medianWidthMs), Self.milliseconds(part.promisedWidthMs),
            ])
        }
        let widths = header.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index == 0 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }
        let summary =
            "\(trials) trials, \(contained) contained, \(missed) missed, \(outside) outside, \(falseAlarms) false alarms (seed \(seed)); "
            + "truth known to \(Self.milliseconds(medianTruthUncertaintyMs))"
        return (lines + [summary]).joined(separator: "\n")
    }

    private static func milliseconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) ms"
    }
}
