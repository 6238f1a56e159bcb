import ArgumentParser
import Foundation
import Journal
import Report
import Verdict

struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Compare the downtimes of a run with those of an earlier run.",
        discussion: """
            A track is a regression if the difference is significant (Mann-Whitney, corrected for all comparisons), larger than allowed,
            and more than two probe intervals.

            If the run is a report folder with its journal, its junit.xml gets the testcase 'baseline'.

            Exit code: 0 if no track is a regression, 1 if one is, 4 if nothing could be compared.
            """)

    @Argument(help: ArgumentHelp("The earlier run's report folder, or its results.json.", valueName: "baseline"), completion: .directory)
    var baseline: String

    @Argument(help: ArgumentHelp("The run's report folder, or its results.json.", valueName: "run"), completion: .directory)
    var current: String

    @Option(help: ArgumentHelp("The growth of the median downtime that is allowed, in percent.", valueName: "per cent"))
    var maxRegression = 20.0

    @Option(help: ArgumentHelp("The accepted probability of a false alarm.", valueName: "probability"))
    var alpha = 0.05

    @OptionGroup var output: OutputOption

    func validate() throws {
        guard maxRegression >= 0 else { throw ValidationError("--max-regression is 0 or more") }
        guard alpha > 0, alpha < 1 else { throw ValidationError("--alpha is between 0 and 1") }
    }

    func run() throws {
        let (pairs, mismatches) = StoredResults.pairs(baseline: try load(baseline), current: try load(current))
        let comparisons = Comparison.compare(pairs, maxRegression: maxRegression / 100, alpha: alpha)
        let report = ComparisonReport(comparisons, mismatches: mismatches, maxRegression: maxRegression / 100)
        try addTestcase(report)
        switch output.format {
        case .text: standardOutput(report.text(width: StandardStream.width), terminator: "")
        case .json: StandardStream.output.write(try report.json + "\n")
        }
        if comparisons.contains(where: \.isRegression) { throw ExitCode(RunExitCode.failed.rawValue) }
        if comparisons.allSatisfy({ $0.outcome == .tooFew }) { throw ExitCode(RunExitCode.invalid.rawValue) }
    }

    /// The run's own judgements come from its journal once more, so that comparing again changes nothing.
    private func addTestcase(_ report: ComparisonReport) throws {
        let journal = (current as NSString).appendingPathComponent("journal.ndjson")
        guard FileManager.default.fileExists(atPath: journal) else { return }
        do {
            let findings = try Findings.judge(journalPath: journal)
            try ReportWriter(directory: current).write(findings, comparison: report)
        } catch {
            throw CommandError.unusable("junit.xml did not get the testcase 'baseline': \(words(for: error))")
        }
    }

    private func load(_ path: String) throws -> StoredResults {
        let file = isFolder(path) ? (path as NSString).appendingPathComponent(ReportWriter.File.results.rawValue) : path
        do {
            return try StoredResults(try Data(contentsOf: URL(fileURLWithPath: file)), path: file)
        } catch let error as ReportError {
            standardError("error: \(error)")
        } catch {
            standardError("error: \(file) cannot be read: \(words(for: error))")
        }
        throw ExitCode(AftershockExit.usage)
    }
}
