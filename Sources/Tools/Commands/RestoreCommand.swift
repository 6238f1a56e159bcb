import ArgumentParser
import Foundation
import Journal
import Kubernetes
import Report
import Run
import Verdict

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put back what a run left changed because it was killed.",
        discussion: """
            With --run it works from the run's journal, adds what it did to it and renews the reports. With --run-id or --all it needs
            no journal: every object that a run has changed carries a mark that says how to put it back. Both look in all namespaces, or
            with -n in one; make sure that no run is still going on there.
            The ledger's tables go too, by the login that the experiment names.
            Commands of a journal or a mark are run with --run-commands, or after a question at a terminal.
            What somebody else has changed is left as it is. Exits 0 when everything is proven to be put back, 6 when not.
            """)

    @OptionGroup var kubernetes: KubernetesFlags

    @Option(help: ArgumentHelp("The run's report folder.", valueName: "folder"), completion: .directory)
    var run: String?

    @Option(help: "The run's ID, as in the marks and the reports.")
    var runID: String?

    @Flag(help: "What any run has left.")
    var all = false

    @Flag(help: "Also run the commands that the journal or marks name, and use this machine's passwords for marks; look at them first.")
    var runCommands = false

    func validate() throws {
        guard [run != nil, runID != nil, all].filter({ $0 }).count == 1 else {
            throw ValidationError("exactly one of --run FOLDER, --run-id ID and --all")
        }
    }

    func run() async throws {
        let client = try kubernetes.client()
        let restorer = Restorer(client: client)
        let restorations: [Restorer.Restoration]
        do {
            if let run {
                restorations = try await restorer.restore(journalPath: run + "/journal.ndjson") { runCommands || ask($0) }
                try ReportWriter(directory: run).write(try Findings.judge(journalPath: run + "/journal.ndjson"))
            } else {
                restorations = try await restorer.restore(
                    runID: runID, in: kubernetes.namespace == nil ? .all : .current, runsCommands: runCommands)
            }
        } catch {
            standardError("error: \(error)")
            throw ArgumentParser.ExitCode(AftershockExit.notRestored)
        }
        if restorations.isEmpty { standardOutput("nothing is left to put back") }
        for restoration in restorations {
            standardOutput("\(restoration.proven ? "√" : "×") \(restoration.summary.oneLine): \(restoration.evidence.oneLine)")
        }
        if restorations.contains(where: { !$0.proven }) { throw ArgumentParser.ExitCode(AftershockExit.notRestored) }
    }

    /// Asks at a terminal if the command may be run; elsewhere the answer is no.
    private func ask(_ command: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return false }
        StandardStream.errors.write("The journal names this command: \(command.oneLine.harmless)\nRun it? [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
