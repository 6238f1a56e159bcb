import Experiment
import Foundation
import Journal
import Verdict

/// `summary.md`: Markdown for the summary of a CI step, which is limited to a mebibyte.
struct SummaryReport {
    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() -> Data {
        Data(text.utf8)
    }

    private var text: String {
        var lines = [
            "# \(findings.headline): \(findings.meaning)", "",
        ]
        if let run = findings.run {
            lines += [
                "Run \(cell(run.id)) on \(cell(run.context)), Kubernetes \(cell(run.serverVersion)), started \(cell(run.startedAt)).", "",
            ]
        }
        if let damage = findings.damage { lines += [cell(damage), ""] }
        lines += [
            "| experiment | fault | verdict | repeats | downtime, worst repeat | allowed | lost writes | other damage |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += findings.experiments.map(row)
        for experiment in findings.experiments { lines += notes(experiment) + nodeLoss(experiment) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func row(_ found: ExperimentFindings) -> String {
        let worst = found.repeats.compactMap { one in one.judgedTrack.flatMap { one.track($0) } }
            .max { $0.downtime.judged < $1.downtime.judged }
        let measured = worst.map { track in
            let upper = track.downtime.upper.map { "\(track.downtime.lower.textRoundedDown) to \($0.textRoundedUp)" }
            return "\(upper ?? "≥ \(track.downtime.lower.textRoundedDown)") (\(track.track.rawValue))"
        }
        let ledgers = found.repeats.compactMap(\.ledger)
        let lost =
            ledgers.isEmpty ? "not checked" : "\(ledgers.reduce(0) { $0 + $1.lost }) of \(ledgers.reduce(0) { $0 + $1.acknowledged })"
        let damage = LedgerChecked.otherDamage.compactMap { kind -> String? in
            let count = ledgers.reduce(0) { $0 + kind.count($1) }
            return count > 0 ? "\(count) \(kind.name)" : nil
        }
        let cells = [
            found.name, found.fault, findings.state == .running ? "-" : "**\(found.verdict.rawValue)**",
            "\(found.repeats.count)/\(found.repeatsAsked)",
            measured ?? (found.repeats.isEmpty ? "not measured" : "0"), found.experiment?.expect.maxDowntime?.text ?? "-", lost,
            ledgers.isEmpty ? "not checked" : damage.isEmpty ? "none" : damage.joined(separator: ", "),
        ]
        return "| " + cells.map(cell).joined(separator: " | ") + " |"
    }

    private func notes(_ found: ExperimentFindings) -> [String] {
        let open = found.judgements.filter { $0.outcome == .failed || $0.outcome == .undecided }
        let lines =
            open.map { "- **\($0.check.rawValue)** (\($0.outcome.text)): \(cell($0.message))" }
            + found.repeats.flatMap { one in one.remarks.map { "- repeat \(one.number): \(cell($0))" } }
        return lines.isEmpty ? [] : ["", "## \(cell(found.name))", ""] + lines
    }

    /// The story of a lost node: of the first repeat that did not pass, or else of the last one.
    private func nodeLoss(_ found: ExperimentFindings) -> [String] {
        let told = found.repeats.filter { $0.nodeLoss != nil }
        guard let one = told.first(where: { $0.verdict != .pass }) ?? told.last, let loss = one.nodeLoss else { return [] }
        return ["", "### \(cell(found.name)), repeat \(one.number): the old pod and its volume, before anything was restored", ""]
            + loss.sentences.map { "- \(cell($0))" }
    }

    /// Returns the text without characters that end a table's cell or are markup.
    private func cell(_ text: String) -> String {
        text.line(limit: 1000).replacingOccurrences(of: "|", with: "\\|").replacingOccurrences(of: "<", with: "&lt;")
    }
}
