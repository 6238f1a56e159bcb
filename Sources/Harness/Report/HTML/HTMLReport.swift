import Experiment
import Foundation
import Journal
import Mustache
import Verdict

/// `report.html`: for people, readable without a script and without the network, a plain table behind each picture.
struct HTMLReport {
    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() throws -> Data {
        Data(try Self.template.get().render(page).utf8)
    }

    /// Parsed once: a run writes its report anew after every repeat.
    private static let template = Result { try MustacheTemplate(string: HTMLTemplate.page) }

    private struct Page {
        var title: String
        var verdict: String
        var verdictText: String
        var reason: String
        var runLine: String
        var css = HTMLStyle.css
        var experiments: [HTMLExperiment]
        var run: [HTMLRow]
    }

    private var page: Page {
        let names = findings.experiments.map(\.name).joined(separator: ", ")
        return Page(
            title: names.isEmpty ? "aftershock" : names.plain,
            verdict: findings.verdict.rawValue,
            verdictText: findings.verdict.rawValue.uppercased(),
            reason: reason,
            runLine: runLine,
            experiments: findings.experiments.map(HTMLExperiment.init),
            run: run)
    }

    /// The first thing that did not pass, or what was proven.
    private var reason: String {
        if let damage = findings.damage { return damage.plain }
        for experiment in findings.experiments {
            for outcome in [Judgement.Outcome.failed, .undecided] {
                guard let found = experiment.judgements.first(where: { $0.outcome == outcome }) else { continue }
                return "\(experiment.name): \(found.check.rawValue): \(found.message)".plain
            }
        }
        let repeats = findings.experiments.reduce(0) { $0 + $1.repeats.count }
        return "Every check of every experiment passed, in \(repeats) repeat\(repeats == 1 ? "" : "s")."
    }

    private var runLine: String {
        guard let run = findings.run else { return "" }
        return "\(run.startedAt), \(run.context), Kubernetes \(run.serverVersion), \((findings.ended - .origin).textRoundedUp)".plain
    }

    private var run: [HTMLRow] {
        guard let run = findings.run else { return [] }
        return [
            HTMLRow("run", run.id), HTMLRow("aftershock", run.version), HTMLRow("started", run.startedAt), HTMLRow("on", run.host),
            HTMLRow("context", run.context), HTMLRow("Kubernetes", run.serverVersion), HTMLRow("seed", String(run.seed)),
            HTMLRow("exit code", "\(findings.exitCode.rawValue): \(findings.exitCode.meaning)"),
        ]
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

/// A number under its name.
struct HTMLCell {
    var name: String
    var value: String
}

/// One experiment, as the template takes it.
struct HTMLExperiment {
    struct CheckRow {
        var name: String
        var outcome: String
        var outcomeText: String
        var message: String
        var details: [String]
        var hasDetails: Bool
    }

    struct StatisticsRow {
        var track: String
        var count: Int
        var minimum: String
        var median: String
        var interval: String
        var maximum: String
    }

    var name: String
    var verdict: String
    var verdictText: String
    var summary: String
    var description: String?
    var checks: [CheckRow]
    var downtimeChart: String?
    var statistics: [StatisticsRow]
    var hasStatistics: Bool
    var losses: String?
    var repeats: [HTMLRepeat]

    init(_ found: ExperimentFindings) {
        name = found.name.plain
        verdict = found.verdict.rawValue
        verdictText = found.verdict.rawValue.uppercased()
        let limit = found.experiment?.expect.maxDowntime.map { ", downtime allowed \($0.gep2257)" } ?? ""
        summary = "\(found.fault), \(found.repeats.count) of \(found.repeatsAsked) repeats\(limit)"
        description = found.experiment?.description?.plain
        checks = found.judgements.map { judgement in
            CheckRow(
                name: judgement.check.rawValue, outcome: judgement.outcome.rawValue, outcomeText: judgement.outcome.text,
                message: judgement.message.plain, details: judgement.details.map(\.plain), hasDetails: !judgement.details.isEmpty)
        }
        downtimeChart = DowntimeChart(found: found).svg?.text
        statistics = Track.allCases.compactMap { track in
            found.statistics[track].map { summary in
                let interval = summary.medianInterval.map { "\($0.lowerBound.text) to \($0.upperBound.text)" } ?? "needs 6 repeats"
                return StatisticsRow(
                    track: track.rawValue, count: summary.count, minimum: summary.minimum.text, median: summary.median.text,
                    interval: interval, maximum: summary.maximum.text)
            }
        }
        hasStatistics = found.repeats.count > 1 && !statistics.isEmpty
        losses = Self.losses(found)
        // One repeat is shown at once; of several the first that did not pass, or the first.
        let shown = found.repeats.first { $0.verdict != .pass } ?? found.repeats.first
        repeats = found.repeats.map { HTMLRepeat($0, isOpen: $0.number == shown?.number) }
    }

    /// The statement that no loss in so many repeats makes about the next.
    private static func losses(_ found: ExperimentFindings) -> String? {
        let checked = found.repeats.filter { $0.verdict == .pass || $0.verdict == .fail }.compactMap(\.ledger)
        guard checked.count > 1, !checked.contains(where: { $0.isDataLost(allowed: 0) }) else { return nil }
        guard let bound = Sample.upperBoundOfShare(noneOf: checked.count) else { return nil }
        return "0 of \(checked.count) repeats lost data: with 95 % confidence at most \(Int((bound * 100).rounded(.up))) % of such runs do."
    }
}

extension Judgement.Outcome {
    var text: String {
        switch self {
        case .passed: "pass"
        case .failed: "FAIL"
        case .undecided: "could not tell"
        case .skipped: "not evaluated"
        }
    }
}
