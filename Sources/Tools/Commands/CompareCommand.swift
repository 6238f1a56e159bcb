import ArgumentParser
import Foundation
import Journal
import Report
import Verdict

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare the downtimes and losses of runs with those of earlier runs.",
        discussion: """
            A track is a regression if the difference is significant (Mann-Whitney, corrected for all comparisons), larger than allowed,
            and more than two probe intervals. With too few repeats for that, the result says what they show and how many are missing.
            Lost or damaged rows are a regression if the baseline had none.

            A folder without a results.json stands for the report folders in it, as many nights. Several paths of one side are pooled.
            The folders are only read.

            Exit code: 0 if nothing is a regression, 1 if something is, 4 if nothing could be compared.
            """)

    @Option(
        name: .customLong("baseline"),
        help: ArgumentHelp(
            "An earlier run's report folder or results.json, instead of the first path; may be repeated.", valueName: "path"),
        completion: .directory)
    var baselines: [String] = []

    @Argument(
        help: ArgumentHelp(
            "The baseline and the runs, or with --baseline the runs alone: report folders, or their results.json.", valueName: "path"),
        completion: .directory)
    var paths: [String]

    @OptionGroup var limits: ComparisonLimits

    @Option(
        help: ArgumentHelp("Write a junit.xml of the runs, with the testcase 'baseline', to this file.", valueName: "file"),
        completion: .file(extensions: ["xml"]))
    var junit: String?

    @OptionGroup var output: OutputOption

    private var sides: (baseline: [String], current: [String]) {
        baselines.isEmpty ? (Array(paths.prefix(1)), Array(paths.dropFirst())) : (baselines, paths)
    }

    func validate() throws {
        if sides.current.isEmpty { throw ValidationError("a baseline and at least one run to compare with it are needed") }
    }

    func run() throws {
        let report: ComparisonReport
        do {
            report = limits.compare(
                try StoredResults(pooling: sides.baseline), try StoredResults(pooling: sides.current))
            if let junit { try writeJUnit(report, to: junit) }
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        switch output.format {
        case .text: standardOutput(report.text(width: StandardStream.width), terminator: "")
        case .json: StandardStream.output.write(try report.json + "\n")
        }
        if report.isRegression { throw ExitCode(RunExitCode.failed.rawValue) }
        if report.isUndecided { throw ExitCode(RunExitCode.invalid.rawValue) }
    }

    /// The verdicts of the runs themselves come from their journals.
    private func writeJUnit(_ report: ComparisonReport, to path: String) throws {
        let findings = try sides.current.flatMap(ReportFiles.results).map { results in
            let folder = (results as NSString).deletingLastPathComponent
            return try Findings.judge(journalPath: RunFolder.journal(in: folder))
        }
        try ReportWriter.junit(findings, comparison: report).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// The accepted difference from a baseline.
struct ComparisonLimits: ParsableArguments {
    @Option(help: ArgumentHelp("The growth of the median downtime over the baseline that is allowed, in percent.", valueName: "per cent"))
    var maxRegression = 20.0

    @Option(help: ArgumentHelp("The accepted probability of a false alarm when runs are compared.", valueName: "probability"))
    var alpha = 0.05

    func validate() throws {
        guard maxRegression >= 0 else { throw ValidationError("--max-regression is 0 or more") }
        guard alpha > 0, alpha < 1 else { throw ValidationError("--alpha is between 0 and 1") }
    }

    func compare(_ baseline: StoredResults, _ current: StoredResults) -> ComparisonReport {
        ComparisonReport(baseline: baseline, current: current, maxRegression: maxRegression / 100, alpha: alpha)
    }
}
