import ArgumentParser
import Experiment
import Fleet
import Foundation
import Journal
import Kubernetes
import Run
import Secrets
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
            if let findings = try? Findings.judge(journalPath: RunFolder.journal(in: last)), findings.state == .judged,
                // That has touched nothing, and somebody may have mended what was in its way.
                findings.exitCode != .preflightFailed
            {
                standardError("\(own.name): done already, in \(last)")
                try await end(own, folder, findings.exitCode.rawValue, store, last)
            }
        }
        let verdict = try folder.line(of: fleet)
        guard !verdict.isStopped else {
            throw CommandError(code: AftershockExit.preflight, description: "\(own.name) is not started: \(verdict)")
        }
        try await awaitLoudHours(fleet, files)

        let kubeconfig = try await PrivateKubeconfig(of: own, fleet: fleet, folder: (file.path as NSString).deletingLastPathComponent)
        defer { kubeconfig.remove() }
        let access = ["--kubeconfig", kubeconfig.path] + (own.context.map { ["--context", $0] } ?? [])
        for earlier in attempts where FleetFolder.isUnfinished(earlier) {
            standardError("\(own.name): restoring what \(earlier) has left")
            do {
                let restore = try RestoreCommand.parse(["--run", earlier, "--run-commands"] + access)
                try await restore.run()
            } catch let error as ExitCode {
                try await end(own, folder, error.rawValue, store, earlier)
            }
        }
        let next = folder.next(after: attempts, of: own.name)
        do {
            // The inventory has named the cluster and its context: that is the confirmation.
            let run = try RunCommand.parse(
                files + access + [
                    "--reports", next, "--confirm-context", try kubeconfig.contextName(own),
                ])
            try await run.run()
        } catch let error as ExitCode {
            try await end(own, folder, error.rawValue, store, next)
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
            let near = closest(to: cluster ?? "", among: fleet.clusters.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
            throw CommandError.usage("\(file.path) has no cluster '\(cluster ?? "")'\(near)")
        }
        return found
    }

    /// Ends with the code of the run, of which the line takes notice where it is a result. Without its reports no run is a pass.
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
        abstract: "Tell whether the line goes on: exit code 1 when as many clusters have failed as the fleet allows.")

    @OptionGroup var file: FleetPath

    @Option(help: ArgumentHelp("The folder that the shards of the fleet share.", valueName: "folder"), completion: .directory)
    var reports: String

    func run() throws {
        let line = try FleetFolder(reports).line(of: try LoadedFleet(file.path).fleet)
        standardOutput("\(line)\n", terminator: "")
        if line.isStopped { throw ExitCode(1) }
    }
}

/// A cluster's kubeconfig as a file that only this process's user can read.
private struct PrivateKubeconfig {
    let path: String
    private let isOurs: Bool

    init(of cluster: Fleet.Cluster, fleet: Fleet, folder: String) async throws {
        let text: String
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

    func contextName(_ cluster: Fleet.Cluster) throws -> String {
        do {
            return try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: path, context: cluster.context)).contextName
        } catch {
            throw CommandError(code: AftershockExit.preflight, description: "the kubeconfig of \(cluster.name): \(words(for: error))")
        }
    }

    func remove() { if isOurs { unlink(path) } }
}
