import Experiment
import Files
import Foundation
import Journal
import Kubernetes
import Run
import Sandbox

/// The embedded cluster of `run --sandbox`: booted, given its manifests, and taken away whatever happens.
struct SandboxBoot {
    let options: SandboxOptions
    let manifests: [String]
    let files: [ExperimentSource]
    let quiet: Bool

    /// The time in which the targets must become ready.
    private static let targetTimeout = Duration.seconds(60)

    /// - Throws: ``CommandError`` for what is wrong with the manifests or with this machine.
    func with<Result: Sendable>(_ body: (KubernetesClient) async throws -> Result) async throws -> Result {
        // Read before anything is started: a wrong path should cost nothing.
        let manifests = try manifestPaths().map { (path: $0, yaml: try SandboxManifest.read($0)) }
        let cluster = try await SandboxCluster.started(options)
        do {
            for manifest in manifests {
                say("sandbox: applying \(manifest.path)")
                try cluster.applied(manifest.yaml, manifest.path)
            }
            let client = try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: cluster.kubeconfigPath)))
            for experiment in files.flatMap(\.experiments) {
                say("sandbox: waiting for \(experiment.target.workloadKind)/\(experiment.target.workload)")
                do {
                    try await TargetReadiness(client: client, target: experiment.target).wait(atMost: Self.targetTimeout)
                } catch {
                    try Task.checkCancellation()
                    // The preflight sees the same, and says what to do about it.
                    say("sandbox: \(error)")
                }
            }
            let result = try await body(client)
            await Self.stop(cluster)
            return result
        } catch {
            await Self.stop(cluster)
            throw error
        }
    }

    /// In a task of its own: a run that was told to stop takes its cluster away all the same.
    private static func stop(_ cluster: SandboxCluster) async { await Task { await cluster.stop() }.value }

    /// Those that were named, or every manifest in the folder `targets` beside an experiment.
    private func manifestPaths() throws -> [String] {
        guard manifests.isEmpty else { return manifests }
        let parents = Set(files.map { ($0.file as NSString).deletingLastPathComponent })
        let folders = parents.map { ($0 as NSString).appendingPathComponent("targets") }
        return try folders.sorted().filter { FileManager.default.fileExists(atPath: $0) }.flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted()
                .map { (folder as NSString).appendingPathComponent($0) }
        }
    }

    private func say(_ text: String) {
        if !quiet { standardError(text) }
    }
}

/// A manifest file for the embedded cluster.
enum SandboxManifest {
    static func read(_ path: String) throws(CommandError) -> String {
        do {
            return try InputFile.text(path)
        } catch {
            let reason = words(for: error)
            throw .usage("the manifest \(reason.contains(path) ? reason : "\(path): \(reason)")")
        }
    }
}

extension SandboxCluster {
    static func started(_ options: SandboxOptions) async throws -> SandboxCluster {
        do {
            return try await start(options)
        } catch {
            try Task.checkCancellation()
            throw CommandError.internal("the sandbox cannot be started: \(words(for: error))")
        }
    }

    func applied(_ yaml: String, _ path: String) throws {
        do {
            try apply(yaml: yaml, source: path)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw CommandError.usage("the sandbox refuses the manifest \(words(for: error))")
        }
    }
}
