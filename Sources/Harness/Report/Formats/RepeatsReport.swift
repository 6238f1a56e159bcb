import Experiment
import Foundation
import Journal
import Verdict

/// `repeats.csv`: a row a repeat, for spreadsheets and change-point detection. RFC 4180; what is not known is empty.
struct RepeatsReport {
    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() -> Data {
        let lines = [Self.header] + findings.experiments.flatMap { experiment in experiment.repeats.map { row(experiment, $0) } }
        return Data(lines.map { $0.map(Self.field).joined(separator: ",") + "\r\n" }.joined().utf8)
    }

    private static let header =
        ["run", "started", "experiment", "fault", "repeat", "verdict", "faultMs"]
        + Track.allCases.flatMap { track in
            ["lowerMs", "upperMs", "estimateMs", "count", "stableAfterMs", "latencyP50Ms", "latencyP99Ms"].map { "\(track.rawValue).\($0)" }
        }
        + [
            "attempted", "acknowledged", "refused", "unknown", "lost", "corrupt", "duplicate", "unexpected", "stale", "nodeBefore",
            "nodeAfter",
        ]

    private func row(_ experiment: ExperimentFindings, _ found: RepeatFindings) -> [String] {
        let start = [
            findings.run?.id ?? "", findings.run?.startedAt ?? "", experiment.name, experiment.fault, String(found.number),
            findings.state == .running ? "" : found.verdict.rawValue, number(found.faultBegan.map { $0 - .origin }),
        ]
        let tracks = Track.allCases.flatMap { name -> [String] in
            guard let track = found.track(name) else { return Array(repeating: "", count: 7) }
            return [
                number(track.downtime.lower), number(track.downtime.upper), number(track.downtime.estimate), String(track.downtime.count),
                number(track.timeToStable), number(track.latency?.median), number(track.latency?.p99),
            ]
        }
        let ledger = found.ledger
        let writes: [Int64?] = [
            ledger?.attempted ?? Int64(found.writes.attempted), ledger?.acknowledged ?? Int64(found.writes.acknowledged),
            ledger?.refused ?? Int64(found.writes.refused), ledger?.unknown ?? Int64(found.writes.unknown), ledger?.lost, ledger?.corrupt,
            ledger?.duplicate, ledger?.unexpected, ledger?.stale,
        ]
        let nodes = [found.before?.servingPod?.node ?? "", found.after?.servingPod?.node ?? ""]
        return start + tracks + writes.map { $0.map { String($0) } ?? "" } + nodes
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
