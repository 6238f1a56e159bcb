public import Foundation
import JSON
import Journal
import Verdict

/// A history as text, as JSON and as a page.
public struct HistoryReport {
    let history: History

    public init(_ history: History) {
        self.history = history
    }

    // MARK: Text

    public var text: String {
        var lines: [String] = []
        for series in history.series {
            let last = series.nights.last?.experiment
            let strip = series.nights.suffix(60).map { Self.letter($0.experiment.verdict) }.joined()
            lines.append("\(series.name)  \(series.namespace)/\(series.workload) in \(series.cluster), \(Self.nights(series))")
            lines.append("  \(strip)  (. pass, F fail, ? invalid, a aborted; the newest is the last)")
            lines.append(
                "  newest: \(last?.verdict ?? "-"), downtime \(Self.bounds(last?.worst)), last passed \(series.lastPassed?.startedAt ?? "never")"
            )
            for change in series.changes {
                lines.append("  changed with the night of \(change.night.startedAt) (run \(change.night.run)): \(Self.words(change))")
            }
            if series.isFlaky { lines.append("  flaky: it passes and fails by turns") }
            for check in last?.notPassed ?? [] {
                let known = history.known.first { $0.covers(series.name, check, on: history.today) }
                let note = known.map { ", known until \($0.expires) (\($0.owner)): \($0.why)" } ?? ""
                lines.append("  not passed: \(check), since \(series.firstSeen(check)?.startedAt ?? "-")\(note)")
            }
        }
        for old in history.known where old.expires < history.today {
            lines.append("expired \(old.expires): \(old.experiment), \(old.check) (\(old.owner)) is no longer known")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func nights(_ series: History.Series) -> String {
        counted(series.nights.count, "night")
    }

    private static func letter(_ verdict: String) -> String {
        switch verdict {
        case "pass": "."
        case "fail": "F"
        case "aborted": "a"
        default: "?"
        }
    }

    private static func words(_ change: History.Series.Change) -> String {
        var text = "median of the upper bounds \(change.after.text), before \(change.before.text)"
        if !change.before.isAtLeast, !change.after.isAtLeast, change.before.duration > .zero {
            text += String(format: " (%.2fx)", change.after.duration / change.before.duration)
        }
        return text + String(format: ", p < %.1e (Pettitt's test)", max(change.p, 1e-12))
    }

    private static func bounds(_ downtime: HistoryEntry.Experiment.Downtime?) -> String {
        guard let downtime else { return "not measured" }
        let lower = Duration(milliseconds: downtime.lowerMs).textRoundedDown
        return downtime.upperMs.map { "\(lower) to \(Duration(milliseconds: $0).textRoundedUp)" } ?? "\u{2265} \(lower)"
    }

    // MARK: JSON

    /// Returns `history.json`.
    public func data() throws -> Data {
        let json: JSONValue = [
            "schema": .string("aftershock.history-report/v1"),
            "exitCode": .integer(Int64(history.exitCode.rawValue)),
            "changePointTest": ["name": "Pettitt", "falseAlarmRate": .double(ChangePoints.alpha)],
            "experiments": .array(history.series.map(json)),
        ]
        return try json.data(pretty: true) + [UInt8(ascii: "\n")]
    }

    private func json(_ series: History.Series) -> JSONValue {
        [
            "name": .string(series.name), "cluster": .string(series.cluster), "namespace": .string(series.namespace),
            "workload": .string(series.workload), "flaky": .bool(series.isFlaky),
            "lastPassed": series.lastPassed.map { .string($0.startedAt) } ?? .null,
            "nights": .array(
                series.nights.map { night in
                    let worst = night.experiment.worst
                    return [
                        "run": .string(night.run), "startedAt": .string(night.startedAt), "verdict": .string(night.experiment.verdict),
                        "repeats": .integer(Int64(night.experiment.downtimes.count)),
                        "worst": worst.map { ["lowerMs": .double($0.lowerMs), "upperMs": $0.upperMs.map(JSONValue.double) ?? .null] }
                            ?? .null,
                        "medianUpperMs": night.experiment.median.map { $0.isAtLeast ? .null : .double($0.duration.milliseconds) } ?? .null,
                        "lost": night.experiment.lost.map(JSONValue.integer) ?? .null,
                    ]
                }),
            "changes": .array(
                series.changes.map { change in
                    [
                        "run": .string(change.night.run), "startedAt": .string(change.night.startedAt), "p": .double(change.p),
                        "beforeMs": change.before.isAtLeast ? .null : .double(change.before.duration.milliseconds),
                        "afterMs": change.after.isAtLeast ? .null : .double(change.after.duration.milliseconds),
                    ]
                }),
            "notPassed": .array(
                (series.nights.last?.experiment.notPassed ?? []).map { check in
                    let known = history.known.first { $0.covers(series.name, check, on: history.today) }
                    return [
                        "check": .string(check), "firstSeen": series.firstSeen(check).map { .string($0.startedAt) } ?? .null,
                        "knownUntil": known.map { .string($0.expires) } ?? .null, "owner": known.map { .string($0.owner) } ?? .null,
                        "why": known.map { .string($0.why) } ?? .null,
                    ]
                }),
        ]
    }

    // MARK: Page

    /// Returns `history.html`.
    public func html() -> Data {
        let sections = history.series.enumerated().map { index, series in section(series, index + 1) }.joined(separator: "\n")
        let verdict = history.exitCode == .pass ? "pass" : history.exitCode == .invalid ? "invalid" : "fail"
        return Data(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(verdict.uppercased()) - history</title><style>\(HTMLReport.css)</style></head><body><main>
            <header class="card banner \(verdict)"><h1><span class="word \(verdict)">\(verdict.uppercased())</span> history</h1>
            <p>The newest night of each experiment; failures that are known do not count until they expire. Change points are found by
            Pettitt's test, with one false alarm in \(Int(1 / ChangePoints.alpha)) series without a change.</p></header>
            \(sections)
            </main></body></html>

            """.utf8)
    }

    private func section(_ series: History.Series, _ number: Int) -> String {
        let last = series.nights.last?.experiment
        let verdict = last?.verdict ?? "invalid"
        let title = "\(series.name), \(series.namespace)/\(series.workload) in \(series.cluster)".escapedForHTML
        let changes = series.changes.map {
            "<li>Changed with the night of \($0.night.startedAt.escapedForHTML): \(Self.words($0).escapedForHTML)</li>"
        }
        let open = (last?.notPassed ?? []).map { check in
            let known = history.known.first { $0.covers(series.name, check, on: history.today) }
            let note = known.map { ", known until \($0.expires) (\($0.owner)): \($0.why)" } ?? ""
            return "<li>\("Not passed: \(check), since \(series.firstSeen(check)?.startedAt ?? "-")\(note)".escapedForHTML)</li>"
        }
        let flaky = series.isFlaky ? ["<li>Flaky: it passes and fails by turns</li>"] : []
        let rows = series.nights.reversed().map { night in
            "<tr><th scope=\"row\">\(night.startedAt.escapedForHTML)</th><td><span class=\"word \(night.experiment.verdict)\">"
                + "\(night.experiment.verdict.escapedForHTML)</span></td><td class=\"n\">\(Self.bounds(night.experiment.worst))</td>"
                + "<td class=\"n\">\(night.experiment.lost.map { $0.grouped } ?? "not checked")</td><td>\(night.run.escapedForHTML)</td></tr>"
        }
        return """
            <section class="card" aria-labelledby="s\(number)"><h2 id="s\(number)"><span class="word \(verdict)">\(verdict.uppercased().escapedForHTML)</span> \(title)</h2>
            <p>\(Self.nights(series)); the newest was down for \(Self.bounds(last?.worst)), last passed \((series.lastPassed?.startedAt ?? "never").escapedForHTML).</p>
            <ul class="causes">\((changes + open + flaky).joined())</ul>
            \(picture(series))
            <p class="soft">Each bar is a night's worst repeat: up to the dark end surely down, up to the light end perhaps. Below it its verdict; a line marks a change.</p>
            <details><summary>Every night, as a table</summary><table class="small"><caption>Nights, the newest first</caption><thead><tr><th scope="col">started</th>
            <th scope="col">verdict</th><th scope="col" class="n">downtime, worst repeat</th><th scope="col" class="n">rows lost</th><th scope="col">run</th></tr></thead>
            <tbody>\(rows.joined())</tbody></table></details></section>
            """
    }

    private func picture(_ series: History.Series) -> String {
        let longest = series.nights.compactMap { $0.experiment.worst?.judged.duration.milliseconds }.max() ?? 1
        var svg = SVG(
            from: 0, to: Double(series.nights.count), height: 110, title: "Downtime of \(series.name) over \(Self.nights(series))")
        let changed = Set(series.changes.map(\.night.run))
        for (index, night) in series.nights.enumerated() {
            let x = Double(index)
            if let worst = night.experiment.worst {
                let upper = (worst.upperMs ?? longest) / max(1, longest) * 96
                let lower = worst.lowerMs / max(1, longest) * 96
                let note = "\(night.startedAt): \(Self.bounds(worst))"
                svg.rect(x + 0.1, to: x + 0.9, y: 96 - upper, height: upper, "poss", note: note)
                svg.rect(x + 0.1, to: x + 0.9, y: 96 - lower, height: lower, "sure", note: note)
            }
            svg.rect(x + 0.1, to: x + 0.9, y: 100, height: 10, "v-\(night.experiment.verdict)", note: night.experiment.verdict)
            if changed.contains(night.run) { svg.ticks([x], "limit") }
        }
        return "<div class=\"nights\">\(svg.text())</div>"
    }
}
