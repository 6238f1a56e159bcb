import Experiment
import Foundation
import Journal
import Verdict

/// `metrics.prom`: for node_exporter's textfile collector or a Pushgateway, so without timestamps. Gauges, since each run replaces the
/// last. Source: https://prometheus.io/docs/instrumenting/exposition_formats/
///
/// Every sample names its cluster, namespace, workload and experiment, so that the files of two targets never overwrite each other.
/// `docs/reference/metrics.md` explains each of them.
struct MetricsReport {
    typealias Samples = [([String: String], Double)]

    /// A metric with all its samples.
    struct Family {
        let name: String
        let help: String
        let samples: Samples

        var head: String { "# HELP \(name) \(help)\n# TYPE \(name) gauge\n" }

        var lines: String {
            samples.map { labels, value in
                let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(MetricsReport.escaped($0.value))\"" }
                return "\(name){\(text.joined(separator: ","))} \(value == .infinity ? "+Inf" : String(value))\n"
            }.joined()
        }
    }

    /// An experiment and the run that it belongs to.
    private struct Subject {
        let findings: Findings
        let found: ExperimentFindings
        let headline: Headline
        let labels: [String: String]

        init(_ findings: Findings, _ found: ExperimentFindings) {
            self.findings = findings
            self.found = found
            headline = Headline(found)
            labels = [
                "cluster": findings.run?.context ?? "", "namespace": found.experiment?.target.namespace ?? "",
                "workload": found.experiment?.target.workload ?? "", "experiment": found.name,
            ]
        }

        func with(_ more: [String: String]) -> [String: String] { labels.merging(more) { _, new in new } }
    }

    private let subjects: [Subject]

    init(_ findings: Findings) {
        subjects = findings.experiments.map { Subject(findings, $0) }
    }

    func data() -> Data {
        Data(text.utf8)
    }

    var text: String { families.map { $0.head + $0.lines }.joined() }

    var families: [Family] { (run + judged).filter { !$0.samples.isEmpty } }

    /// The metrics of the verdict, which a running run does not have.
    private var judged: [Family] {
        subjects.contains { $0.findings.state == .running } ? [] : verdicts + downtime + recovery + debt + places + rows
    }

    // MARK: Families

    private var run: [Family] {
        family("aftershock_build_info", "The harness that wrote this, by its version.") {
            [($0.with(["version": $0.findings.run?.version ?? ""]), 1)]
        }
            + family("aftershock_run_in_progress", "1 while the run is in progress: it has no verdict and no exit code yet.") {
                [($0.labels, $0.findings.state == .running ? 1 : 0)]
            }
            + family("aftershock_exit_code", "The exit code of the last run.") { subject in
                subject.findings.state == .running ? [] : [(subject.labels, Double(subject.findings.exitCode.rawValue))]
            }
            + family("aftershock_run_start_timestamp_seconds", "The time at which the last run was started.") { subject in
                let started = subject.findings.run.flatMap { ISO8601Text.date($0.startedAt) }?.timeIntervalSince1970
                return started.map { [(subject.labels, $0)] } ?? []
            }
            + family("aftershock_run_duration_seconds", "The duration of the last run.") {
                [($0.labels, ($0.findings.ended - .origin).seconds)]
            }
            + family("aftershock_restored", "1 when everything that the run changed is proven to be restored, else 0.") { subject in
                let undo = subject.found.repeats.flatMap(\.undo)
                return [(subject.labels, undo.allSatisfy { $0.proven == true } ? 1 : 0)]
            }
    }

    private var verdicts: [Family] {
        family("aftershock_verdict", "1 for the verdict of an experiment, 0 for the others.") { subject in
            Verdict.allCases.map { (subject.with(["verdict": $0.rawValue]), $0 == subject.found.verdict ? 1 : 0) }
        }
            + family("aftershock_check", "1 for the outcome of a check, 0 for the others.") { subject in
                subject.found.judgements.flatMap { judgement in
                    Judgement.Outcome.allCases.map {
                        (
                            subject.with(["check": judgement.check.rawValue, "outcome": $0.rawValue]),
                            $0 == judgement.outcome ? 1 : 0
                        )
                    }
                }
            }
            + family("aftershock_repeats", "Repeats that were asked for, made, and judged.") { subject in
                let judged = subject.found.repeats.count { $0.verdict == .pass || $0.verdict == .fail }
                return [("asked", subject.found.repeatsAsked), ("made", subject.found.repeats.count), ("judged", judged)].map {
                    (subject.with(["state": $0.0]), Double($0.1))
                }
            }
    }

    private var downtime: [Family] {
        // A downtime whose end was not seen is infinite here: never a number that looks measured.
        family("aftershock_downtime_seconds", "The downtime of a track over the judged repeats, by its lower and upper bound.") { subject in
            Track.allCases.flatMap { track -> Samples in
                let seen = subject.found.repeats.filter { $0.verdict == .pass || $0.verdict == .fail }
                    .compactMap { $0.track(track)?.downtime }
                let lower = Sample(seen.map { Sample.Value($0.lower) }).summary
                return [("lower", lower), ("upper", subject.found.statistics[track])].flatMap { bound, summary -> Samples in
                    guard let summary else { return [] }
                    return [("min", summary.minimum), ("median", summary.median), ("max", summary.maximum)].map {
                        (subject.with(["track": track.rawValue, "bound": bound, "stat": $0.0]), Self.seconds($0.1))
                    }
                }
            }
        }
            + family("aftershock_downtime_limit_seconds", "The downtime allowed.") { subject in
                subject.found.experiment?.expect.maxDowntime.map { [(subject.labels, $0.seconds)] } ?? []
            }
            + family("aftershock_outages", "Outages of a track in the repeat that had most of them.") { subject in
                Track.allCases.compactMap { track in
                    let counts = subject.found.repeats.compactMap { $0.track(track)?.downtime.count }
                    return counts.max().map { (subject.with(["track": track.rawValue]), Double($0)) }
                }
            }
            + family("aftershock_resolution_seconds", "No outage of a track that is longer than this can have been overlooked.") {
                subject in
                Track.allCases.compactMap { track in
                    let resolutions = subject.found.repeats.compactMap { $0.track(track)?.resolution.seconds }
                    return resolutions.max().map { (subject.with(["track": track.rawValue]), $0) }
                }
            }
    }

    private var recovery: [Family] {
        family("aftershock_recovery_seconds", "From the fault to lasting health of every track; +Inf: never.") { subject in
            let times = subject.found.repeats.filter { $0.faultBegan != nil && !$0.tracks.isEmpty }.map(\.recoveredAfter)
            guard let summary = Sample(times).summary else { return [] }
            return [("min", summary.minimum), ("median", summary.median), ("max", summary.maximum)].map {
                (subject.with(["stat": $0.0]), Self.seconds($0.1))
            }
        }
            + family("aftershock_recovery_limit_seconds", "The time allowed from the fault to health.") { subject in
                subject.found.experiment?.expect.recoveredWithin.map { [(subject.labels, $0.seconds)] } ?? []
            }
            + family("aftershock_phase_seconds", "The phases of the downtime of the worst repeat; they sum up to it.") { subject in
                (subject.headline.worst?.phases ?? []).map { (subject.with(["phase": $0.name.rawValue]), $0.duration.seconds) }
            }
    }

    /// The work of the server's recovery in the worst repeat.
    private var debt: [Family] {
        family("aftershock_debt_log_bytes", "Log that no checkpoint had taken at the moment of the fault, in the worst repeat.") {
            subject in
            (subject.headline.worst?.debt?.logBytes).map { [(subject.labels, Double($0))] } ?? []
        }
            + family("aftershock_debt_open_rows", "Rows of the transaction that was open at the moment of the fault, in the worst repeat.")
        {
            subject in
            (subject.headline.worst?.debt?.openRows).map { [(subject.labels, Double($0))] } ?? []
        }
    }

    /// The metrics of the places, for the worst repeat like the phases.
    private var places: [Family] {
        func bounds(_ subject: Subject, _ labels: [String: String], _ bounds: DurationBounds?) -> Samples {
            guard let bounds else { return [] }
            return [("lower", bounds.lower.seconds), ("upper", bounds.upper?.seconds ?? .infinity)].map {
                (subject.with(labels.merging(["bound": $0.0]) { $1 }), $0.1)
            }
        }
        return family(
            "aftershock_downtime_part_seconds",
            "From the fault until logins succeeded at the pod's own address (server), and what kube-proxy and the load balancer took then."
        ) { subject in
            let split = subject.headline.worst?.split
            let parts = [
                ("server", split?.server), ("network", split?.network), ("kubeProxy", split?.kubeProxy),
                ("loadBalancer", split?.loadBalancer),
            ]
            return parts.flatMap { bounds(subject, ["part": $0.0], $0.1) }
        }
            + family("aftershock_ready_not_served_seconds", "The time in which Kubernetes said Ready while no client could log in.") {
                subject in
                bounds(subject, [:], subject.headline.worst?.readyNotServed.map { DurationBounds(lower: $0.lower, upper: $0.upper) })
            }
            + family("aftershock_idle_connections", "Connections that were silent for a time and then asked once, in all repeats.") {
                subject in
                let idle = subject.found.repeats.compactMap(\.idle)
                guard !idle.isEmpty else { return [] }
                return [("over", true), ("without", false)].flatMap { fault, overFault in
                    IdleFindings.Outcome.allCases.map { outcome in
                        let count = idle.reduce(0) { $0 + $1.count(outcome, overFault: overFault) }
                        return (subject.with(["fault": fault, "outcome": outcome.rawValue]), Double(count))
                    }
                }
            }
    }

    private var rows: [Family] {
        family("aftershock_writes", "Writes in all repeats, by their answer.") { subject in
            let writes = subject.found.repeats.map(\.writes)
            return [
                ("attempted", writes.reduce(0) { $0 + $1.attempted }), ("acknowledged", writes.reduce(0) { $0 + $1.acknowledged }),
                ("refused", writes.reduce(0) { $0 + $1.refused }), ("unknown", writes.reduce(0) { $0 + $1.unknown }),
            ].map { (subject.with(["answer": $0.0]), Double($0.1)) }
        }
            // If a repeat was not read back, the sum over the others would look complete.
            + family("aftershock_rows", "Rows in all repeats by their state; absent where rows were not read back.") { subject in
                guard !subject.headline.ledgers.isEmpty, subject.headline.uncheckedRepeats == 0 else { return [] }
                let torn = subject.headline.ledgers.contains { $0.transfers != nil } ? [("torn", \LedgerChecked.torn)] : []
                return (LedgerChecked.states + torn).map { (subject.with(["state": $0.0]), Double(subject.headline.total($0.1))) }
            }
    }

    // MARK: Text

    private static func seconds(_ value: Sample.Value) -> Double { value.isAtLeast ? .infinity : value.duration.seconds }

    private func family(_ name: String, _ help: String, _ samples: (Subject) -> Samples) -> [Family] {
        [Family(name: name, help: help, samples: subjects.flatMap(samples))]
    }

    fileprivate static func escaped(_ text: String) -> String {
        text.plain.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n")
    }
}

extension LedgerChecked {
    /// The names of row states in tables and metrics.
    static var states: [(String, KeyPath<LedgerChecked, Int64>)] {
        [
            ("baseline", \.seeded), ("kept", \.kept), ("lost", \.lost), ("corrupt", \.corrupt), ("duplicate", \.duplicate),
            ("unexpected", \.unexpected), ("stale", \.stale), ("unknownPresent", \.unknownPresent), ("unknownAbsent", \.unknownAbsent),
            ("unknownOverwritten", \.unknownOverwritten),
        ]
    }
}

extension RepeatFindings {
    /// The time from the fault to lasting health of every track of the service; infinite if it never came.
    var recoveredAfter: Sample.Value {
        let stable = serviceTracks.compactMap(\.timeToStable)
        guard stable.count == serviceTracks.count, let slowest = stable.max() else {
            let last = serviceTracks.compactMap(\.lastDone).max()
            return Sample.Value(last.flatMap { last in faultBegan.map { last - $0 } } ?? .zero, isAtLeast: true)
        }
        return Sample.Value(slowest)
    }
}
