import ArgumentParser
import Experiment
import Foundation
import Journal
import Kubernetes
import NIOPosix
import Report
import Run
import Sandbox
import Synchronization
import Verdict

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run experiments and judge them.",
        discussion: """
            Probes the service all the time, injects the fault, waits for the recovery, puts back what was changed, reads every row
            back and writes the reports. Progress goes to standard error, the closing table to standard output.

            Exit codes: 0 pass, 1 the promise was broken, 3 acknowledged data was lost, 4 could not tell, 5 preflight failed,
            6 not restored, 64 usage or bad file, 70 internal error or a full disk, 130/143/129 interrupted (Ctrl-C, SIGTERM, the terminal
            closed) and restored.
            """)

    @OptionGroup var experiments: ExperimentPaths
    @OptionGroup var kubernetes: KubernetesFlags

    @Flag(help: "Boot an embedded cluster for the run and take it away afterwards.")
    var sandbox = false

    @Option(
        help: ArgumentHelp(
            "With --sandbox: a manifest to apply to it; may be repeated. Where none is given, those in the folder 'targets' beside the experiments.",
            valueName: "file"), completion: .file(extensions: ["yaml"]))
    var apply: [String] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: make its control plane misbehave, to see that it is noticed; may be repeated.", valueName: "name"))
    var sandboxFlaw: [SandboxFlaw] = []

    @Option(
        help: ArgumentHelp(
            "With --sandbox: make its database misbehave, such as ack-before-commit or lose-one-in=1000; may be repeated.",
            valueName: "name[=value]"), transform: databaseFlawArgument)
    var databaseFlaw: [String] = []

    @Option(name: .customLong("repeat"), help: "How often each fault is injected, instead of what the experiments say.")
    var repeats: Int?

    @Option(
        help: ArgumentHelp(
            "The folder for the reports; reports/<time>-<run id> and the link reports/latest where not given.", valueName: "folder"),
        completion: .directory)
    var reports: String?

    @Option(
        help: ArgumentHelp(
            "The name of the context that this run is meant for, where the experiments do not name it.", valueName: "context"))
    var confirmContext: String?

    @Option(help: "The image of helper pods, instead of what the experiments say.")
    var helperImage: String?

    @Option(help: "The seed of the ledger's rows; it is in the reports.")
    var seed: UInt64?

    @Option(help: "How junit.xml is written: valid against junit-10.xsd, or with properties in its testcases too.")
    var junitProfile = JUnitOptions.Profile.standard

    @Option(
        help: ArgumentHelp("Append the run to this file, which 'aftershock history' reads; made where it is not there.", valueName: "file"),
        completion: .file())
    var history: String?

    @Flag(help: "Leave the ledger's tables in the database.")
    var keepTables = false

    @Flag(name: .shortAndLong, help: "No progress, only the closing table.")
    var quiet = false

    @Option(name: .shortAndLong, help: "What to print on standard output at the end.")
    var output: Output = .table

    enum Output: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    func validate() throws {
        if let repeats, repeats < 1 { throw ValidationError("--repeat is at least 1") }
        if !sandboxFlaw.isEmpty || !databaseFlaw.isEmpty, !sandbox {
            throw ValidationError("--sandbox-flaw and --database-flaw go with --sandbox")
        }
        if !apply.isEmpty, !sandbox { throw ValidationError("--apply goes with --sandbox; for another cluster use kubectl apply") }
    }

    func run() async throws {
        let client = sandbox ? nil : try kubernetes.client()
        let namespace = client?.namespace ?? kubernetes.namespace ?? "default"
        let files = try experiments.load(namespace: namespace)
        let runID = String(UInt32.random(in: .min ... .max), radix: 16).leftPadded(to: 8)
        let folder = try ReportFolder(reports, runID: runID)
        defer { folder.removeIfEmpty() }
        let interruption = Interruption()
        let runner = Mutex<Runner?>(nil)
        let work = Task { () async throws -> Int32 in
            if let client { return try await run(files, client, runID, folder, interruption) { runner.set($0) } }
            var options = SandboxOptions()
            options.flaws = Set(sandboxFlaw)
            options.databaseFlaws = databaseFlaw
            return try await SandboxBoot(options: options, manifests: apply, files: files, quiet: quiet).with { client in
                try await run(files, client, runID, folder, interruption) { runner.set($0) }
            }
        }
        let code = Atomic<Int32>(0)
        let signals = TerminationSignals { signal in
            code.store(signal.exitCode, ordering: .relaxed)
            interruption.stop(by: signal.name)
            work.cancel()
            standardError("\n\(signal.name): stopping, and restoring what was changed; a second signal leaves it as it is")
        } again: { signal in
            let left = (runner.value?.openUndos ?? []).map { "\n  \($0)" }.joined()
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
            // The signal came before there was a run to restore and to report on.
            throw ArgumentParser.ExitCode(code.load(ordering: .relaxed))
        }
    }

    private func run(
        _ files: [ExperimentSource], _ client: KubernetesClient, _ runID: String, _ folder: ReportFolder, _ interruption: Interruption,
        _ begun: (Runner) -> Void
    ) async throws -> Int32 {
        let options = RunOptions(
            folder: folder.path, runID: runID, version: Aftershock.version, seed: seed ?? .random(in: .min ... .max),
            repeatOverride: repeats, confirmedContext: confirmContext, helperImage: helperImage, isSandbox: sandbox,
            ownNode: ProcessInfo.processInfo.environment["AFTERSHOCK_NODE_NAME"], keepTables: keepTables,
            command: ["aftershock"] + CommandLine.arguments.dropFirst())
        let progress = ProgressPrinter(quiet: quiet)
        let writer = ReportWriter(directory: folder.path, junit: junitProfile)
        let runner = try Runner(
            client: client, options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, interruption: interruption,
            observer: { progress.take($0) },
            report: { try writer.write($0) })
        begun(runner)
        folder.link()
        let findings = await runner.run(files)
        progress.finish()
        if let interruption = findings.interruption, interruption.cause == "error" {
            let left = runner.openUndos
            standardError(
                "error: \(interruption.message)\n"
                    + (left.isEmpty
                        ? "The changes of the run in the cluster are restored."
                        : "This stays changed:\(left.map { "\n  \($0)" }.joined())\nRestore it with: aftershock restore --run-id \(runID)")
            )
        }
        switch output {
        case .table: TerminalReport.print(findings)
        case .json: StandardStream.output.write(String(decoding: try ReportWriter.results(findings), as: UTF8.self))
        }
        standardError("reports: \(folder.path)")
        GitHubActions(findings: findings, folder: folder.path)?.write()
        // The last of all: what it cannot take is told, and the rest is there.
        if let history { try HistoryEntry.load(folder.path).first?.append(to: history) }
        return findings.exitCode.rawValue
    }
}

extension Mutex where Value == Runner? {
    fileprivate func set(_ runner: Runner) { withLock { $0 = runner } }
    fileprivate var value: Runner? { withLock { $0 } }
}

extension String {
    fileprivate func leftPadded(to length: Int) -> String {
        String(repeating: "0", count: max(0, length - count)) + self
    }
}
