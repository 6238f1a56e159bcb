import ArgumentParser
import Fleet
import Foundation
import Journal
import Report
import Verdict

struct MergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "merge",
        abstract: "Merge the reports of several runs into one.",
        discussion: """
            Judges each run from its journal, and writes one report.html, junit.xml, results.json, metrics.prom and repeats.csv for all of
            them. The exit code is that of the worst run. A folder of report folders stands for all of them; where shards of a fleet share
            it, for the last run of each cluster. A folder without a run, and a run that goes on or was killed, are named and are no pass.
            A run that two folders have is counted once.
            """)

    @Argument(
        help: ArgumentHelp(
            "The report folders of the runs, folders of them, or the folder that the shards of a fleet share.", valueName: "folder"),
        completion: .directory)
    var folders: [String]

    @Option(help: ArgumentHelp("The folder to write to.", valueName: "folder"), completion: .directory)
    var to: String

    @Option(
        help: ArgumentHelp("The fleet file: a cluster of it that has no run is named, and is no pass.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var fleet: String?

    @Option(help: "The form of junit.xml: valid against junit-10.xsd, or with properties in the testcases as well.")
    var junitProfile = JUnitOptions.Profile.standard

    func run() async throws {
        let expected = try fleet.map { try LoadedFleet($0).fleet.clusters.map(\.name) } ?? []
        var report: MergedReport
        do {
            let members = try folders.flatMap { try FleetFolder.members(of: $0, except: to) }
            try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
            report = try MergedReport(to: to, junit: junitProfile)
            try await add(members, to: &report)
            let seen = Set(members.compactMap(\.cluster))
            for cluster in expected where !seen.contains(cluster) {
                try report.add(unreadable: "the fleet has this cluster, and no folder is its own", cluster: cluster, folder: cluster)
            }
            try report.write()
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        standardOutput(report.text(width: StandardStream.width), terminator: "")
        throw ExitCode(report.exitCode.rawValue)
    }

    /// Judges one run for each processor at a time, and adds the runs in their order.
    private func add(_ members: [FleetFolder.Member], to report: inout MergedReport) async throws {
        var judged: [Task<Result<Findings, JournalError>, Never>] = []
        var rest = members[...]
        for member in members {
            while judged.count < ProcessInfo.processInfo.activeProcessorCount, let next = rest.popFirst() {
                let journal = RunFolder.journal(in: next.folder)
                judged.append(
                    Task.detached {
                        Result { () throws(JournalError) in
                            try JournalJudge(path: journal).findings(isRunning: JournalReader.isInUse(journal))
                        }
                    })
            }
            let folder = URL(fileURLWithPath: member.folder).path
            switch await judged.removeFirst().value {
            case .success(let findings):
                if let earlier = try report.add(findings, cluster: member.cluster, folder: folder) {
                    standardError("\(member.folder) has the run of \(earlier): it is counted once")
                }
            case .failure(let error):
                try report.add(unreadable: error.description, cluster: member.cluster ?? member.folder, folder: folder)
            }
        }
    }
}
