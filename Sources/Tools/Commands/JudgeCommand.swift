import ArgumentParser
import Experiment
import Foundation
import Journal
import Report
import Verdict

struct JudgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "judge",
        abstract: "Judge a stored run again from its journal, and write its reports.",
        discussion: """
            Uses the limits under which the experiments were run, unless you give others. Needs no cluster.
            The exit codes are those of 'run'.
            """)

    @Argument(help: ArgumentHelp("The run's report folder, or its journal.", valueName: "folder"), completion: .directory)
    var path: String

    @Option(help: ArgumentHelp("Write the reports there instead of beside the journal.", valueName: "folder"), completion: .directory)
    var to: String?

    @Option(
        help: ArgumentHelp("The downtime that is allowed in every repeat, instead of the files' limit.", valueName: "duration"),
        transform: durationArgument)
    var maxDowntime: Duration?

    @Option(
        help: ArgumentHelp("The time that is allowed from the fault to the recovery, instead of the files' limit.", valueName: "duration"),
        transform: durationArgument)
    var recoveredWithin: Duration?

    @Option(help: ArgumentHelp("The number of lost writes that is allowed, instead of the files' limit.", valueName: "count"))
    var lostWrites: Int?

    @Option(help: "The form of junit.xml: valid against junit-10.xsd, or with properties in the testcases as well.")
    var junitProfile = JUnitOptions.Profile.standard

    @OptionGroup var output: OutputOption

    func validate() throws {
        let rejudged = maxDowntime != nil || recoveredWithin != nil || lostWrites != nil
        guard !rejudged || to != nil else {
            throw ValidationError("other limits need --to, because the run's own verdict is never overwritten")
        }
    }

    func run() throws {
        guard FileManager.default.fileExists(atPath: path) else {
            let meant = Misspelling.suggestion([path], in: ReportCommand.self).map { ". Did you mean 'report \($0)'?" } ?? ""
            throw CommandError.usage("there is no \(path)\(meant)")
        }
        let journal = isFolder(path) ? (path as NSString).appendingPathComponent(RunFolder.journal) : path
        for journal in isFolder(path) ? RunFolder.journals(in: path) : [journal] where JournalReader.isInUse(journal) {
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
            let progress = ReadingProgress(journal)
            findings = try Findings.judge(journalPath: journal, limits: limits) { progress.tell($0) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try ReportWriter(directory: folder, junit: junitProfile).write(findings)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        switch output.format {
        case .text:
            TerminalReport.print(findings)
        case .json:
            let results = try Data(contentsOf: URL(fileURLWithPath: folder).appendingPathComponent(ReportWriter.File.results.rawValue))
            StandardStream.output.write(String(decoding: results, as: UTF8.self))
        }
        throw ExitCode(findings.exitCode.rawValue)
    }
}
