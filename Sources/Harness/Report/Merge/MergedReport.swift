import Experiment
import Foundation
import JSON
import Journal
public import Verdict

/// Several runs, of a matrix or of many clusters, as one report, one `junit.xml`, one metrics file and one table.
public struct MergedReport: Sendable {
    /// A run and the folder of its own reports.
    public struct Part: Sendable {
        public var folder: String
        public var findings: Findings

        public init(folder: String, findings: Findings) {
            self.folder = folder
            self.findings = findings
        }
    }

    static let schema = "aftershock.merged/v1"

    let parts: [Part]

    public init(_ parts: [Part]) {
        self.parts = parts
    }

    /// The worst: not restored, data lost, failed, then the harness itself, interrupted, could not tell, preflight.
    public var exitCode: RunExitCode {
        let order: [RunExitCode] = [
            .notRestored, .dataLost, .failed, .internalError, .interrupted, .terminated, .hungUp, .invalid, .preflightFailed, .pass,
        ]
        return order.first { code in parts.contains { $0.findings.exitCode == code } } ?? .invalid
    }

    public func write(to directory: String, junit profile: JUnitOptions.Profile = .standard) throws {
        let all = parts.map(\.findings)
        let writer = ReportWriter(directory: directory, junit: profile)
        try writer.replace("results.json", with: try results())
        try writer.replace(
            "junit.xml", with: try JUnitReport(all, options: JUnitOptions(profile: profile, attachments: directory)).data())
        try writer.replace("metrics.prom", with: MetricsReport(all).data())
        try writer.replace("repeats.csv", with: RepeatsReport(all).data())
        try writer.replace("report.html", with: html())
    }

    public var text: String { text(width: nil) }

    /// A line an experiment.
    ///
    /// - Parameter width: the columns that the table is to fit in; `nil`: no limit.
    public func text(width: Int?) -> String {
        var table = TextTable([
            ("cluster", .left), ("experiment", .left), ("verdict", .left), ("downtime, worst repeat", .right), ("lost", .right),
        ])
        for row in rows {
            table.add([row.cluster, row.headline.found.name, row.headline.found.verdict.rawValue, row.headline.downtime, row.headline.lost])
        }
        return (table.lines(width: width) + ["\(parts.count) runs, exit code \(exitCode.rawValue): \(exitCode.meaning)"]).joined(
            separator: "\n") + "\n"
    }

    private func results() throws -> Data {
        let results = MergedResults(
            schema: Self.schema, exitCode: Int(exitCode.rawValue),
            runs: parts.map { .init(folder: $0.folder, results: Results($0.findings)) })
        return try JSONEncoder.stable(pretty: true).encode(results) + [UInt8(ascii: "\n")]
    }

    // MARK: Page

    private struct Row {
        var cluster: String
        var folder: String
        var headline: Headline
        /// Wall clock, in seconds.
        var started: Double
        var origin: Double
    }

    private var rows: [Row] {
        parts.flatMap { part in
            let origin = part.findings.run.flatMap { ISO8601Text.date($0.startedAt) }?.timeIntervalSince1970 ?? 0
            return part.findings.experiments.map { found in
                Row(
                    cluster: part.findings.run?.context ?? "unknown", folder: part.folder, headline: Headline(found),
                    started: origin + ((found.started ?? .origin) - .origin).seconds, origin: origin)
            }
        }.sorted { ($0.headline.found.verdict.severity, $1.started) > ($1.headline.found.verdict.severity, $0.started) }
    }

    private func html() -> Data {
        let verdict = exitCode == .pass ? "pass" : [.failed, .dataLost, .notRestored].contains(exitCode) ? "fail" : "invalid"
        let lines = rows.map { row in
            let found = row.headline.found
            let link = "\(row.folder)/report.html".escapedForHTML
            return "<tr><th scope=\"row\"><a href=\"\(link)\">\(found.name.escapedForHTML)</a></th><td>\(row.cluster.escapedForHTML)</td>"
                + "<td><span class=\"word \(found.verdict.rawValue)\">\(found.verdict.rawValue)</span></td>"
                + "<td class=\"n\">\(row.headline.downtime)</td><td class=\"n\">\(found.experiment?.expect.maxDowntime?.text ?? "-")</td>"
                + "<td class=\"n\">\(row.headline.lost)</td></tr>"
        }
        return Data(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(verdict.uppercased()) - \(parts.count) runs</title><style>\(HTMLReport.css)</style></head><body><main>
            <header class="card banner \(verdict)"><h1><span class="word \(verdict)">\(verdict.uppercased())</span> \(parts.count) runs</h1>
            <p>Exit code \(exitCode.rawValue): \(exitCode.meaning).</p></header>
            <section class="card" aria-labelledby="all"><h2 id="all">Experiments</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="Experiments"><table><caption>The worst first</caption><thead><tr>
            <th scope="col">experiment</th><th scope="col">cluster</th><th scope="col">verdict</th><th scope="col" class="n">downtime, worst repeat</th>
            <th scope="col" class="n">allowed</th><th scope="col" class="n">rows lost</th></tr></thead><tbody>
            \(lines.joined(separator: "\n"))</tbody></table></div></section>
            <section class="card" aria-labelledby="when"><h2 id="when">When, over the clusters</h2>\(timeline())</section>
            </main></body></html>

            """.utf8)
    }

    /// A line a cluster: from each fault to lasting health.
    private func timeline() -> String {
        let rows = rows
        let ends = zip(parts, parts.map { $0.findings.run.flatMap { ISO8601Text.date($0.startedAt) }?.timeIntervalSince1970 ?? 0 })
            .map { $1 + ($0.findings.ended - .origin).seconds }
        guard let from = rows.map(\.started).min(), let to = ends.max(), to > from else { return "" }
        let lanes = Dictionary(grouping: rows, by: \.cluster).sorted { $0.key < $1.key }.map { cluster, own in
            var svg = SVG(from: 0, to: to - from, height: 14, title: "Faults in \(cluster)")
            for row in own {
                for one in row.headline.found.repeats {
                    guard let fault = one.faultBegan else { continue }
                    let at = row.origin + (fault - .origin).seconds - from
                    svg.rect(
                        at, to: at + max(0.1, one.recoveredAfter.duration.seconds), one.verdict == .pass ? "maybe" : "down",
                        note: "\(row.headline.found.name), repeat \(one.number): \(one.verdict.rawValue)")
                }
            }
            return "<span>\(cluster.escapedForHTML)</span>\(svg.text("flat"))<span class=\"v\">\(own.count)</span>"
        }
        return "<div class=\"strip\">\(lanes.joined())</div><p class=\"soft\">0 to \(TimeAxis.label(((to - from) * 1000).rounded())) "
            + "after the first start; each mark goes from a fault to lasting health, dark where the repeat did not pass.</p>"
    }
}

/// The `results.json` of several runs.
private struct MergedResults: Encodable {
    struct Run: Encodable {
        var folder: String
        var results: Results
    }

    var schema: String
    var exitCode: Int
    var runs: [Run]
}
