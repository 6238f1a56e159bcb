import Experiment
import Foundation
import Journal
import Verdict

/// The settings of `junit.xml`.
public struct JUnitOptions: Sendable {
    /// The form of `junit.xml`.
    public enum Profile: String, Sendable, CaseIterable {
        /// Valid against Jenkins' junit-10.xsd.
        case standard
        /// With `properties` and `file` in every testcase, which junit-10.xsd forbids and several readers take.
        case extended
    }

    public var profile: Profile
    /// The folder of the attachments, as the reader's path; `nil` for no attachments.
    public var attachments: String?

    public init(profile: Profile = .standard, attachments: String? = nil) {
        self.profile = profile
        self.attachments = attachments
    }
}

/// `junit.xml`, valid against Jenkins' junit-10.xsd and readable by the others: one suite an experiment, always the same testcases,
/// each with at most one of `failure` (the promise was broken), `error` (inconclusive) and `skipped` (not evaluated). One cause is one
/// failure: a check that follows from it is skipped, with a reference to it.
struct JUnitReport {
    private static let messageLimit = 250
    private static let bodyLimit = 64_000

    private let all: [Findings]
    /// Adds the testcase `baseline` to every suite.
    let comparison: ComparisonReport?
    let options: JUnitOptions

    init(_ findings: Findings, comparison: ComparisonReport? = nil, options: JUnitOptions = JUnitOptions()) {
        self.init([findings], comparison: comparison, options: options)
    }

    init(_ all: [Findings], comparison: ComparisonReport? = nil, options: JUnitOptions = JUnitOptions()) {
        self.all = all
        self.comparison = comparison
        self.options = options
    }

    fileprivate struct Suite {
        var run: Findings.Run?
        var name: String
        var cases: [Case]
        var properties: [(String, String)]
        var started: RunTime?
        /// The sum of the testcases' times.
        var milliseconds: Int64 { cases.reduce(0) { $0 + $1.milliseconds } }

        func count(_ outcome: Judgement.Outcome) -> Int { cases.count { $0.outcome == outcome } }
    }

    /// The content of a testcase, from a ``Check`` or a comparison.
    struct Case {
        var name: String
        var outcome: Judgement.Outcome
        var type: String
        var message: String
        var details: [String]
        var milliseconds: Int64 = 0
        /// The properties of the check, for the extended profile.
        var properties: [(String, String)] = []
    }

    /// The sums in the document's root.
    struct Totals {
        fileprivate(set) var suites = 0
        fileprivate var tests = 0
        fileprivate var failures = 0
        fileprivate var errors = 0
        fileprivate var milliseconds: Int64 = 0

        fileprivate init(_ suites: [Suite]) {
            self.suites = suites.count
            tests = suites.reduce(0) { $0 + $1.cases.count }
            failures = suites.reduce(0) { $0 + $1.count(.failed) }
            errors = suites.reduce(0) { $0 + $1.count(.undecided) }
            milliseconds = suites.reduce(0) { $0 + $1.milliseconds }
        }

        init() { self.init([]) }

        static func += (sum: inout Totals, more: Totals) {
            sum.suites += more.suites
            sum.tests += more.tests
            sum.failures += more.failures
            sum.errors += more.errors
            sum.milliseconds += more.milliseconds
        }

        var attributes: [(String, String)] {
            [
                ("name", "aftershock"), ("tests", String(tests)), ("failures", String(failures)), ("errors", String(errors)),
                ("time", JUnitReport.seconds(milliseconds)),
            ]
        }
    }

    func data() throws -> Data {
        let suites = all.flatMap { findings in self.suites(findings, place: all.count > 1 ? findings.run?.context ?? "unknown" : nil) }
        var document = try XMLDocument()
        document.element("testsuites", Totals(suites).attributes) { document in
            for (index, suite) in suites.enumerated() { write(suite, index, &document) }
        }
        return try document.data()
    }

    /// Returns the suites of one run of several, without the root element.
    ///
    /// - Parameters:
    ///   - place: the name of its cluster.
    ///   - first: the number of the suites before them.
    ///   - reason: the reason why the run as a whole has no verdict, if so.
    static func suites(
        _ findings: Findings, place: String, first: Int, reason: String?, options: JUnitOptions
    ) throws -> (text: Data, totals: Totals) {
        let report = JUnitReport(findings, options: options)
        var suites = report.suites(findings, place: place)
        if let reason, !findings.experiments.isEmpty { suites.append(report.whole(findings, place: place, reason: reason)) }
        var document = try XMLDocument(isPart: true)
        for (index, suite) in suites.enumerated() { report.write(suite, first + index, &document) }
        return (try document.data(), Totals(suites))
    }

    /// Returns the suite of a run that is inconclusive as a whole: some readers take a file without a testcase for a pass.
    private func whole(_ findings: Findings, place: String?, reason: String) -> Suite {
        let cases = Check.allCases.map { check in
            let judgement =
                check == .preflight && (findings.state != .running || place != nil)
                ? Judgement(check, .undecided, type: "aborted", message: reason)
                : Judgement(check, .skipped, type: "skipped", message: "not evaluated: \(reason)")
            return Case(judgement)
        }
        let name = [place, "aftershock"].compactMap(\.self).joined(separator: "/")
        return Suite(run: findings.run, name: name, cases: cases, properties: runProperties(findings))
    }

    /// - Parameter place: the cluster's name, because several runs may have the same experiments.
    private func suites(_ findings: Findings, place: String?) -> [Suite] {
        guard !findings.experiments.isEmpty else {
            return [whole(findings, place: place, reason: findings.damage ?? "the journal has no experiment")]
        }
        return findings.experiments.enumerated().map { index, experiment in
            let times = JUnitTimes(experiment)
            let numbers = JUnitProperties(experiment, isJudged: findings.state != .running)
            var cases = experiment.judgements.map { judgement in
                Case(judgement, milliseconds: times.milliseconds(of: judgement.check), properties: numbers.of(judgement.check))
            }
            if let comparison { cases.append(comparison.testcase(of: experiment.name)) }
            // A reader that keeps the first value of a property gets those of the run from the first suite.
            return Suite(
                run: findings.run, name: [place, experiment.name].compactMap(\.self).joined(separator: "/"), cases: cases,
                properties: (index == 0 ? runProperties(findings) : []) + numbers.ofSuite,
                started: experiment.started)
        }
    }

    private func write(_ suite: Suite, _ index: Int, _ document: inout XMLDocument) {
        document.element(
            "testsuite",
            [
                ("name", suite.name.line(limit: 200)), ("tests", String(suite.cases.count)), ("failures", String(suite.count(.failed))),
                ("errors", String(suite.count(.undecided))), ("skipped", String(suite.count(.skipped))),
                ("time", Self.seconds(suite.milliseconds)), ("timestamp", timestamp(suite)),
                ("hostname", (suite.run?.host ?? "localhost").line(limit: 200)), ("id", String(index)), ("package", "aftershock"),
            ]
        ) { document in
            write(suite.properties, &document)
            for testcase in suite.cases { write(testcase, suite, &document) }
            document.element("system-out", [])
            document.element("system-err", [])
        }
    }

    private func write(_ testcase: Case, _ suite: Suite, _ document: inout XMLDocument) {
        let className = "aftershock.\(suite.name.line(limit: 200))"
        let message = testcase.message.line(limit: Self.messageLimit)
        // Some readers show only the message, and some only the body, so the line is in both.
        let body = String(([testcase.message] + testcase.details).joined(separator: "\n").plain.prefix(Self.bodyLimit))
        var attributes = [("name", testcase.name), ("classname", className), ("time", Self.seconds(testcase.milliseconds))]
        if options.profile == .extended, let file = suite.run?.sources.first?.file { attributes.append(("file", file.line(limit: 500))) }
        document.element("testcase", attributes) { document in
            if options.profile == .extended, !testcase.properties.isEmpty { write(testcase.properties, &document) }
            switch testcase.outcome {
            case .passed: document.element("system-out", []) { $0.text(body) }
            case .failed:
                document.element("failure", [("message", message), ("type", testcase.type)]) { $0.text(body) }
                writeAttachments(&document)
            case .undecided:
                document.element("error", [("message", message), ("type", testcase.type)]) { $0.text(body) }
                writeAttachments(&document)
            case .skipped: document.element("skipped", [("message", message)])
            }
        }
    }

    private func write(_ properties: [(String, String)], _ document: inout XMLDocument) {
        document.element("properties", []) { document in
            for (name, value) in properties {
                document.element("property", [("name", name.line(limit: 200)), ("value", value.line(limit: 1000))])
            }
        }
    }

    /// Some readers take only one attachment, so the page is the first.
    private func writeAttachments(_ document: inout XMLDocument) {
        guard let folder = options.attachments else { return }
        let files = [ReportWriter.File.html, .results].map { "[[ATTACHMENT|\((folder as NSString).appendingPathComponent($0.rawValue))]]" }
        document.element("system-out", []) { $0.text(files.joined(separator: "\n").plain) }
    }

    private func runProperties(_ findings: Findings) -> [(String, String)] {
        guard let run = findings.run else { return [] }
        return [
            ("run.id", run.id), ("run.version", run.version), ("run.seed", String(run.seed)), ("kubernetes.context", run.context),
            ("kubernetes.version", run.serverVersion), ("state", findings.state.rawValue),
        ] + (findings.state == .running ? [] : [("exit.code", String(findings.exitCode.rawValue))])
    }

    /// Seconds with a point and three decimals, the only format that every reader accepts.
    fileprivate static func seconds(_ milliseconds: Int64) -> String {
        let rest = String(milliseconds % 1000)
        return "\(milliseconds / 1000).\(String(repeating: "0", count: max(0, 3 - rest.count)))\(rest)"
    }

    /// UTC without a zone and a fraction, the only format that every reader and schema accepts.
    private func timestamp(_ suite: Suite) -> String {
        let origin = suite.run.flatMap { ISO8601Text.date($0.startedAt) } ?? Date(timeIntervalSince1970: 0)
        let date = origin.addingTimeInterval(((suite.started ?? .origin) - .origin).seconds)
        return date.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: false).dateSeparator(.dash))
    }
}

extension JUnitReport.Case {
    fileprivate init(_ judgement: Judgement, milliseconds: Int64 = 0, properties: [(String, String)] = []) {
        self.init(
            name: judgement.check.rawValue, outcome: judgement.outcome, type: judgement.type, message: judgement.message,
            details: judgement.details, milliseconds: milliseconds, properties: properties)
        guard let cause = judgement.follows else { return }
        outcome = .skipped
        message = "follows from \(cause.rawValue): \(judgement.message)"
    }
}
