import Experiment
import Foundation
import Kubernetes
import Run
import Sandbox

/// The embedded cluster of `run --sandbox`: booted, given its manifests, and taken away whatever happens.
struct SandboxBoot {
    let options: SandboxOptions
    let manifests: [String]
    let files: [LoadedFile]
    let quiet: Bool

    /// The time in which the targets must become ready.
    private static let patience = Duration.seconds(60)

    func with<Result: Sendable>(_ body: (KubernetesClient) async throws -> Result) async throws -> Result {
        let cluster = try await SandboxCluster.start(options)
        do {
            for path in try manifestPaths() {
                say("sandbox: applying \(path)")
                try cluster.apply(yaml: try String(contentsOfFile: path, encoding: .utf8), source: path)
            }
            let client = try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: cluster.kubeconfigPath)))
            for experiment in files.flatMap(\.experiments) {
                say("sandbox: waiting for \(experiment.target.workloadKind)/\(experiment.target.workload)")
                try await TargetReadiness(client: client, target: experiment.target).wait(atMost: Self.patience)
            }
            let result = try await body(client)
            await cluster.stop()
            return result
        } catch {
            await cluster.stop()
            throw error
        }
    }

    /// Those that were named, or every manifest in the folder `targets` beside an experiment.
    private func manifestPaths() throws -> [String] {
        guard manifests.isEmpty else { return manifests }
        let parents = Set(files.map { ($0.path as NSString).deletingLastPathComponent })
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
