import ArgumentParser
import Foundation
import Journal
import Kubernetes
import Report
import Synchronization
import Verdict

struct ReferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Measure the reference table: each way to lose the instance, without and with recovery debt.",
        discussion: """
            Takes target, probes, debt and the commands of a node's power from an experiment file such as
            experiments/reference/reference.yaml, and makes an experiment of each line of the table: a killed process, a deleted pod whose
            server stops by itself or is killed, a drain, a rollout, and a node that is off, without help and with each of three remedies.
            They take turns, a repeat each, until each has its repeats. The page says for each line what was measured, and why one was not.

            Interrupted and started again, it measures what is missing: nothing that has its result is run again. What a run has left
            changed is restored before the next one, with the commands of the experiment; where that cannot be proven, it ends.
            The exit code is that of the worst run, as of 'report merge'; 5 where nothing was run.
            """)

    @Argument(
        help: ArgumentHelp("The experiment file that the table's experiments are made from.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @OptionGroup var kubernetes: KubernetesFlags

    @Option(
        help: ArgumentHelp("The folder of the runs; the experiments are in it as well.", valueName: "folder"), completion: .directory)
    var reports = "reports/reference"

    @Option(
        help: ArgumentHelp("The page that is written. Default: reference.md in the folder of the runs.", valueName: "file"),
        completion: .file())
    var to: String?

    @Option(name: .customLong("repeat"), help: "The number of repeats of each line, instead of the file's own.")
    var repeats: Int?

    @Option(
        help: ArgumentHelp(
            "The log since the last checkpoint at the moment of the fault, beside none; may be repeated. Default: spec.load.dirty of the file, or 1GiB.",
            valueName: "size"))
    var debt: [String] = []

    @Option(help: ArgumentHelp("Measure only this line of the table; may be repeated.", valueName: "line"))
    var only: [ReferenceArms.Kind] = []

    @Option(
        help: ArgumentHelp(
            "A workload like the target whose server is not told to stop by SIGTERM, such as SQL Server 2022 from CU18 on.",
            valueName: "kind/name"))
    var killedWorkload: String?

    @Option(help: ArgumentHelp("Its Service. Default: the workload's name.", valueName: "name"))
    var killedService: String?

    @Option(help: ArgumentHelp("A sentence about the cluster, for the readers of the page.", valueName: "text"))
    var note: String?

    @OptionGroup var confirmedContext: ConfirmedContext

    @Flag(help: "Run nothing and write the page of the runs that there are; no cluster is needed.")
    var pageOnly = false

    @Flag(name: .shortAndLong, help: "Print no progress of the runs.")
    var quiet = false

    func validate() throws {
        if let repeats, repeats < 1 { throw ValidationError("--repeat is at least 1") }
        if killedService != nil, killedWorkload == nil { throw ValidationError("--killed-service goes with --killed-workload") }
    }

    func run() async throws {
        let killed = killedWorkload.map { ReferenceArms.Killed(workload: $0, service: killedService ?? ($0 as NSString).lastPathComponent) }
        let client = pageOnly ? nil : try kubernetes.client()
        let version = try await client?.version().gitVersion
        let table = try ReferenceArms(
            file, namespace: client?.namespace ?? "default", version: version ?? storedVersion, debts: debt, killed: killed, selected: only)
        let wanted = repeats ?? table.repeats
        var stopped: Int32?
        // A run that is interrupted after its verdict ends with the verdict's exit code; the next run must not begin.
        let signalled = Mutex<Int32?>(nil)
        let signals = TerminationSignals { signal in
            signalled.withLock { $0 = signal.exitCode }
        } again: { _ in
        }
        defer { signals.stop() }
        if !pageOnly {
            for arm in table.arms { try store(arm) }
            stopped = try await restore(table.arms.flatMap { FleetFolder.attempts(in: folder(of: $0)) }) ?? signalled.withLock { $0 }
            rounds: for round in 1...wanted where stopped == nil {
                for arm in table.arms where try arm.text != nil && ended(arm) < round {
                    if !quiet { standardError("reference: round \(round) of \(wanted), \(arm.name)") }
                    stopped = try await measure(arm) ?? signalled.withLock { $0 }
                    if stopped != nil { break rounds }
                }
            }
        }
        let arms = try table.arms.map { arm in
            ReferencePage.Arm(
                name: arm.kind.rawValue, title: arm.kind.title, debt: arm.debt, runs: try runs(of: arm, isOpen: pageOnly),
                leftOut: arm.leftOut)
        }
        let page = to ?? reports + "/reference.md"
        do {
            try ReferencePage(arms, repeats: wanted, note: note).data().write(to: URL(fileURLWithPath: page), options: .atomic)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
        standardOutput(page)
        if let stopped { throw ExitCode(stopped) }
        let all = arms.flatMap(\.runs)
        guard !all.isEmpty else { throw ExitCode(AftershockExit.preflight) }
        // One that was interrupted has been run again.
        let ended = all.filter { run in run.experiments.contains { $0.repeats.contains { $0.verdict != .aborted } } }
        throw ExitCode(RunExitCode.worst((ended.isEmpty ? all : ended).map(\.exitCode)).rawValue)
    }

    // MARK: Runs

    /// The version of Kubernetes in the existing runs.
    private var storedVersion: String? {
        let folders = ((try? FileManager.default.contentsOfDirectory(atPath: reports)) ?? []).sorted()
        return folders.lazy.compactMap { FleetFolder.attempts(in: "\(reports)/\($0)").first }
            .compactMap { try? JournalReader.records(of: RunFolder.journal(in: $0)).first }
            .compactMap { if case .runStarted(let run) = $0.event { run.serverVersion } else { nil } }.first
    }

    private func folder(of arm: ReferenceArms.Arm) -> String { "\(reports)/\(arm.name)" }

    private func experiment(of arm: ReferenceArms.Arm) -> String { folder(of: arm) + "/experiment.yaml" }

    /// Writes the arm's experiment. Refuses a folder with runs of another experiment.
    private func store(_ arm: ReferenceArms.Arm) throws {
        guard let text = arm.text else { return }
        for attempt in FleetFolder.attempts(in: folder(of: arm)) where JournalReader.isInUse(RunFolder.journal(in: attempt)) {
            throw CommandError(code: AftershockExit.preflight, description: "\(attempt) is a run that still goes on")
        }
        for run in try runs(of: arm) where run.run.map({ $0.sources.map(\.text) != [text] }) ?? false {
            throw CommandError.usage(
                "\(folder(of: arm)) has runs of another target or other settings than \(file); give another folder with --reports")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder(of: arm), withIntermediateDirectories: true)
            try text.write(toFile: experiment(of: arm), atomically: true, encoding: .utf8)
        } catch {
            throw CommandError.unusable(words(for: error))
        }
    }

    /// - Parameter isOpen: whether other processes may run here; their runs are left out until they end.
    private func runs(of arm: ReferenceArms.Arm, isOpen: Bool = false) throws -> [Findings] {
        let attempts = FleetFolder.attempts(in: folder(of: arm)).filter { !isOpen || !JournalReader.isInUse(RunFolder.journal(in: $0)) }
        return try attempts.map { attempt in
            do {
                return try Findings.judge(journalPath: RunFolder.journal(in: attempt))
            } catch {
                throw CommandError.unusable(words(for: error))
            }
        }
    }

    /// Returns the number of repeats of the arm that have a result.
    private func ended(_ arm: ReferenceArms.Arm) throws -> Int {
        try runs(of: arm).flatMap(\.experiments).flatMap(\.repeats).count { $0.verdict != .aborted }
    }

    /// Runs the arm's experiment once, and restores what the run could not: the server may have come back too late for that.
    ///
    /// - Returns: the exit code that ends the command; `nil` to go on.
    private func measure(_ arm: ReferenceArms.Arm) async throws -> Int32? {
        let last = FleetFolder.attempts(in: folder(of: arm)).last.flatMap { Int(($0 as NSString).lastPathComponent) } ?? 0
        let attempt = "\(folder(of: arm))/\(last + 1)"
        let ended = try await Self.code {
            var run = try RunCommand.parse(
                [experiment(of: arm), "--repeat", "1", "--reports", attempt]
                    + (confirmedContext.name.map { ["--confirm-context", $0] } ?? []) + (quiet ? ["--quiet"] : []))
            run.kubernetes = kubernetes
            try await run.run()
        }
        let goesOn: Set<RunExitCode> = [.pass, .failed, .dataLost, .invalid, .preflightFailed, .notRestored]
        if let ended, RunExitCode(rawValue: ended).map(goesOn.contains) != true { return ended }
        return try await restore([attempt])
    }

    /// Restores what the runs have left changed.
    ///
    /// - Returns: the exit code that ends the whole, as no other run can begin; `nil`: nothing is left.
    private func restore(_ runs: [String]) async throws -> Int32? {
        for run in runs where FleetFolder.findings(of: run)?.isUnfinished == true {
            standardError("reference: restoring what \(run) has left")
            let ended = try await Self.code {
                var restore = try RestoreCommand.parse(["--run", run, "--run-commands"])
                restore.kubernetes = kubernetes
                try await restore.run()
            }
            if let ended { return ended }
        }
        return nil
    }

    /// Returns the exit code that `command` ends with; `nil`: it has done what it was to do.
    private static func code(of command: () async throws -> Void) async throws -> Int32? {
        do {
            try await command()
            return nil
        } catch let code as ExitCode {
            return code.rawValue
        }
    }
}

extension ReferenceArms.Kind: ExpressibleByArgument {}
