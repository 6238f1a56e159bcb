public import Foundation
public import Verdict

/// A `results.json` read back, as far as comparing needs it.
public struct StoredResults: Sendable {
    struct Experiment: Sendable {
        var name: String
        var fault: String
        /// Of the repeats that were judged, by track.
        var downtimes: [String: [Sample.Value]]
        var intervals: [String: Duration]
    }

    /// An experiment that cannot be compared, and the reason.
    public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        public var experiment: String
        /// `nil`: the whole experiment.
        public var track: String?
        public var reason: String

        public var description: String { "\(experiment)\(track.map { ", \($0) track" } ?? ""): \(reason)" }
    }

    let experiments: [Experiment]

    /// - Throws: ``ReportError`` when `data` is no `results.json` of this version's schema.
    public init(_ data: Data, path: String) throws {
        experiments = try Results(reading: data, path: path).experiments.map { experiment in
            var stored = Experiment(name: experiment.name, fault: experiment.fault, downtimes: [:], intervals: [:])
            for one in experiment.repeats where one.isJudged {
                for (track, downtime) in one.downtime {
                    stored.downtimes[track, default: []].append(downtime.judged)
                    stored.intervals[track] = (one.probes[track]?.intervalMs).map(Duration.init(milliseconds:))
                }
            }
            return stored
        }
    }

    /// The parts that both runs have, and those that only one has or that differ.
    public static func pairs(baseline: StoredResults, current: StoredResults) -> (pairs: [Comparison.Pair], mismatches: [Mismatch]) {
        var pairs: [Comparison.Pair] = []
        var mismatches: [Mismatch] = []
        for now in current.experiments {
            guard let before = baseline.experiments.first(where: { $0.name == now.name }) else {
                mismatches.append(Mismatch(experiment: now.name, reason: "not in the baseline"))
                continue
            }
            guard before.fault == now.fault else {
                mismatches.append(Mismatch(experiment: now.name, reason: "the fault was \(before.fault) and is \(now.fault)"))
                continue
            }
            for (track, values) in now.downtimes.sorted(by: { $0.key < $1.key }) {
                guard before.intervals[track] == now.intervals[track] else {
                    mismatches.append(Mismatch(experiment: now.name, track: track, reason: "it was probed at another interval"))
                    continue
                }
                pairs.append(
                    Comparison.Pair(
                        experiment: now.name, track: track, baseline: before.downtimes[track] ?? [], current: values,
                        resolution: (now.intervals[track] ?? .zero) * 2))
            }
        }
        for before in baseline.experiments where !current.experiments.contains(where: { $0.name == before.name }) {
            mismatches.append(Mismatch(experiment: before.name, reason: "only in the baseline"))
        }
        return (pairs, mismatches)
    }
}

extension Results.Repeat {
    /// It says something of the promise: it was neither void nor cut short.
    var isJudged: Bool { verdict == Verdict.pass.rawValue || verdict == Verdict.fail.rawValue }
}

extension Results.Repeat.Downtime {
    /// The upper bound, or that it is at least the lower one.
    var judged: Sample.Value {
        upperMs.map { Sample.Value(Duration(milliseconds: $0)) } ?? Sample.Value(Duration(milliseconds: lowerMs), isAtLeast: true)
    }
}
