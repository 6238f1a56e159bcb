import ArgumentParser
import Foundation
import JSON
import Journal
import Kubernetes
import Report
import Run
import Secrets
import Verdict

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore what a killed run has left changed.",
        discussion: """
            With --run, it reads the run's journal, adds its own actions to it and writes the reports again. With --run-id or --all, it
            needs no journal: every object that a run has changed carries a mark that says how to restore it. Both search all
            namespaces, or only the one that -n names; make sure that no run is in progress there.
            It also removes the ledger's tables, with the login that the experiment names.
            It runs the commands of a journal or a mark only with --run-commands, or after it has asked at a terminal.
            It does not touch changes that somebody else has made. Exit code: 0 if everything is proven to be restored, 6 if not.
            """)

    @OptionGroup var kubernetes: KubernetesFlags

    @Option(help: ArgumentHelp("The run's report folder.", valueName: "folder"), completion: .directory)
    var run: String?

    @Option(help: "The run's ID, as the marks and the reports show it.")
    var runID: String?

    @Flag(help: "Restore what any run has left.")
    var all = false

    @Flag(help: "Also run the commands that the journal or the marks name, and use this machine's passwords for marks; read them first.")
    var runCommands = false

    @OptionGroup var output: OutputOption

    func validate() throws {
        guard [run != nil, runID != nil, all].filter({ $0 }).count == 1 else {
            throw ValidationError("give exactly one of --run FOLDER, --run-id ID and --all")
        }
    }

    func run() async throws {
        let journals = run.map(RunFolder.journals) ?? []
        if let run, journals.isEmpty {
            throw CommandError.usage("there is no \(run)/journal.ndjson; give the report folder of a run, or --all")
        }
        let client = try kubernetes.client()
        let restorer = Restorer(client: client)
        var restorations: [Restorer.Restoration] = []
        var failure: (any Error)?
        do {
            // A failure does not keep the other journals from being restored.
            for journal in journals {
                do {
                    restorations += try await restorer.restore(journalPath: journal) { runCommands || ask($0) }
                    try Self.report(journal)
                } catch {
                    failure = failure ?? error
                }
            }
            if let failure { throw failure }
            if let run, journals != ["\(run)/\(RunFolder.journal)"],
                let missing = try Self.report(run + "/" + RunFolder.journal).missing
            {
                restorations.append(Restorer.Restoration(summary: "the run", proven: false, evidence: missing))
            }
            if run == nil {
                restorations = try await restorer.restore(
                    runID: runID, in: kubernetes.namespace == nil ? .all : .current, runsCommands: runCommands)
            }
        } catch {
            throw CommandError(code: AftershockExit.notRestored, description: words(for: error))
        }
        let lines = restorations.map { "\($0.proven ? "√" : "×") \($0.summary.oneLine): \($0.evidence.oneLine)\n" }
        try output.print(
            text: lines.isEmpty ? "nothing is left to restore\n" : lines.joined(),
            json: [
                "schema": "aftershock.restore/v1", "restored": .bool(restorations.allSatisfy(\.proven)),
                "changes": .array(
                    restorations.map {
                        ["summary": .string($0.summary), "proven": .bool($0.proven), "evidence": .string($0.evidence.withoutSecrets)]
                    }),
            ])
        if restorations.contains(where: { !$0.proven }) { throw ArgumentParser.ExitCode(AftershockExit.notRestored) }
    }

    /// Writes the reports beside a journal, or into the folders of the journals of a run's experiments.
    @discardableResult
    private static func report(_ journal: String) throws -> Findings {
        let findings = try Findings.judge(journalPath: journal)
        try ReportWriter(directory: (journal as NSString).deletingLastPathComponent).write(findings)
        return findings
    }

    /// Asks at a terminal whether the command may be run. Without a terminal, the answer is no.
    private func ask(_ command: String) -> Bool {
        guard isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 else { return false }
        StandardStream.errors.write("The journal names this command: \(command.oneLine.harmless)\nRun it? [y/N] ")
        return ["y", "yes"].contains(readLine()?.lowercased() ?? "")
    }
}
