import ArgumentParser
import Foundation
import Journal
import Report
import Verdict

struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show the results of experiments over many runs.",
        discussion: """
            Shows for each experiment and target: the downtime with its bounds, the verdicts, the nights in which the downtime changed
            (Pettitt's test; one false alarm in a thousand experiments that did not change), if it is flaky, since when a check has not
            passed, and when it last passed. The exit code is that of the newest run of each experiment, without the failures that
            --known acknowledges.
            """)

    @Argument(
        help: ArgumentHelp("Report folders, folders of report folders, or files that 'run --history' keeps.", valueName: "path"),
        completion: .file())
    var paths: [String]

    @Option(
        help: ArgumentHelp("A YAML list of acknowledged failures: experiment, check, why, owner, expires.", valueName: "file"),
        completion: .file(extensions: ["yaml"]))
    var known: String?

    @Option(help: ArgumentHelp("Write history.html and history.json to this folder.", valueName: "folder"), completion: .directory)
    var to: String?

    @OptionGroup var output: OutputOption

    func run() throws {
        let history: History
        let report: HistoryReport
        let known = try known.map { try parsed($0, by: KnownFailure.parse) } ?? []
        do {
            let today = Date().formatted(.iso8601.year().month().day())
            history = History(try paths.flatMap(ReportFiles.results).flatMap(HistoryEntry.load), known: known, today: today)
            report = HistoryReport(history)
            if let to {
                try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
                try report.html().write(to: URL(fileURLWithPath: to).appendingPathComponent("history.html"), options: .atomic)
                try report.data().write(to: URL(fileURLWithPath: to).appendingPathComponent("history.json"), options: .atomic)
            }
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        switch output.format {
        case .text: standardOutput(report.text, terminator: "")
        case .json: StandardStream.output.write(String(decoding: try report.data(), as: UTF8.self))
        }
        throw ExitCode(history.exitCode.rawValue)
    }
}
