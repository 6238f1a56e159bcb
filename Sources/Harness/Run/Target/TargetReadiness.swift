public import Experiment
import Fault
public import Kubernetes

/// Waits for a target that was just created.
public struct TargetReadiness: Sendable {
    private let client: KubernetesClient
    private let target: Experiment.Target

    public init(client: KubernetesClient, target: Experiment.Target) {
        self.client = client
        self.target = target
    }

    /// Returns when a pod of the target is ready.
    ///
    /// - Throws: an error with the last known obstacle, if no pod is ready within `limit`.
    public func wait(atMost limit: Duration) async throws {
        let workload = try await TargetResolver(client: client, target: target).workload()
        let ready = try await firstResult(within: limit) { () async throws -> Bool? in
            for try await event in client.watch(Pod.self, in: .namespace(target.namespace), labels: workload.pods.labels) {
                switch event.change {
                case .added(let pod), .modified(let pod): if workload.pods.contains(pod), pod.isReady { return true }
                case .deleted, .synced, .blind, .sighted: continue
                }
            }
            return nil
        }
        guard ready == true else {
            let obstacle = await Obstacle(client: client, namespace: target.namespace, workload: workload).sentence()
            throw TargetError(
                check: "workload",
                message: "no pod of \(workload.name) in namespace \(target.namespace) was ready within \(limit)"
                    + (obstacle.map { ": \($0)" } ?? ""),
                hint: "see 'kubectl -n \(target.namespace) describe pods'")
        }
    }

    /// Waits until the target has a ready pod and no terminating one, after an earlier experiment of the same run, or a
    /// run that was killed.
    ///
    /// Returns after `limit` at the latest; the preflight then reports the remaining problems.
    public func waitUntilQuiet(atMost limit: Duration) async throws {
        let own = try await TargetResolver(client: client, target: target).workload().pods
        _ = try await firstResult(within: limit) { () async throws -> Bool? in
            var pods: [String: Pod] = [:]
            var isSynced = false
            for try await event in client.watch(Pod.self, in: .namespace(target.namespace), labels: own.labels) {
                switch event.change {
                case .added(let pod), .modified(let pod):
                    guard own.contains(pod) else { continue }
                    pods[pod.metadata.uid ?? ""] = pod
                case .deleted(let pod): pods[pod.metadata.uid ?? ""] = nil
                case .synced: isSynced = true
                case .blind, .sighted: continue
                }
                let isQuiet = pods.values.allSatisfy { $0.metadata.deletionTimestamp == nil }
                if isSynced, isQuiet, pods.values.contains(where: \.isReady) { return true }
            }
            return nil
        }
    }
}
