import Foundation
import JSON
public import Verdict

/// Many runs of the same experiments, from the oldest to the newest.
public struct History: Sendable {
    /// The results of one experiment on one target, over many nights.
    struct Series: Sendable {
        struct Night: Sendable {
            var run: String
            var startedAt: String
            var experiment: HistoryEntry.Experiment
        }

        struct Change: Sendable {
            var night: Night
            var before: Sample.Value
            var after: Sample.Value
            var p: Double
        }

        var cluster: String
        var namespace: String
        var workload: String
        var name: String
        var nights: [Night]

        var changes: [Change] {
            let measured = nights.compactMap { night in night.experiment.median.map { (night, $0) } }
            let found = ChangePoints.find(measured.map(\.1))
            let edges = [0] + found.map(\.index) + [measured.count]
            return found.enumerated().compactMap { place, change in
                let before = Sample(measured[edges[place]..<change.index].map(\.1)).summary
                let after = Sample(measured[change.index..<edges[place + 2]].map(\.1)).summary
                guard let before, let after else { return nil }
                return Change(night: measured[change.index].0, before: before.median, after: after.median, p: change.p)
            }
        }

        var lastPassed: Night? { nights.last { $0.experiment.verdict == "pass" } }

        /// Returns the first of the latest nights in which `check` has not passed any more.
        func firstSeen(_ check: String) -> Night? {
            nights.suffix(from: (nights.lastIndex { !$0.experiment.notPassed.contains(check) } ?? -1) + 1).first
        }

        /// Is `true` if the verdict changed between pass and fail at least three times in the last ten judged nights.
        var isFlaky: Bool {
            let judged = nights.map(\.experiment.verdict).filter { $0 == "pass" || $0 == "fail" }.suffix(10)
            return zip(judged, judged.dropFirst()).count { $0 != $1 } >= 3
        }
    }

    /// A check of the newest night that did not pass.
    struct Open: Sendable, Hashable {
        var series: String
        var check: String
        var known: KnownFailure?
    }

    let series: [Series]
    let known: [KnownFailure]
    /// The day of the verdict, on which known failures may have expired.
    let today: String

    /// - Parameter today: a day in UTC, such as `2026-12-31`.
    public init(_ entries: [HistoryEntry], known: [KnownFailure] = [], today: String) {
        self.known = known
        self.today = today
        var series: [Series] = []
        var seen: Set<String> = []
        // The same run may be in a folder and in a history file.
        for entry in entries.sorted(by: { ($0.startedAt, $0.run) < ($1.startedAt, $1.run) }) where seen.insert(entry.run).inserted {
            for experiment in entry.experiments {
                let night = Series.Night(run: entry.run, startedAt: entry.startedAt, experiment: experiment)
                let place = series.firstIndex {
                    $0.cluster == entry.cluster && $0.namespace == experiment.namespace ?? "" && $0.workload == experiment.workload ?? ""
                        && $0.name == experiment.name
                }
                if let place {
                    series[place].nights.append(night)
                } else {
                    series.append(
                        Series(
                            cluster: entry.cluster, namespace: experiment.namespace ?? "", workload: experiment.workload ?? "",
                            name: experiment.name, nights: [night]))
                }
            }
        }
        self.series = series
    }

    var open: [Open] {
        series.flatMap { one -> [Open] in
            guard let last = one.nights.last, last.experiment.verdict != "pass" else { return [] }
            let checks = last.experiment.notPassed.isEmpty ? [last.experiment.verdict] : last.experiment.notPassed
            return checks.map { check in
                Open(series: one.name, check: check, known: known.first { $0.covers(one.name, check, on: today) })
            }
        }
    }

    /// The exit code of the newest night, in which known failures do not count.
    public var exitCode: RunExitCode {
        guard !series.isEmpty else { return .invalid }
        let unknown = Set(open.filter { $0.known == nil }.map(\.series))
        let verdicts = series.filter { unknown.contains($0.name) }.compactMap { $0.nights.last?.experiment }
        if verdicts.contains(where: { ($0.lost ?? 0) > 0 && $0.notPassed.contains("data-persistence") }) { return .dataLost }
        if verdicts.contains(where: { $0.verdict == "fail" }) { return .failed }
        return verdicts.isEmpty ? .pass : .invalid
    }
}
