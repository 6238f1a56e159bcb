import Experiment
import Journal
public import Verdict

/// The closing output of a run: a table of the repeats, each failure with its reason, and the verdict last.
public struct TerminalReport {
    private let findings: Findings
    private let isColored: Bool
    private let width: Int?

    /// - Parameters:
    ///   - isColored: whether the output is a terminal with colours (no `NO_COLOR`, not `TERM=dumb`).
    ///   - width: the width of the tables in columns; `nil` for no limit.
    public init(_ findings: Findings, isColored: Bool = false, width: Int? = nil) {
        self.findings = findings
        self.isColored = isColored
        self.width = width
    }

    /// Returns whether a stream takes colours. Sources: https://no-color.org, https://clig.dev.
    public static func wantsColor(environment: [String: String], isTerminal: Bool) -> Bool {
        isTerminal && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    public var text: String {
        var lines: [String] = []
        for experiment in findings.experiments { lines += section(experiment) + [""] }
        if let damage = findings.damage { lines += [line(damage), ""] }
        let headline = findings.state == .killed ? colored(findings.headline, 33) : paint(findings.verdict)
        lines.append("\(headline) (exit code \(findings.exitCode.rawValue): \(findings.exitCode.meaning))")
        return lines.joined(separator: "\n") + "\n"
    }

    private func section(_ found: ExperimentFindings) -> [String] {
        let limit = found.experiment?.expect.maxDowntime.map { ", downtime allowed \($0.text)" } ?? ""
        var lines = [
            "\(found.name)  \(paint(found.verdict))  (\(found.fault), \(found.repeats.count) of \(counted(found.repeatsAsked, "repeat"))\(limit))"
        ]
        if !found.repeats.isEmpty { lines += table(found).map { "  \($0)" } }
        for one in found.repeats { lines += one.remarks.map { "  repeat \(one.number): \(line($0))" } }
        for track in found.repeats.count > 1 ? Track.allCases : [] {
            guard let summary = found.statistics[track], summary.maximum.duration > .zero else { continue }
            var line = "  \(track.rawValue): median \(summary.median.text), \(summary.minimum.text) to \(summary.maximum.text)"
            if let interval = summary.medianInterval { line += ", 95 % [\(interval.lowerBound.text), \(interval.upperBound.text)]" }
            lines.append(line)
        }
        for judgement in found.judgements where judgement.outcome != .passed && judgement.isApplicable {
            guard judgement.outcome != .skipped || found.verdict == .pass else { continue }
            lines.append("  \(word(judgement.outcome)) \(judgement.check.rawValue): \(line(judgement.message))")
            lines += judgement.details.prefix(8).map { "      \(line($0))" }
        }
        return lines
    }

    /// Foreign text is kept in one line, and has no colours of its own.
    private func line(_ text: String) -> String { text.line(limit: 2000) }

    private func table(_ found: ExperimentFindings) -> [String] {
        // A column for each kind of damage that occurred: "lost 0" alone would mislead beside another kind.
        let damage = LedgerChecked.otherDamage.filter { kind in found.repeats.contains { $0.ledger.map { kind.count($0) > 0 } ?? false } }
        var columns: [(String, TextTable.Alignment)] = [("repeat", .right), ("verdict", .left)]
        let tracks = Track.allCases.filter { track in track.isOfService || found.repeats.contains { $0.track(track) != nil } }
        columns += tracks.map { ($0.rawValue, .right) }
        columns += [("recovered", .right), ("acked", .right), ("lost", .right)]
        columns += damage.map { ($0.name, .right) }
        columns += [("unknown", .right), ("node", .left)]
        var table = TextTable(columns)
        for one in found.repeats {
            let stable = one.serviceTracks.map(\.timeToStable)
            let recovered = stable.isEmpty || stable.contains(nil) ? "-" : (stable.compactMap { $0 }.max()?.textRoundedUp ?? "-")
            var cells = [String(one.number), one.verdict.rawValue]
            cells += tracks.map { one.track($0).map(downtime) ?? "-" }
            cells += [recovered, String(one.ledger?.acknowledged ?? Int64(one.writes.acknowledged))]
            cells.append(one.ledger.map { String($0.lost) } ?? "?")
            cells += damage.map { kind in one.ledger.map { String(kind.count($0)) } ?? "?" }
            cells += [String(one.ledger?.unknown ?? Int64(one.writes.unknown)), nodes(one)]
            table.add(cells)
        }
        return table.lines(width: width.map { $0 - 2 })
    }

    /// `0` for no outage, `lower..upper` otherwise, in seconds.
    private func downtime(_ track: TrackFindings) -> String {
        let downtime = track.downtime
        guard downtime.count > 0 else { return "0" }
        let lower = downtime.lower.textRoundedDown.dropLast(2)
        guard let upper = downtime.upper else { return "≥ \(lower) s" }
        let times = downtime.count > 1 ? " (\(downtime.count)x)" : ""
        return "\(lower)..\(upper.textRoundedUp)\(times)"
    }

    private func nodes(_ one: RepeatFindings) -> String {
        let before = one.before?.servingPod?.node ?? "?"
        let after = one.after?.servingPod?.node ?? "?"
        return before == after ? before : "\(before) -> \(after)"
    }

    private func word(_ outcome: Judgement.Outcome) -> String {
        switch outcome {
        case .passed: "pass"
        case .failed: colored("FAIL", 31)
        case .undecided: colored("COULD NOT TELL", 33)
        case .skipped: "skipped"
        }
    }

    private func paint(_ verdict: Verdict) -> String {
        switch verdict {
        case .pass: colored("PASS", 32)
        case .fail: colored("FAIL", 31)
        case .invalid: colored("INVALID", 33)
        case .aborted: colored("ABORTED", 33)
        }
    }

    private func colored(_ text: String, _ color: Int) -> String {
        isColored ? "\u{1b}[\(color)m\(text)\u{1b}[0m" : text
    }
}
