public import Foundation
import JSON
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
        func wrong(_ reason: String) -> ReportError { ReportError(path: path, action: "read", reason: reason) }
        let json = try JSONValue(results: data, path: path)
        experiments = try (json["experiments"]?.array ?? []).map { experiment in
            guard let name = experiment["name"]?.string, let fault = experiment["fault"]?.string else {
                throw wrong("it has an experiment without name or fault")
            }
            var stored = Experiment(name: name, fault: fault, downtimes: [:], intervals: [:])
            for one in experiment["repeats"]?.array ?? [] where ["pass", "fail"].contains(one["verdict"]?.string ?? "") {
                for (track, downtime) in one["downtime"]?.object ?? [:] {
                    stored.downtimes[track, default: []].append(try Self.value(downtime, wrong))
                    stored.intervals[track] = one["probes"]?[track]?["intervalMs"]?.milliseconds
                }
            }
            return stored
        }
    }

    private static func value(_ downtime: JSONValue, _ wrong: (String) -> ReportError) throws -> Sample.Value {
        if let upper = downtime["upperMs"]?.milliseconds { return Sample.Value(upper) }
        guard let lower = downtime["lowerMs"]?.milliseconds else { throw wrong("it has a downtime without a number") }
        return Sample.Value(lower, isAtLeast: true)
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

extension JSONValue {
    fileprivate var milliseconds: Duration? {
        switch self {
        case .integer(let value): .milliseconds(value)
        case .double(let value): Int64(exactly: (value * 1_000_000).rounded()).map(Duration.nanoseconds)
        default: nil
        }
    }
}
