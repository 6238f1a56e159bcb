import ArgumentParser
import Experiment
import Foundation
import Journal
import Report
import Verdict

struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Judge a stored run again, from its journal alone, and write its reports.",
        discussion: """
            The limits are those of the experiment files as they were run, unless others are given here. Needs no cluster.
            Exits as 'run' does.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    @Argument(help: ArgumentHelp("The run's report folder, or its journal.", valueName: "folder"), completion: .directory)
    var path: String

    @Option(help: ArgumentHelp("Write the reports there instead of beside the journal.", valueName: "folder"), completion: .directory)
    var to: String?

    @Option(
        help: ArgumentHelp("The downtime allowed in every repeat, instead of what the files say.", valueName: "duration"),
        transform: durationArgument)
    var maxDowntime: Duration?

    @Option(
        help: ArgumentHelp("The time allowed from the fault to health, instead of what the files say.", valueName: "duration"),
        transform: durationArgument)
    var recoveredWithin: Duration?

    @Option(help: ArgumentHelp("The lost writes allowed, instead of what the files say.", valueName: "count"))
    var lostWrites: Int?

    @Option(help: "How junit.xml is written: valid against junit-10.xsd, or with properties in its testcases too.")
    var junitProfile = JUnitOptions.Profile.standard

    @Option(name: [.short, .long], help: "What to print: a table, or results.json.")
    var output = Format.text

    func validate() throws {
        let rejudged = maxDowntime != nil || recoveredWithin != nil || lostWrites != nil
        guard !rejudged || to != nil else {
            throw ValidationError("other limits need --to: the run's own verdict is not overwritten")
        }
    }

    func run() throws {
        let journal = isFolder(path) ? (path as NSString).appendingPathComponent("journal.ndjson") : path
        guard !JournalReader.isInUse(journal) else {
            throw CommandError.usage("\(journal) is in use: its run, or a restore of it, still goes on; wait for its end")
        }
        var limits = Limits()
        limits.maxDowntime = maxDowntime
        limits.recoveredWithin = recoveredWithin
        limits.lostWrites = lostWrites
        let findings: Findings
        let beside = (journal as NSString).deletingLastPathComponent
        let folder = to ?? (beside.isEmpty ? "." : beside)
        do {
            findings = try Findings.judge(journalPath: journal, limits: limits)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try ReportWriter(directory: folder, junit: junitProfile).write(findings)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        switch output {
        case .text:
            TerminalReport.print(findings)
        case .json:
            let results = try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(ReportWriter.File.results.rawValue))
            StandardStream.output.write(String(decoding: results, as: UTF8.self))
        }
        throw ExitCode(findings.exitCode.rawValue)
    }
}
