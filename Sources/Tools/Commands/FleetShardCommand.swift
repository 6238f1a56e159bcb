import ArgumentParser
import Experiment
import Fleet
import Foundation
import Journal
import Kubernetes
import Run
import Secrets
import Synchronization
import Verdict

struct FleetShardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shard",
        abstract: "Run the experiments of one cluster of a fleet. Engines start this.",
        discussion: """
            An ordinary run, into the next folder of REPORTS/CLUSTER/1, 2, 3... When an earlier one was killed, it is restored first; when
            an earlier one has its result, that is the result, and nothing is run. It does not start when the line is stopped, or in quiet
            hours. Exit codes as of 'run'; 5 when it does not start.
            """)

    @OptionGroup var file: FleetPath

    @Option(help: "The cluster's name.")
    var cluster: String?

    @Option(help: "The cluster's place in the file, from 0, instead of its name.")
    var index: Int?

    @Option(help: ArgumentHelp("The folder that the shards of the fleet share.", valueName: "folder"), completion: .directory)
    var reports: String

    @Flag(help: "Wait for the end of quiet hours, instead of ending with exit code 5.")
    var wait = false

    func validate() throws {
        guard (cluster == nil) != (index == nil) else { throw ValidationError("give exactly one of --cluster NAME and --index N") }
    }

    func run() async throws {
        let loaded = try LoadedFleet(file.path)
        let fleet = loaded.fleet
        let own = try find(in: fleet)
        let files = fleet.files(of: own)
        let folder = FleetFolder(reports)
        let store = try fleet.upload.map { try ReportUpload($0) }
        let attempts = try folder.attempts(of: own.name)
        if let last = attempts.last {
            guard !JournalReader.isInUse(RunFolder.journal(in: last)) else {
                throw CommandError(code: AftershockExit.preflight, description: "\(last) is the run of a shard that still goes on")
            }
            if let findings = FleetFolder.findings(of: last), findings.state == .judged,
                // Such a run has touched nothing, and its obstacle may be gone by now.
                findings.exitCode != .preflightFailed
            {
                standardError("\(own.name): done already, in \(last)")
                try await end(own, folder, findings.exitCode.rawValue, store, last)
            }
        }
        // Its own failure is no reason: somebody may have mended what was in its way.
        let line = fleet.line(failed: folder.failed.subtracting([own.name]))
        guard !line.isStopped else {
            throw CommandError(code: AftershockExit.preflight, description: "\(own.name) is not started: \(line)")
        }
        let kubeconfig = try await prepared(own, loaded, attempts) { code, run in try await end(own, folder, code, store, run) }
        defer { kubeconfig.remove() }
        let next = folder.next(after: attempts, of: own.name)
        do {
            // The fleet file names the cluster and its context, which is the confirmation.
            let run = try RunCommand.parse(
                files + kubeconfig.access + [
                    "--reports", next, "--confirm-context", try kubeconfig.contextName(of: own),
                ])
            try await run.run()
        } catch let error as ExitCode {
            try await end(own, folder, error.rawValue, store, next)
        }
    }

    /// Waits for its hour, and restores what killed runs have left.
    ///
    /// As the first process of a container it would see no signal without a handler, and begin a run that nobody wants any more.
    ///
    /// - Parameter failed: is called with the exit code of a restoration that did not succeed, and its run.
    private func prepared(
        _ own: Fleet.Cluster, _ loaded: LoadedFleet, _ attempts: [String], failed: @Sendable @escaping (Int32, String) async throws -> Never
    ) async throws -> PrivateKubeconfig {
        let code = Atomic<Int32>(0)
        let stop = AsyncStream<Never>.makeStream()
        let signals = TerminationSignals { signal in
            code.store(signal.exitCode, ordering: .relaxed)
            standardError("\(own.name): \(signal.name): no run is started")
            stop.continuation.finish()
        } again: { _ in
        }
        defer { signals.stop() }
        let work = Task {
            try await awaitLoudHours(loaded.fleet, loaded.fleet.files(of: own))
            let kubeconfig = try await PrivateKubeconfig(
                of: own, fleet: loaded.fleet, folder: (file.path as NSString).deletingLastPathComponent)
            do {
                // A signal does not leave a restoration half done.
                let wasCutOff = try await Task { try await restore(own, attempts, kubeconfig, failed) }.value
                try Task.checkCancellation()
                if wasCutOff { try await awaitTargets(own, loaded.fleet, kubeconfig) }
                try Task.checkCancellation()
            } catch {
                kubeconfig.remove()
                throw error
            }
            return kubeconfig
        }
        Task {
            for await _ in stop.stream {}
            work.cancel()
        }
        defer { stop.continuation.finish() }
        do {
            return try await work.value
        } catch is CancellationError {
            throw ExitCode(code.load(ordering: .relaxed))
        }
    }

    /// Restores the changes of earlier runs.
    ///
    /// - Returns: whether one of the runs has ended in the middle, restored since or not.
    private func restore(
        _ own: Fleet.Cluster, _ attempts: [String], _ kubeconfig: PrivateKubeconfig, _ failed: (Int32, String) async throws -> Never
    ) async throws -> Bool {
        var wasCutOff = false
        for earlier in attempts {
            guard let found = FleetFolder.findings(of: earlier) else { continue }
            wasCutOff = wasCutOff || found.state != .judged
            guard found.isUnfinished else { continue }
            standardError("\(own.name): restoring what \(earlier) has left")
            do {
                try await RestoreCommand.parse(["--run", earlier, "--run-commands"] + kubeconfig.access).run()
            } catch let error as ExitCode {
                try await failed(error.rawValue, earlier)
            }
        }
        return wasCutOff
    }

    /// Waits until the targets have recovered from the fault in which a run was killed, for as long as the experiments would.
    private func awaitTargets(_ own: Fleet.Cluster, _ fleet: Fleet, _ kubeconfig: PrivateKubeconfig) async throws {
        let client = try KubernetesClient(
            try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: kubeconfig.path, context: own.context)))
        var seen: Set<Experiment.Target> = []
        let experiments = ExperimentPaths.read(fleet.files(of: own)).loaded.flatMap(\.experiments)
        for experiment in experiments where seen.insert(experiment.target).inserted {
            standardError(
                "\(own.name): waiting for \(experiment.target.workload) in namespace \(experiment.target.namespace), \(experiment.giveUpAfter.gep2257) at most"
            )
            do {
                try await TargetReadiness(client: client, target: experiment.target).waitUntilQuiet(atMost: experiment.giveUpAfter)
            } catch {
                // The preflight reports the obstacle.
                try Task.checkCancellation()
            }
        }
    }

    private func find(in fleet: Fleet) throws -> Fleet.Cluster {
        if let index {
            guard fleet.clusters.indices.contains(index) else {
                throw CommandError.usage("\(file.path) has \(counted(fleet.clusters.count, "cluster")); --index \(index) is none of them")
            }
            return fleet.clusters[index]
        }
        guard let found = fleet.clusters.first(where: { $0.name == cluster }) else {
            try unknown(cluster ?? "", in: fleet, file.path)
        }
        return found
    }

    /// Ends with the exit code of the run, and marks the cluster if the run failed. A run without uploaded reports does not pass.
    private func end(
        _ cluster: Fleet.Cluster, _ folder: FleetFolder, _ code: Int32, _ store: ReportUpload?, _ run: String
    ) async throws -> Never {
        if ![129, 130, 143].contains(code) { try folder.mark(cluster.name, code) }
        let isStored = await store?.send(run, as: "\(cluster.name)/\((run as NSString).lastPathComponent)") ?? true
        throw ExitCode(code == 0 && !isStored ? AftershockExit.internal : code)
    }

    private func awaitLoudHours(_ fleet: Fleet, _ files: [String]) async throws {
        let length = RunEstimate(ExperimentPaths.read(files).loaded.flatMap(\.experiments), repeats: nil).shortest
        while true {
            let now = Date()
            guard let start = fleet.firstStart(at: now, lasting: length.seconds) else {
                throw CommandError.usage(
                    "\(file.path): the run takes at least \(length.gep2257), which is longer than any time between quiet hours")
            }
            guard start > now else { return }
            let until = start.formatted(.iso8601)
            guard wait else {
                throw CommandError(code: AftershockExit.preflight, description: "these are quiet hours until \(until); nothing was started")
            }
            standardError("these are quiet hours until \(until)")
            try await Task.sleep(for: .seconds(start.timeIntervalSince(now)))
        }
    }
}

struct FleetGateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Tell whether the line goes on.",
        discussion: """
            Exit code 1 when as many clusters have failed as the fleet, or one of its waves, allows. A cluster without a result counts as
            failed: its shard was killed too often, or it never started.
            """)

    @OptionGroup var file: FleetPath

    @Option(help: ArgumentHelp("The folder that the shards of the fleet share.", valueName: "folder"), completion: .directory)
    var reports: String

    @Option(
        help: ArgumentHelp(
            "The last cluster that ought to have a result by now, in the order of the waves. Default: the last of the fleet.",
            valueName: "cluster"))
    var through: String?

    func run() throws {
        let fleet = try LoadedFleet(file.path).fleet
        var due = fleet.clusters
        if let through {
            guard let named = fleet.clusters(through: through) else { try unknown(through, in: fleet, file.path) }
            due = named
        }
        let folder = FleetFolder(reports)
        let line = fleet.line(failed: folder.failed, missing: Set(due.map(\.name)).subtracting(folder.passed))
        standardOutput("\(line)\n", terminator: "")
        if line.isStopped { throw ExitCode(1) }
    }
}

private func unknown(_ cluster: String, in fleet: Fleet, _ file: String) throws -> Never {
    let near = closest(to: cluster, among: fleet.clusters.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
    throw CommandError.usage("\(file) has no cluster '\(cluster)'\(near)")
}

/// A cluster's kubeconfig as a file that only this process's user can read.
private struct PrivateKubeconfig {
    let path: String
    private let context: String?
    private let isOurs: Bool

    /// The options by which a command reaches the cluster.
    var access: [String] { ["--kubeconfig", path] + (context.map { ["--context", $0] } ?? []) }

    init(of cluster: Fleet.Cluster, fleet: Fleet, folder: String) async throws {
        let text: String
        context = cluster.context
        switch cluster.kubeconfig {
        case .file(let file):
            path = LoadedFleet.path(file, in: folder)
            isOurs = false
            return
        case .environment(let name):
            KnownSecrets.hide(variable: name)
            guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
                throw CommandError.usage("the variable \(name), with the kubeconfig of \(cluster.name), is not set")
            }
            if FileManager.default.fileExists(atPath: value) {
                path = value
                isOurs = false
                return
            }
            text = value
        case .secret(let name, let key):
            let client = try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides()))
            let secret: Secret?
            do {
                secret = try await client.find(Secret.self, name, in: fleet.namespace)
            } catch {
                throw CommandError(
                    code: AftershockExit.preflight,
                    description: "the Secret \(fleet.namespace)/\(name) cannot be read: \(words(for: error))")
            }
            guard let data = secret?.data?[key] else {
                let what = secret == nil ? "does not exist" : "has no key '\(key)'"
                throw CommandError(
                    code: AftershockExit.preflight, description: "the Secret \(fleet.namespace)/\(name) \(what); nothing was touched")
            }
            text = String(decoding: data, as: UTF8.self)
        }
        KnownSecrets.add(text)
        path = "\(FileManager.default.temporaryDirectory.path)/aftershock-kubeconfig-\(UUID().uuidString)"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw CommandError.internal("\(path) cannot be made: \(String(cString: strerror(errno)))") }
        isOurs = true
        try FileHandle(fileDescriptor: file, closeOnDealloc: true).write(contentsOf: Data(text.utf8))
    }

    func contextName(of cluster: Fleet.Cluster) throws -> String {
        do {
            return try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: path, context: cluster.context)).contextName
        } catch {
            throw CommandError(code: AftershockExit.preflight, description: "the kubeconfig of \(cluster.name): \(words(for: error))")
        }
    }

    func remove() { if isOurs { unlink(path) } }
}
