public import Foundation
import Journal
public import Verdict

/// The data for comparisons from the `results.json` of one run, or of several runs together.
public struct StoredResults: Sendable {
    struct Experiment: Sendable {
        var name: String
        var fault: String
        /// The samples of the judged repeats, by track.
        var downtimes: [String: [Sample.Value]]
        var intervals: [String: Duration]
        var losses = LossComparison.Side()
    }

    /// An experiment that cannot be compared, and the reason.
    public struct Mismatch: Sendable, Hashable, CustomStringConvertible {
        public var experiment: String
        /// `nil` for the whole experiment.
        public var track: String?
        public var reason: String

        public var description: String { "\(experiment)\(track.map { ", \($0) track" } ?? ""): \(reason)" }
    }

    private(set) var experiments: [Experiment]
    private var runs: Set<String> = []
    /// The experiments that could not be pooled with those of earlier runs.
    private var differing: [Mismatch] = []

    /// Reads report folders, folders of report folders, and `results.json` files, and pools them.
    ///
    /// - Throws: ``ReportError`` if a path does not exist, or is no such file.
    public init(pooling paths: [String]) throws {
        experiments = []
        for file in try paths.flatMap(ReportFiles.results) {
            add(try StoredResults(try ReportFiles.read(file), path: file))
        }
    }

    /// The same run may be in two folders.
    private mutating func add(_ other: StoredResults) {
        guard runs.isDisjoint(with: other.runs) else { return }
        runs.formUnion(other.runs)
        for experiment in other.experiments {
            guard let place = experiments.firstIndex(where: { $0.name == experiment.name }) else {
                experiments.append(experiment)
                continue
            }
            let isSame = experiments[place].intervals.allSatisfy { experiment.intervals[$0.key] ?? $0.value == $0.value }
            guard experiments[place].fault == experiment.fault, isSame else {
                differing.append(
                    Mismatch(
                        experiment: experiment.name, reason: "a run on the same side has another fault or probe interval; it is left out"))
                continue
            }
            experiments[place].downtimes.merge(experiment.downtimes) { $0 + $1 }
            experiments[place].intervals.merge(experiment.intervals) { first, _ in first }
            experiments[place].losses += experiment.losses
        }
    }

    /// - Throws: ``ReportError`` if `data` is not a `results.json` of this version's schema.
    public init(_ data: Data, path: String) throws {
        let results = try Results(reading: data, path: path)
        runs = results.run.map { [$0.id] } ?? []
        experiments = results.experiments.map { experiment in
            var stored = Experiment(name: experiment.name, fault: experiment.fault, downtimes: [:], intervals: [:])
            for one in experiment.repeats where one.isJudged {
                for (track, downtime) in one.downtime {
                    stored.downtimes[track, default: []].append(downtime.judged)
                    stored.intervals[track] = (one.probes[track]?.intervalMs).map(Duration.init(milliseconds:))
                }
            }
            for one in experiment.repeats { stored.losses.add(one.ledger.counts) }
            return stored
        }
    }

    /// The damage of the rows of every experiment that both sides have.
    public static func losses(baseline: StoredResults, current: StoredResults, alpha: Double) -> [LossComparison] {
        current.experiments.compactMap { now in
            let before = baseline.experiments.first { $0.name == now.name && $0.fault == now.fault }
            return before.map { LossComparison(experiment: now.name, baseline: $0.losses, current: now.losses, alpha: alpha) }
        }
    }

    /// The parts that both runs have, and those that differ or that only one has.
    public static func pairs(baseline: StoredResults, current: StoredResults) -> (pairs: [Comparison.Pair], mismatches: [Mismatch]) {
        var pairs: [Comparison.Pair] = []
        var mismatches = baseline.differing + current.differing
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

extension LossComparison.Side {
    fileprivate mutating func add(_ counts: Results.Repeat.Ledger.Counts) {
        let damage = [counts.lost, counts.corrupt, counts.duplicate, counts.unexpected, counts.stale]
        guard counts.checked, !damage.contains(nil) else {
            unread += 1
            return
        }
        // Only runs with transfers can have torn ones.
        let sum = damage.reduce(counts.torn ?? 0) { $0 + ($1 ?? 0) }
        repeats += 1
        damaged += sum > 0 ? 1 : 0
        rows += sum
    }

    fileprivate static func += (left: inout Self, right: Self) {
        left.repeats += right.repeats
        left.damaged += right.damaged
        left.unread += right.unread
        left.rows += right.rows
    }
}

extension Results.Repeat {
    /// Is `true` if the repeat was judged: it was neither invalid nor aborted.
    var isJudged: Bool { verdict == Verdict.pass.rawValue || verdict == Verdict.fail.rawValue }
}

extension Results.Repeat.Downtime {
    /// The upper bound, or that it is at least the lower one.
    var judged: Sample.Value {
        upperMs.map { Sample.Value(Duration(milliseconds: $0)) } ?? Sample.Value(Duration(milliseconds: lowerMs), isAtLeast: true)
    }
}
