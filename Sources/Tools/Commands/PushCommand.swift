import ArgumentParser
import Foundation
import Journal
import Report
import Verdict

struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Send a stored run to an OpenTelemetry receiver, or its changed verdict to a webhook.",
        discussion: """
            Sends what 'run' sends at its end with the same options. A run that is sent twice is one trace.
            Exit codes: 0 all was taken, 64 usage, 70 something was not taken.
            """)

    @Argument(help: ArgumentHelp("The run's report folder.", valueName: "folder"), completion: .directory)
    var folder: String

    @OptionGroup var options: PushOptions
    @OptionGroup var earlier: EarlierRuns

    func run() async throws {
        let push = try options.push()
        guard !push.isEmpty else { throw CommandError.usage("there is no receiver: give --otlp-endpoint or --webhook") }
        let findings: Findings
        do {
            findings = try Findings.judge(journalPath: RunFolder.journal(in: folder))
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        guard await push.send(findings, folder: folder, since: earlier) else { throw ExitCode(AftershockExit.internal) }
    }
}

/// The options for the earlier runs that a run is compared with.
struct EarlierRuns: ParsableArguments {
    @Option(
        help: ArgumentHelp("The file to which 'run --history' appends, for the verdict before.", valueName: "file"), completion: .file())
    var history: String?

    @Option(
        help: ArgumentHelp("An earlier run (a report folder, or a folder of them); may be repeated.", valueName: "folder"),
        completion: .directory)
    var baseline: [String] = []

    /// The earlier runs, if any: the first run has no history file yet.
    func entries() throws -> [HistoryEntry] {
        let kept = [history].compactMap(\.self).filter { FileManager.default.fileExists(atPath: $0) }
        return try (kept + baseline.flatMap(ReportFiles.results)).flatMap(HistoryEntry.load)
    }
}
