import Experiment
import Foundation
import Journal
import Mustache
import Verdict

/// `report.html`: one file that needs no script and no network, with a plain table for each picture.
struct HTMLReport {
    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() throws -> Data {
        Data(try Self.template.get().render(page).utf8)
    }

    /// The template is parsed only once, because a run writes its report after every repeat.
    private static let template = Result { try MustacheTemplate(string: text(PackageResources.page_mustache)) }
    static let css = text(PackageResources.page_css)
    private static let script = text(PackageResources.page_js)

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private struct Page {
        var title: String
        var verdict: String
        var verdictText: String
        var reason: String?
        var place: [HTMLCell]
        var css = HTMLReport.css
        var script = HTMLReport.script
        var isSeveral: Bool
        var index: [IndexRow]
        var experiments: [HTMLExperiment]
        var run: [HTMLRow]
        var sources: [HTMLRow]
        var journals: [String]
    }

    private struct IndexRow {
        var id: String
        var name: String
        var verdict: String
        var verdictText: String
        var downtime: String
        var allowed: String
        var lost: String
    }

    private var page: Page {
        // A running run has no verdict to show.
        let shown = findings.state == .running ? [] : findings.experiments
        let experiments = shown.enumerated().map { HTMLExperiment($0.element, number: $0.offset + 1) }
        let headlines = shown.enumerated().map { ($0.offset + 1, Headline($0.element)) }
        let index = headlines.sorted { $0.1.found.verdict.severity > $1.1.found.verdict.severity }.map { number, headline in
            IndexRow(
                id: HTMLExperiment.id(number), name: headline.found.name.plain, verdict: headline.found.verdict.rawValue,
                verdictText: headline.found.verdict.rawValue.uppercased(), downtime: headline.downtime,
                allowed: headline.found.experiment?.expect.maxDowntime?.text ?? "-", lost: headline.lost)
        }
        return Page(
            title: title, verdict: findings.state == .running ? findings.state.rawValue : findings.verdict.rawValue,
            verdictText: findings.headline, reason: reason,
            place: place, isSeveral: index.count > 1, index: index, experiments: experiments, run: run,
            sources: (findings.run?.sources ?? []).map { HTMLRow($0.file, $0.text) }, journals: findings.journals)
    }

    private var title: String {
        switch findings.experiments.count {
        case 2... where findings.state == .running: return "\(findings.experiments.count) experiments"
        case 0: return "aftershock"
        case 1: return (findings.experiments.first?.name ?? "").plain
        case let count:
            let passed = findings.experiments.count { $0.verdict == .pass }
            return "\(passed) of \(count) experiments passed"
        }
    }

    /// A reason that is about the whole run.
    private var reason: String? {
        if let damage = findings.damage { return damage.plain }
        if findings.state == .running { return "The run goes on: nothing is judged yet." }
        if let interruption = findings.interruption { return "Ended early by \(interruption.cause): \(interruption.message)".plain }
        return findings.isComplete ? nil : "The journal ends before the run did."
    }

    private var place: [HTMLCell] {
        guard let run = findings.run else { return [] }
        return [
            HTMLCell("cluster", run.context), HTMLCell("Kubernetes", run.serverVersion), HTMLCell("started", run.startedAt),
            HTMLCell("took", (findings.ended - .origin).textRoundedUp),
            HTMLCell("state", findings.meaning),
        ]
    }

    private var run: [HTMLRow] {
        guard let run = findings.run else { return [] }
        let command = run.command.map { [HTMLRow("command", $0.joined(separator: " "))] } ?? []
        return command + [
            HTMLRow("run", run.id), HTMLRow("aftershock", run.version), HTMLRow("started", run.startedAt), HTMLRow("on", run.host),
            HTMLRow("context", run.context), HTMLRow("Kubernetes", run.serverVersion), HTMLRow("seed", String(run.seed)),
            HTMLRow("state", findings.meaning),
        ] + findings.experiments.compactMap(cadence)
    }

    private func cadence(_ found: ExperimentFindings) -> HTMLRow? {
        guard let schedules = found.repeats.first?.tracks.map(\.schedule), !schedules.isEmpty else { return nil }
        let texts = schedules.map { schedule in
            let lanes = schedule.lanes > 1 ? ", \(schedule.lanes) of them" : ""
            return "\(schedule.track.rawValue) every \(Duration.nanoseconds(schedule.interval).text)\(lanes), "
                + "given \(Duration.nanoseconds(schedule.timeout).text)"
        }
        return HTMLRow("cadences of \(found.name)", texts.joined(separator: "; "))
    }
}

extension Verdict {
    /// The rank in lists that show the worst first.
    var severity: Int {
        switch self {
        case .fail: 3
        case .aborted: 2
        case .invalid: 1
        default: 0
        }
    }
}

/// A line of a small table.
struct HTMLRow {
    var name: String
    var before: String
    var after: String

    init(_ name: String, _ before: String, _ after: String = "") {
        self.name = name.plain
        self.before = before.plain
        self.after = after.plain
    }
}

/// A value and its name.
struct HTMLCell {
    var name: String
    var value: String

    init(_ name: String, _ value: String) {
        self.name = name.plain
        self.value = value.plain
    }
}
