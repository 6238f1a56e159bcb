import Experiment
import Foundation
import JSON
import Journal
public import Verdict

/// Several runs, of a matrix or of many clusters, as one report, one `junit.xml`, one metrics file and one table.
///
/// It writes each run at once: of ten thousand runs, only one is in memory at a time, and only the names of the others are kept.
public struct MergedReport {
    static let schema = "aftershock.merged/v1"

    private let directory: String
    private let junit: JUnitOptions
    private var names = MergedNames()
    private var codes: [RunExitCode: Int] = [:]
    private var totals = JUnitReport.Totals()
    private var page: MergedPage

    private let runs: Spill
    private let suites: Spill
    private let repeats: Spill
    private var families: [(head: String, samples: Spill)] = []

    public init(to directory: String, junit profile: JUnitOptions.Profile = .standard) throws {
        try self.init(to: directory, junit: profile, sizes: MergedPage.Sizes())
    }

    init(to directory: String, junit profile: JUnitOptions.Profile = .standard, sizes: MergedPage.Sizes) throws {
        self.directory = directory
        junit = JUnitOptions(profile: profile, attachments: directory)
        page = try MergedPage(in: directory, sizes)
        runs = try Spill(in: directory)
        suites = try Spill(in: directory)
        repeats = try Spill(in: directory)
    }

    /// Adds a run.
    ///
    /// - Parameters:
    ///   - cluster: the cluster's name in its fleet; `nil` for the run's own name of it.
    ///   - folder: the folder of its own reports.
    /// - Returns: the folder that has the same run of the same cluster already; the run is then not counted again.
    public mutating func add(_ findings: Findings, cluster: String? = nil, folder: String) throws -> String? {
        if let earlier = names.earlier(findings, cluster: cluster, folder: folder) { return earlier }
        let part = Part(findings, name: names.name(findings, cluster: cluster, folder: folder), folder: folder)
        let results = MergedRun(folder: folder, cluster: part.name, reason: part.reason, results: Results(findings))
        try runs.append(runs.isEmpty ? "" : ",\n")
        try runs.append(try JSONEncoder.stable().encode(results))
        codes[part.exitCode, default: 0] += 1
        let own = try JUnitReport.suites(part.findings, place: part.name, first: totals.suites, reason: part.reason, options: junit)
        try suites.append(own.text)
        totals += own.totals
        for family in MetricsReport(part.findings).families { try addSamples(family) }
        try repeats.append(RepeatsReport(part.findings).rows)
        try page.add(part)
        return nil
    }

    /// Adds a folder that cannot be read. The report names it, and it does not pass.
    public mutating func add(unreadable reason: String, cluster: String, folder: String) throws {
        var reducer = FindingsReducer()
        reducer.addDamage(reason)
        _ = try add(reducer.findings(), cluster: cluster, folder: folder)
    }

    private mutating func addSamples(_ family: MetricsReport.Family) throws {
        let known = families.first { $0.head == family.head }?.samples
        let samples = try known ?? Spill(in: directory)
        if known == nil { families.append((family.head, samples)) }
        try samples.append(family.lines)
    }

    public var exitCode: RunExitCode { .worst(codes.keys) }

    /// Writes the files, each in one step.
    public mutating func write() throws {
        let document = try Spill(in: directory)
        try document.append(try XMLDocument.startTag("testsuites", totals.attributes))
        try document.append(suites)
        try document.append("</testsuites>\n")
        try document.become(ReportWriter.File.junit.rawValue, in: directory)

        let metrics = try Spill(in: directory)
        for family in families {
            try metrics.append(family.head)
            try metrics.append(family.samples)
        }
        let counts = codes.sorted { $0.key.rawValue < $1.key.rawValue }.map { (["exit_code": String($0.key.rawValue)], Double($0.value)) }
        let merged = MetricsReport.Family(name: "aftershock_merged_runs", help: "The merged runs, by their exit code.", samples: counts)
        try metrics.append(merged.head + merged.lines)
        try metrics.become(ReportWriter.File.metrics.rawValue, in: directory)

        let table = try Spill(in: directory)
        try table.append(RepeatsReport.head)
        try table.append(repeats)
        try table.become(ReportWriter.File.repeats.rawValue, in: directory)

        let results = try Spill(in: directory)
        try results.append("{\"exitCode\":\(exitCode.rawValue),\"runs\":[\n")
        try results.append(runs)
        try results.append("\n],\"schema\":\"\(Self.schema)\"}\n")
        try results.become(ReportWriter.File.results.rawValue, in: directory)

        try page.whole(exitCode).become(ReportWriter.File.html.rawValue, in: directory)
    }

    public var text: String { text(width: nil) }

    /// Returns a line for each of the worst experiments, and the sums over all of them.
    ///
    /// - Parameter width: the width of the table in columns; `nil` for no limit.
    public func text(width: Int?) -> String {
        let lines = page.table.lines(width: width) + page.remainder + page.sums
        let count = codes.values.reduce(0, +)
        return (lines + ["\(counted(count, "run")), exit code \(exitCode.rawValue): \(exitCode.meaning)"]).joined(separator: "\n") + "\n"
    }
}

extension MergedReport {
    /// A run with its name in the report.
    struct Part {
        var findings: Findings
        var name: String
        var folder: String
        /// The reason why the run as a whole has no verdict, or `nil`.
        var reason: String?

        init(_ findings: Findings, name: String, folder: String) {
            self.findings = findings
            self.findings.run?.context = name
            self.name = name
            self.folder = folder
            switch findings.state {
            case .judged: reason = nil
            case .running: reason = "the run goes on: nothing is judged yet"
            case .aborted: reason = findings.interruption.map { "\($0.cause): \($0.message)" } ?? "the run has ended early"
            case .killed: reason = findings.damage ?? "the run was killed: its journal has no end"
            }
        }

        var exitCode: RunExitCode { findings.state == .running ? .invalid : findings.exitCode }
    }
}

/// The run's object in the `results.json` of several runs.
private struct MergedRun: Encodable {
    var folder: String
    var cluster: String
    var reason: String?
    var results: Results
}

/// The unique names of the clusters, for the metrics' labels and the suites.
private struct MergedNames {
    /// The folder of each run.
    private var runs: [String: String] = [:]
    /// Hashes, because the names of ten thousand clusters would take most of the memory.
    private var subjects: Set<Int> = []

    mutating func earlier(_ findings: Findings, cluster: String?, folder: String) -> String? {
        guard let run = findings.run else { return nil }
        let key = "\(run.id) \(cluster ?? run.context)"
        if let earlier = runs[key] { return earlier }
        runs[key] = folder
        return nil
    }

    /// Returns the cluster's name, with the folder if another run has the same name and an experiment on the same target: many small
    /// clusters are named `default`.
    mutating func name(_ findings: Findings, cluster: String?, folder: String) -> String {
        let name = cluster ?? findings.run?.context ?? folder
        func keys(_ name: String) -> [Int] {
            findings.experiments.map { found in
                let target = found.experiment?.target
                return [name, target?.namespace, target?.workload, found.name].hashValue
            }
        }
        let own = keys(name)
        guard subjects.isDisjoint(with: own) else {
            let longer = "\(name) (\(folder))"
            subjects.formUnion(keys(longer))
            return longer
        }
        subjects.formUnion(own)
        return name
    }
}
