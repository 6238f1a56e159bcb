import Experiment
import Foundation
import Journal
import Verdict

/// `repeats.csv`: a row a repeat, for spreadsheets and change-point detection. RFC 4180; a value that is not known is empty.
/// `docs/reference/repeats.md` explains each column.
struct RepeatsReport {
    private let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() -> Data { Data((Self.head + rows).utf8) }

    /// The line of the columns' names.
    static let head = line(header)

    var rows: String {
        findings.experiments.flatMap { experiment in experiment.repeats.map { Self.line(row(findings, experiment, $0)) } }.joined()
    }

    private static func line(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") + "\r\n" }

    static let header =
        [
            "run", "started", "cluster", "namespace", "workload", "experiment", "fault", "repeat", "verdict", "faultMs", "judgedTrack",
            "limitMs", "recoveredMs",
        ]
        + Track.allCases.flatMap { track in
            ["lowerMs", "upperMs", "estimateMs", "longestMs", "count", "stableAfterMs", "resolutionMs", "latencyP50Ms", "latencyP99Ms"]
                .map { "\(track.rawValue).\($0)" }
        } + Phase.Name.allCases.map { "phase.\($0.rawValue)Ms" } + ["attempted", "acknowledged", "refused", "unknown"]
        + LedgerChecked.states.map(\.0) + ["torn", "nodeBefore", "nodeAfter", "restored"]
        + ["server", "network", "kubeProxy", "loadBalancer", "readyNotServed"].flatMap { ["\($0).lowerMs", "\($0).upperMs"] }
        + IdleFindings.Outcome.allCases.map { "idle.\($0.rawValue)" } + ["debt.logBytes", "debt.openRows"]

    private func row(_ findings: Findings, _ experiment: ExperimentFindings, _ found: RepeatFindings) -> [String] {
        let run = findings.run
        let isRunning = findings.state == .running
        let target = experiment.experiment?.target
        let recovered = found.recoveredAfter
        let start = [
            run?.id ?? "", run?.startedAt ?? "", run?.context ?? "", target?.namespace ?? "", target?.workload ?? "", experiment.name,
            experiment.fault, String(found.number), isRunning ? "" : found.verdict.rawValue,
            number(found.faultBegan.map { $0 - .origin }), found.judgedTrack?.rawValue ?? "",
            number(experiment.experiment?.expect.maxDowntime),
            number(found.faultBegan == nil || recovered.isAtLeast ? nil : recovered.duration),
        ]
        let tracks = Track.allCases.flatMap { name -> [String] in
            guard let track = found.track(name) else { return Array(repeating: "", count: 9) }
            return [
                number(track.downtime.lower), number(track.downtime.upper), number(track.downtime.estimate), number(track.downtime.longest),
                String(track.downtime.count), number(track.timeToStable), number(track.resolution), number(track.latency?.median),
                number(track.latency?.p99),
            ]
        }
        let phases = Phase.Name.allCases.map { name in
            let own = found.phases.filter { $0.name == name }
            return own.isEmpty ? "" : number(own.reduce(.zero) { $0 + $1.duration })
        }
        let ledger = found.ledger
        let writes = [
            ledger?.attempted ?? Int64(found.writes.attempted), ledger?.acknowledged ?? Int64(found.writes.acknowledged),
            ledger?.refused ?? Int64(found.writes.refused), ledger?.unknown ?? Int64(found.writes.unknown),
        ].map { String($0) }
        let rows = LedgerChecked.states.map { state in ledger.map { String($0[keyPath: state.1]) } ?? "" }
        let restored = found.undo.allSatisfy { $0.proven == true }
        return start + tracks + phases + writes + rows
            + [
                ledger?.transfers.map { String($0.torn) } ?? "", found.before?.servingPod?.node ?? "", found.after?.servingPod?.node ?? "",
                restored ? "yes" : "no",
            ] + places(found) + [found.debt?.logBytes, found.debt?.openRows].map { $0.map { String($0) } ?? "" }
    }

    /// The parts of the downtime by place, and the outcomes of idle connections.
    private func places(_ found: RepeatFindings) -> [String] {
        let ready = found.readyNotServed.map { DurationBounds(lower: $0.lower, upper: $0.upper) }
        let parts = [found.split?.server, found.split?.network, found.split?.kubeProxy, found.split?.loadBalancer, ready]
        let idle = IdleFindings.Outcome.allCases.map { outcome in
            found.idle.map { String($0.count(outcome, overFault: true) + $0.count(outcome, overFault: false)) } ?? ""
        }
        return parts.flatMap { [number($0?.lower), number($0?.upper)] } + idle
    }

    private func number(_ duration: Duration?) -> String {
        duration.map { String($0.milliseconds) } ?? ""
    }

    private static func field(_ text: String) -> String {
        let plain = text.plain
        guard plain.contains(where: { ",\"\n".contains($0) }) else { return plain }
        return "\"\(plain.replacingOccurrences(of: "\"", with: "\"\""))\""
    }
}
