import Experiment
import Foundation
import Journal
import Verdict

/// The page and the table over many runs: numbers first, then the worst runs. All others are in closed parts of the page, which a browser
/// lays out only when they are opened.
struct MergedPage {
    struct Sizes {
        /// The most lines of the terminal's table and of the timeline.
        var shown = 200
        /// The rows of one part of the page.
        var portion = 500
    }

    private let directory: String
    private let sizes: Sizes
    private var count = 0
    private var verdicts: [Verdict: (count: Int, rows: Spill, shown: [[String]])] = [:]
    private var experiments: [String: [Verdict: Int]] = [:]
    private var timeline: MergedTimeline

    init(in directory: String, _ sizes: Sizes) throws {
        self.directory = directory
        self.sizes = sizes
        timeline = MergedTimeline(limit: sizes.shown)
        for verdict in Verdict.allCases { verdicts[verdict] = (0, try Spill(in: directory), []) }
    }

    // MARK: Rows

    private struct Row {
        var cluster: String
        var name: String
        var verdict: Verdict
        var downtime = "-"
        var allowed = "-"
        var lost = "-"
        var why = ""
    }

    mutating func add(_ part: MergedReport.Part) throws {
        count += 1
        let link = Self.link(from: directory, to: "\(part.folder)/\(ReportWriter.File.html.rawValue)")
        if let reason = part.reason {
            try add(Row(cluster: part.name, name: "the whole run", verdict: .aborted, why: reason), link)
        }
        for found in part.findings.experiments {
            let headline = Headline(found)
            experiments[found.name, default: [:]][found.verdict, default: 0] += 1
            let broken = found.judgements.first { $0.outcome == .failed } ?? found.judgements.first { $0.outcome == .undecided }
            try add(
                Row(
                    cluster: part.name, name: found.name, verdict: found.verdict, downtime: headline.downtime,
                    allowed: found.experiment?.expect.maxDowntime?.text ?? "-", lost: headline.lost,
                    why: broken.map { "\($0.check.rawValue): \($0.message)" } ?? ""), link)
        }
        timeline.add(part)
    }

    private mutating func add(_ row: Row, _ link: String) throws {
        guard var own = verdicts[row.verdict] else { return }
        if own.count > 0, own.count % sizes.portion == 0 {
            try own.rows.append(Self.tableEnd + Self.tableStart(row.verdict, from: own.count + 1, isOpen: false))
        }
        own.count += 1
        let word = row.verdict.rawValue
        let why = row.why.isEmpty ? "" : "<br><span class=\"soft\">\(row.why.line(limit: 300).escapedForHTML)</span>"
        try own.rows.append(
            "<tr><th scope=\"row\"><a href=\"\(link)\">\(row.name.escapedForHTML)</a></th><td>\(row.cluster.escapedForHTML)</td>"
                + "<td><span class=\"word \(word)\">\(word)</span>\(why)</td><td class=\"n\">\(row.downtime)</td>"
                + "<td class=\"n\">\(row.allowed)</td><td class=\"n\">\(row.lost)</td></tr>\n")
        if own.shown.count < sizes.shown {
            own.shown.append([row.cluster, row.name, word, row.verdict == .aborted ? row.why : row.downtime, row.lost])
        }
        verdicts[row.verdict] = own
    }

    /// Returns the relative path to a file from the page's folder, so that both can be moved together.
    static func link(from directory: String, to file: String) -> String {
        func parts(_ path: String) -> [String] { URL(fileURLWithPath: path).standardizedFileURL.pathComponents }
        let (base, target) = (parts(directory), parts(file))
        let common = zip(base, target).prefix { $0 == $1 }.count
        let path = Array(repeating: "..", count: base.count - common) + target[common...]
        let unreserved = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-._~"))
        return path.map { $0.addingPercentEncoding(withAllowedCharacters: unreserved) ?? $0 }.joined(separator: "/")
    }

    // MARK: Terminal

    private var worstFirst: [(key: Verdict, value: (count: Int, rows: Spill, shown: [[String]]))] {
        verdicts.filter { $0.value.count > 0 }.sorted { $0.key.severity > $1.key.severity }
    }

    private var total: Int { verdicts.values.reduce(0) { $0 + $1.count } }

    var table: TextTable {
        var table = TextTable([
            ("cluster", .left), ("experiment", .left), ("verdict", .left), ("downtime, worst repeat", .right), ("lost", .right),
        ])
        for row in worstFirst.flatMap(\.value.shown).prefix(sizes.shown) { table.add(row) }
        return table
    }

    var remainder: [String] { total > sizes.shown ? ["... and \(total - sizes.shown) more, all of which are in report.html"] : [] }

    var sums: [String] {
        total > 1 ? [worstFirst.map { "\(Int64($0.value.count).grouped) \($0.key.rawValue)" }.joined(separator: ", ")] : []
    }

    // MARK: Page

    func whole(_ exitCode: RunExitCode) throws -> Spill {
        let page = try Spill(in: directory)
        let verdict = exitCode == .pass ? "pass" : [.failed, .dataLost, .notRestored].contains(exitCode) ? "fail" : "invalid"
        let runs = "\(Int64(count).grouped) \(noun(for: count, "run"))"
        try page.append(
            """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(verdict.uppercased()) - \(runs)</title><style>\(HTMLReport.css)</style></head><body><main>
            <header class="card banner \(verdict)"><h1><span class="word \(verdict)">\(verdict.uppercased())</span> \(runs)</h1>
            <p>Exit code \(exitCode.rawValue): \(exitCode.meaning). \(sums.joined()).</p></header>
            \(numbers)
            <section class="card" aria-labelledby="all"><h2 id="all">The worst first</h2>

            """)
        for (index, own) in worstFirst.enumerated() {
            try page.append(Self.tableStart(own.key, from: 1, count: own.value.count, isOpen: index == 0 || total <= sizes.portion))
            try page.append(own.value.rows)
            try page.append(Self.tableEnd)
        }
        try page.append(
            """
            </section>
            <section class="card" aria-labelledby="when"><h2 id="when">When, over the clusters</h2>\(timeline.html)</section>
            </main></body></html>

            """)
        return page
    }

    private static func tableStart(_ verdict: Verdict, from first: Int, count: Int? = nil, isOpen: Bool) -> String {
        let which =
            count.map { "\(Int64($0).grouped) \(verdict.rawValue)" } ?? "\(verdict.rawValue), from number \(Int64(first).grouped) on"
        return """
            <details\(isOpen ? " open" : "")><summary>\(which)</summary><div class="scroll" tabindex="0" role="region" aria-label="\(which)">
            <table><thead><tr><th scope="col">experiment</th><th scope="col">cluster</th><th scope="col">verdict</th>
            <th scope="col" class="n">downtime, worst repeat</th><th scope="col" class="n">allowed</th><th scope="col" class="n">rows lost</th>
            </tr></thead><tbody>

            """
    }

    private static let tableEnd = "</tbody></table></div></details>\n"

    /// The number of clusters with each verdict, for each experiment.
    private var numbers: String {
        let columns = worstFirst.map(\.key)
        guard total > 1, !experiments.isEmpty else { return "" }
        let listed = experiments.sorted { $0.key < $1.key }.prefix(sizes.shown)
        let rows = listed.map { name, counts in
            let cells = columns.map { "<td class=\"n\">\(Int64(counts[$0] ?? 0).grouped)</td>" }.joined()
            return "<tr><th scope=\"row\">\(name.escapedForHTML)</th>\(cells)</tr>"
        }
        let heads = columns.map { "<th scope=\"col\" class=\"n\">\($0.rawValue)</th>" }.joined()
        let more = experiments.count > listed.count ? "<p class=\"soft\">The first \(listed.count) of \(experiments.count).</p>" : ""
        return """
            <section class="card" aria-labelledby="sums"><h2 id="sums">By experiment</h2>
            <div class="scroll" tabindex="0" role="region" aria-label="By experiment"><table class="small"><thead><tr>
            <th scope="col">experiment</th>\(heads)</tr></thead><tbody>\(rows.joined(separator: "\n"))</tbody></table></div>\(more)</section>
            """
    }
}

/// A line for each cluster, from each fault to lasting health. If there are too many clusters, those that did not pass come first.
private struct MergedTimeline {
    private struct Mark {
        var started: Double
        var length: Double
        var passed: Bool
        var note: String
    }

    private let limit: Int
    private var span: (from: Double, to: Double)?
    private var isCut = false
    private var failed: [String: [Mark]] = [:]
    private var passed: [String: [Mark]] = [:]

    init(limit: Int) { self.limit = limit }

    mutating func add(_ part: MergedReport.Part) {
        guard let run = part.findings.run, let origin = ISO8601Text.date(run.startedAt)?.timeIntervalSince1970 else { return }
        let ended = origin + (part.findings.ended - .origin).seconds
        let first = part.findings.experiments.compactMap(\.started).min() ?? .origin
        let started = origin + (first - .origin).seconds
        span = (min(span?.from ?? started, started), max(span?.to ?? ended, ended))
        let marks = part.findings.experiments.flatMap { found in
            found.repeats.compactMap { one -> Mark? in
                guard let fault = one.faultBegan else { return nil }
                return Mark(
                    started: origin + (fault - .origin).seconds, length: max(0.1, one.recoveredAfter.duration.seconds),
                    passed: one.verdict == .pass, note: "\(found.name), repeat \(one.number): \(one.verdict.rawValue)")
            }
        }
        guard !marks.isEmpty else { return }
        let lanes = part.exitCode == .pass ? \Self.passed : \Self.failed
        guard self[keyPath: lanes][part.name] != nil || self[keyPath: lanes].count < limit else {
            isCut = true
            return
        }
        self[keyPath: lanes][part.name, default: []] += marks
    }

    var html: String {
        guard let (from, to) = span, to > from else { return "" }
        let worst = failed.keys.sorted()
        let lanes = (worst + passed.keys.filter { failed[$0] == nil }.sorted()).prefix(limit)
        let drawn = lanes.map { cluster in
            let marks = (failed[cluster] ?? []) + (passed[cluster] ?? [])
            var svg = SVG(from: 0, to: to - from, height: 14, title: "Faults in \(cluster)")
            for mark in marks {
                svg.rect(mark.started - from, to: mark.started - from + mark.length, mark.passed ? "maybe" : "down", note: mark.note)
            }
            return "<span>\(cluster.escapedForHTML)</span>\(svg.text("flat"))<span class=\"v\">\(marks.count)</span>"
        }
        let all = Set(failed.keys).union(passed.keys).count
        let cut =
            isCut || all > lanes.count
            ? " Only \(counted(lanes.count, "cluster is", "clusters are")) shown, and those that did not pass come first." : ""
        return "<div class=\"strip\">\(drawn.joined())</div><p class=\"soft\">0 to \(TimeAxis.label(((to - from) * 1000).rounded())) "
            + "after the first start; each mark goes from a fault to lasting health, dark where the repeat did not pass.\(cut)</p>"
    }
}
