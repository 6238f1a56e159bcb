import ArgumentParser
import Experiment
import Foundation
import Journal
import Kubernetes
import NIOPosix
import Report
import Run
import Sandbox
import SandboxStore
import Synchronization
import Verdict

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run experiments and judge them.",
        discussion: """
            Probes the service all the time, injects the fault, waits for the recovery, restores all changes, reads every row back, and
            writes the reports. Progress goes to standard error, the final table to standard output.

            Exit codes: 0 pass, 1 the promise was broken, 3 acknowledged data was lost, 4 could not tell, 5 preflight failed,
            6 not restored, 64 usage or bad file, 70 internal error or a full disk, 130/143/129 interrupted (Ctrl-C, SIGTERM, the terminal
            closed) and restored.
            """)

    @OptionGroup var experiments: ExperimentPaths
    @OptionGroup var kubernetes: KubernetesFlags

    @Flag(help: "Start an embedded cluster for the run, and remove it afterwards.")
    var sandbox = false

    @Option(
        help: ArgumentHelp(
            "With --sandbox: a manifest to apply; may be repeated. Default: the manifests in the folder 'targets' beside the experiments.",
            valueName: "file"), completion: .file(extensions: ["yaml"]))
    var apply: [String] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: make the control plane misbehave, to see that the harness notices; may be repeated.", valueName: "name"))
    var sandboxFlaw: [SandboxFlaw] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: make the database misbehave, for example ack-before-commit or lose-one-in=1000; may be repeated.",
            valueName: "name[=value]"), transform: databaseFlawArgument)
    var databaseFlaw: [String] = []

    @Option(name: .customLong("repeat"), help: "The number of repeats of each fault, instead of the experiments' own.")
    var repeats: Int?

    @Option(
        help: ArgumentHelp(
            "The number of experiments that may go on at the same time. Two on the same target, and one that takes a node away from the other, wait for each other. Each has its journal and reports in a folder of its name; the report is of all.",
            valueName: "number"))
    var parallel = 1

    @Option(
        help: ArgumentHelp(
            "The folder for the reports. Default: reports/<time>-<run id>, with the link reports/latest.", valueName: "folder"),
        completion: .directory)
    var reports: String?

    @OptionGroup var confirmedContext: ConfirmedContext

    @Option(help: "The image of helper pods, instead of the experiments' own.")
    var helperImage: String?

    @Option(help: "The seed of the ledger's rows; it is in the reports.")
    var seed: UInt64?

    @Option(help: "The form of junit.xml: valid against junit-10.xsd, or with properties in the testcases as well.")
    var junitProfile = JUnitOptions.Profile.standard

    @Option(
        help: ArgumentHelp(
            "Append the run to this file, which 'aftershock history' reads. The file is created if it does not exist.", valueName: "file"),
        completion: .file())
    var history: String?

    @Option(
        help: ArgumentHelp(
            "Compare the run with this earlier one (a report folder, or a folder of them) as 'aftershock compare' does, and exit 1 when it is worse than allowed; may be repeated.",
            valueName: "folder"), completion: .directory)
    var baseline: [String] = []

    @OptionGroup var comparisonLimits: ComparisonLimits

    @OptionGroup var pushOptions: PushOptions

    @Flag(help: "Leave the ledger's tables in the database.")
    var keepTables = false

    @Flag(name: .shortAndLong, help: "Print no progress, only the final table, warnings and errors.")
    var quiet = false

    @OptionGroup var output: OutputOption

    func validate() throws {
        if let repeats, repeats < 1 { throw ValidationError("--repeat is at least 1") }
        guard (1...1000).contains(parallel) else { throw ValidationError("--parallel must be from 1 to 1000") }
        if !sandboxFlaw.isEmpty || !databaseFlaw.isEmpty, !sandbox {
            throw ValidationError("--sandbox-flaw and --database-flaw go with --sandbox")
        }
        if !apply.isEmpty, !sandbox { throw ValidationError("--apply goes with --sandbox; for another cluster use kubectl apply") }
    }

    func run() async throws {
        let push = try pushOptions.push(isQuiet: quiet)
        let client = sandbox ? nil : try kubernetes.client()
        let namespace = client?.namespace ?? kubernetes.namespace ?? "default"
        let files = try experiments.load(namespace: namespace)
        let earlier: StoredResults?
        do {
            earlier = baseline.isEmpty ? nil : try StoredResults(pooling: baseline)
        } catch {
            throw CommandError.usage("the baseline: \(words(for: error))")
        }
        do {
            if let history { try HistoryEntry.prove(history) }
        } catch {
            throw CommandError.usage("\(error)")
        }
        if parallel > 1 { try OpenFiles.provide(for: files.flatMap(\.experiments), atOnce: parallel) }
        let runID = String(UInt32.random(in: .min ... .max), radix: 16).leftPadded(to: 8)
        let folder = try ReportFolder(reports, runID: runID)
        defer { folder.removeIfEmpty() }
        let interruption = Interruption()
        let runs = BegunRuns()
        let work = Task { () async throws -> Int32 in
            if let client { return try await run(files, client, runID, folder, earlier, push, interruption, runs) }
            var options = SandboxOptions()
            options.flaws = Set(sandboxFlaw)
            options.databaseFlaws = databaseFlaw
            return try await SandboxBoot(options: options, manifests: apply, files: files, quiet: quiet).with { client in
                try await run(files, client, runID, folder, earlier, push, interruption, runs)
            }
        }
        let code = Atomic<Int32>(0)
        let signals = TerminationSignals { signal in
            code.store(signal.exitCode, ordering: .relaxed)
            interruption.stop(by: signal.name)
            work.cancel()
            standardError("\n\(signal.name): stopping and restoring all changes; a second signal stops at once and restores nothing")
        } again: { signal in
            let left = runs.openUndos.map { "\n  \($0)" }.joined()
            standardError(
                left.isEmpty
                    ? "\(signal.name) again: leaving now; nothing is left to restore"
                    : "\(signal.name) again: leaving now. This stays behind:\(left)\nRestore it with: aftershock restore --run \(folder.path)"
            )
        }
        defer { signals.stop() }
        do {
            throw ArgumentParser.ExitCode(try await work.value)
        } catch  where interruption.cause != nil && !(error is ArgumentParser.ExitCode) {
            // The signal came before the run began.
            throw ArgumentParser.ExitCode(code.load(ordering: .relaxed))
        }
    }

    private func run(
        _ files: [ExperimentSource], _ client: KubernetesClient, _ runID: String, _ folder: ReportFolder, _ earlier: StoredResults?,
        _ push: Push, _ interruption: Interruption, _ runs: BegunRuns
    ) async throws -> Int32 {
        var options = RunOptions(
            folder: folder.path, runID: runID, version: Aftershock.version, seed: seed ?? .random(in: .min ... .max),
            repeatOverride: repeats, confirmedContext: confirmedContext.name, helperImage: helperImage, isSandbox: sandbox,
            ownNode: ProcessInfo.processInfo.environment["AFTERSHOCK_NODE_NAME"], keepTables: keepTables,
            command: ["aftershock"] + CommandLine.arguments.dropFirst())
        // Until here, the link leads to the previous run.
        options.earlierShutdowns = EarlierShutdown.seen(
            in: baseline + ["reports/latest"], context: client.configuration.contextName)
        let writer = ReportWriter(directory: folder.path, junit: junitProfile)
        let setting = RunSetting(client: client, interruption: interruption, runs: runs, quiet: quiet, junit: junitProfile)
        folder.link()
        let findings =
            parallel == 1
            ? try await setting.run(files, options)
            : try await setting.runSideBySide(files, options, atMost: parallel)
        switch output.format {
        case .text: TerminalReport.print(findings)
        case .json: StandardStream.output.write(String(decoding: try ReportWriter.results(findings), as: UTF8.self))
        }
        if !quiet { standardError("reports: \(folder.path)") }
        GitHubActions()?.write(findings, folder: folder.path)
        let code = try earlier.map { try compare(findings, with: $0, writer) } ?? findings.exitCode
        if !push.isEmpty {
            // This comes before the run itself is in the history.
            var before = EarlierRuns()
            (before.history, before.baseline) = (history, baseline)
            _ = await push.send(findings, folder: folder.path, since: before)
        }
        // This comes last: a receiver's failure is only reported, and everything else is done.
        if let history { try HistoryEntry.load(folder.path).first?.append(to: history) }
        return code.rawValue
    }
}

extension RunCommand {
    /// A regression fails a run that itself passed.
    private func compare(_ findings: Findings, with earlier: StoredResults, _ writer: ReportWriter) throws -> RunExitCode {
        let current = try StoredResults(ReportWriter.results(findings), path: ReportWriter.File.results.rawValue)
        let report = comparisonLimits.compare(earlier, current)
        try writer.write(findings, comparison: report)
        if output.format == .text {
            standardOutput("compared with the baseline:\n" + report.text(width: StandardStream.width), terminator: "")
        }
        let isBetter: Set<RunExitCode> = [.pass, .invalid]
        return report.isRegression && isBetter.contains(findings.exitCode) ? .failed : findings.exitCode
    }
}

extension String {
    fileprivate func leftPadded(to length: Int) -> String {
        String(repeating: "0", count: max(0, length - count)) + self
    }
}
