import Experiment
import Foundation
import Journal
import Verdict

/// `metrics.prom`: for node_exporter's textfile collector or a Pushgateway, so without timestamps. Gauges, since each run replaces the
/// last. Source: https://prometheus.io/docs/instrumenting/exposition_formats/
struct MetricsReport {
    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() -> Data {
        Data(text.utf8)
    }

    var text: String { lines.joined(separator: "\n") + "\n" }

    private var lines: [String] {
        let experiments = findings.experiments
        var lines: [String] = []
        lines += family("aftershock_build_info", "The harness that wrote this.") {
            [(["version": findings.run?.version ?? ""], 1)]
        }
        lines += family("aftershock_run_in_progress", "1 while the run goes on, which has no verdict and no exit code yet.") {
            [([:], findings.state == .running ? 1 : 0)]
        }
        lines += family("aftershock_run_start_timestamp_seconds", "When the last run was started.") {
            startedAt.map { [([:], $0)] } ?? []
        }
        guard findings.state != .running else { return lines }
        lines += family("aftershock_exit_code", "The exit code of the last run.") { [([:], Double(findings.exitCode.rawValue))] }
        lines += family("aftershock_run_duration_seconds", "How long the last run took.") { [([:], (findings.ended - .origin).seconds)] }
        lines += family("aftershock_verdict", "1 for the verdict of an experiment, 0 for the others.") {
            experiments.flatMap { found in
                Verdict.allCases.map { (["experiment": found.name, "verdict": $0.rawValue], $0 == found.verdict ? 1 : 0) }
            }
        }
        lines += family("aftershock_check", "1 for the outcome of a check, 0 for the others.") {
            experiments.flatMap { found in
                found.judgements.flatMap { judgement in
                    [Judgement.Outcome.passed, .failed, .undecided, .skipped].map {
                        (
                            ["experiment": found.name, "check": judgement.check.rawValue, "outcome": $0.rawValue],
                            $0 == judgement.outcome ? 1 : 0
                        )
                    }
                }
            }
        }
        lines += family("aftershock_repeats", "Repeats that were made.") {
            experiments.map { (["experiment": $0.name], Double($0.repeats.count)) }
        }
        // A downtime whose end was not seen is infinite here: never a number that looks measured.
        lines += family("aftershock_downtime_seconds", "Upper bound of the downtime over the repeats.") {
            experiments.flatMap { found in
                found.statistics.sorted { $0.key.rawValue < $1.key.rawValue }.flatMap { track, summary in
                    [("min", summary.minimum), ("median", summary.median), ("max", summary.maximum)].map {
                        (
                            ["experiment": found.name, "track": track.rawValue, "stat": $0.0],
                            $0.1.isAtLeast ? .infinity : $0.1.duration.seconds
                        )
                    }
                }
            }
        }
        lines += family("aftershock_downtime_limit_seconds", "The downtime allowed.") {
            experiments.compactMap { found in found.experiment?.expect.maxDowntime.map { (["experiment": found.name], $0.seconds) } }
        }
        lines += family("aftershock_acknowledged_writes", "Writes that the server acknowledged, in all repeats.") {
            experiments.map { found in (["experiment": found.name], Double(found.repeats.reduce(0) { $0 + $1.writes.acknowledged })) }
        }
        lines += family("aftershock_lost_writes", "Acknowledged writes that were gone; absent where the rows were not read back.") {
            experiments.compactMap { found in
                let ledgers = found.repeats.compactMap(\.ledger)
                guard !ledgers.isEmpty, ledgers.count == found.repeats.count else { return nil }
                return (["experiment": found.name], Double(ledgers.reduce(0) { $0 + $1.lost }))
            }
        }
        return lines
    }

    private var startedAt: Double? {
        guard let text = findings.run?.startedAt else { return nil }
        return ISO8601Text.date(text)?.timeIntervalSince1970
    }

    private func family(_ name: String, _ help: String, _ samples: () -> [([String: String], Double)]) -> [String] {
        let samples = samples()
        guard !samples.isEmpty else { return [] }
        return ["# HELP \(name) \(help)", "# TYPE \(name) gauge"]
            + samples.map { labels, value in
                let text = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
                return "\(name)\(text.isEmpty ? "" : "{\(text)}") \(value == .infinity ? "+Inf" : String(value))"
            }
    }

    private static func escaped(_ text: String) -> String {
        text.plain.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n")
    }
}
