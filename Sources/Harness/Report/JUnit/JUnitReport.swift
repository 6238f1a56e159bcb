import Experiment
import Foundation
import Journal
import Verdict

/// `junit.xml`, valid against Jenkins' junit-10.xsd and readable by the others: one suite an experiment, always the same testcases,
/// each with at most one of `failure` (the promise was broken), `error` (could not tell) and `skipped` (not evaluated).
struct JUnitReport {
    private static let messageLimit = 250
    private static let bodyLimit = 64_000

    let findings: Findings
    /// Adds the testcase `baseline` to every suite.
    let comparison: ComparisonReport?

    init(_ findings: Findings, comparison: ComparisonReport? = nil) {
        self.findings = findings
        self.comparison = comparison
    }

    private struct Suite {
        var name: String
        var cases: [Case]
        var properties: [(String, String)]
        var started: RunTime?
        var duration: Duration

        func count(_ outcome: Judgement.Outcome) -> Int { cases.count { $0.outcome == outcome } }
    }

    /// The content of a testcase, from a ``Check`` or a comparison.
    struct Case {
        var name: String
        var outcome: Judgement.Outcome
        var type: String
        var message: String
        var details: [String]
        var took = Duration.zero
    }

    func data() throws -> Data {
        let suites = suites
        var document = try XMLDocument()
        let all = suites.flatMap(\.cases)
        func count(_ outcome: Judgement.Outcome) -> String { String(all.count { $0.outcome == outcome }) }
        document.element(
            "testsuites",
            [
                ("name", "aftershock"), ("tests", String(all.count)), ("failures", count(.failed)), ("errors", count(.undecided)),
                ("time", seconds(suites.reduce(.zero) { $0 + $1.duration })),
            ]
        ) { document in
            for (index, suite) in suites.enumerated() { write(suite, index, &document) }
        }
        return try document.data()
    }

    private var suites: [Suite] {
        guard !findings.experiments.isEmpty else {
            // A file without a testcase is a pass to some readers.
            let reason = findings.damage ?? "the journal has no experiment"
            let cases = Check.allCases.map { check in
                let judgement =
                    check == .preflight
                    ? Judgement(check, .undecided, type: "aborted", message: reason)
                    : Judgement(check, .skipped, type: "skipped", message: "not evaluated: \(reason)")
                return Case(judgement)
            }
            return [Suite(name: "aftershock", cases: cases, properties: runProperties, duration: .zero)]
        }
        return findings.experiments.map { experiment in
            var cases = experiment.judgements.map { Case($0, took: took($0.check, experiment)) }
            if let comparison { cases.append(comparison.testcase(of: experiment.name)) }
            let duration = experiment.started.flatMap { start in experiment.ended.map { $0 - start } } ?? .zero
            return Suite(
                name: experiment.name, cases: cases, properties: runProperties + properties(experiment), started: experiment.started,
                duration: duration)
        }
    }

    private func write(_ suite: Suite, _ index: Int, _ document: inout XMLDocument) {
        document.element(
            "testsuite",
            [
                ("name", suite.name.line(limit: 200)), ("tests", String(suite.cases.count)), ("failures", String(suite.count(.failed))),
                ("errors", String(suite.count(.undecided))), ("skipped", String(suite.count(.skipped))),
                ("time", seconds(suite.duration)), ("timestamp", timestamp(suite.started)),
                ("hostname", (findings.run?.host ?? "localhost").line(limit: 200)), ("id", String(index)), ("package", "aftershock"),
            ]
        ) { document in
            document.element("properties", []) { document in
                for (name, value) in suite.properties {
                    document.element("property", [("name", name.line(limit: 200)), ("value", value.line(limit: 1000))])
                }
            }
            for testcase in suite.cases { write(testcase, suite, &document) }
            document.element("system-out", [])
            document.element("system-err", [])
        }
    }

    private func write(_ testcase: Case, _ suite: Suite, _ document: inout XMLDocument) {
        let className = "aftershock.\(suite.name.line(limit: 200))"
        let message = testcase.message.line(limit: Self.messageLimit)
        // Some readers show the message alone, some the body alone: the line is in both.
        let body = String(([testcase.message] + testcase.details).joined(separator: "\n").plain.prefix(Self.bodyLimit))
        document.element(
            "testcase", [("name", testcase.name), ("classname", className), ("time", seconds(testcase.took))]
        ) { document in
            switch testcase.outcome {
            case .passed: document.element("system-out", []) { $0.text(body) }
            case .failed: document.element("failure", [("message", message), ("type", testcase.type)]) { $0.text(body) }
            case .undecided: document.element("error", [("message", message), ("type", testcase.type)]) { $0.text(body) }
            case .skipped: document.element("skipped", [("message", message)])
            }
        }
    }

    private var runProperties: [(String, String)] {
        guard let run = findings.run else { return [] }
        return [
            ("run.id", run.id), ("run.version", run.version), ("run.seed", String(run.seed)), ("kubernetes.context", run.context),
            ("kubernetes.version", run.serverVersion), ("exit.code", String(findings.exitCode.rawValue)),
        ]
    }

    private func properties(_ found: ExperimentFindings) -> [(String, String)] {
        var properties = [
            ("fault", found.fault), ("verdict", found.verdict.rawValue), ("repeats", "\(found.repeats.count)/\(found.repeatsAsked)"),
        ]
        if let limit = found.experiment?.expect.maxDowntime { properties.append(("downtime.limit", limit.gep2257)) }
        for track in Track.allCases {
            guard let summary = found.statistics[track] else { continue }
            properties.append(("downtime.\(track.rawValue).median", summary.median.text))
            properties.append(("downtime.\(track.rawValue).max", summary.maximum.text))
        }
        for (key, value) in (found.experiment?.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
            properties.append(("label.\(key)", value))
        }
        return properties
    }

    /// The duration of the step that a check is about, over all repeats. Never the downtime, which would falsify every reader's sums.
    private func took(_ check: Check, _ found: ExperimentFindings) -> Duration {
        switch check {
        case .preflight:
            return found.started.flatMap { start in found.repeats.first.map { $0.started - start } } ?? .zero
        case .faultTookEffect: return between(.injecting, .recovering, found)
        case .recovery: return between(.recovering, .stable, found)
        case .dataPersistence: return found.repeats.reduce(.zero) { $0 + span($1.stage(.settling), $1.ended) }
        case .restore: return between(.undoing, .settling, found)
        case .downtime, .serviceAddress, .storage, .placement, .replicas: return .zero
        }
    }

    private func between(_ first: StageEntered.Stage, _ last: StageEntered.Stage, _ found: ExperimentFindings) -> Duration {
        found.repeats.reduce(.zero) { $0 + span($1.stage(first), $1.stage(last)) }
    }

    private func span(_ from: RunTime?, _ to: RunTime?) -> Duration {
        guard let from, let to, to > from else { return .zero }
        return to - from
    }

    /// Seconds with three decimals and a point: the one format that every reader takes.
    private func seconds(_ duration: Duration) -> String {
        String(format: "%.3f", locale: Locale(identifier: "en_US_POSIX"), duration.seconds)
    }

    /// UTC without a zone and without a fraction: the one format that every reader and schema takes.
    private func timestamp(_ time: RunTime?) -> String {
        let origin = findings.run.flatMap { ISO8601Text.date($0.startedAt) } ?? Date(timeIntervalSince1970: 0)
        let date = origin.addingTimeInterval(((time ?? .origin) - .origin).seconds)
        return date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: false).dateSeparator(.dash))
    }
}

extension JUnitReport.Case {
    fileprivate init(_ judgement: Judgement, took: Duration = .zero) {
        self.init(
            name: judgement.check.rawValue, outcome: judgement.outcome, type: judgement.type, message: judgement.message,
            details: judgement.details, took: took)
    }
}
