import ArgumentParser
import Foundation
import Journal
import Report
import Verdict

struct MergeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Merge the reports of several runs into one.",
        discussion: """
            Judges each run from its journal, and writes one report.html, junit.xml, results.json, metrics.prom and repeats.csv for all of
            them. The exit code is that of the worst run. A folder that shards of a fleet share stands for the last run of each cluster.
            """)

    @Argument(
        help: ArgumentHelp("The report folders of the runs, or the folder that the shards of a fleet share.", valueName: "folder"),
        completion: .directory)
    var folders: [String]

    @Option(help: ArgumentHelp("The folder to write to.", valueName: "folder"), completion: .directory)
    var to: String

    @Option(help: "The form of junit.xml: valid against junit-10.xsd, or with properties in the testcases as well.")
    var junitProfile = JUnitOptions.Profile.standard

    func run() throws {
        let report: MergedReport
        do {
            report = MergedReport(
                try folders.flatMap(FleetFolder.runs).map { folder in
                    let findings = try Findings.judge(journalPath: (folder as NSString).appendingPathComponent("journal.ndjson"))
                    return MergedReport.Part(folder: URL(fileURLWithPath: folder).path, findings: findings)
                })
            try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
            try report.write(to: to, junit: junitProfile)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        standardOutput(report.text(width: StandardStream.width), terminator: "")
        throw ExitCode(report.exitCode.rawValue)
    }
}
