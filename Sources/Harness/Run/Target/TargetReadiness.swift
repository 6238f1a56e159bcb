public import Experiment
import Fault
public import Kubernetes

/// Waits for a target that was only just created.
public struct TargetReadiness: Sendable {
    private let client: KubernetesClient
    private let target: Experiment.Target

    public init(client: KubernetesClient, target: Experiment.Target) {
        self.client = client
        self.target = target
    }

    /// Returns when a pod of the target is ready.
    ///
    /// - Throws: when none is within `limit`, with the last thing that was seen of it.
    public func wait(atMost limit: Duration) async throws {
        let resolved = try await TargetResolver(client: client, target: target).resolve()
        let ready = try await firstResult(within: limit) { () async throws -> Bool? in
            for try await event in client.watch(Pod.self, in: .namespace(target.namespace), labels: resolved.podSelector) {
                switch event.change {
                case .added(let pod), .modified(let pod): if pod.isReady { return true }
                case .deleted, .synced, .blind, .sighted: continue
                }
            }
            return nil
        }
        guard ready == true else {
            throw TargetError(
                check: "workload",
                message: "no pod of \(target.workloadKind) \(target.namespace)/\(target.workload) was ready within \(limit)",
                hint: "see 'kubectl -n \(target.namespace) describe pods'")
        }
    }

    /// Waits until the target has a ready pod and none on its way out: what an earlier experiment of the same run has left behind.
    ///
    /// Returns after `limit` at the latest; what is still amiss then is for the preflight to say.
    func awaitAftermath(atMost limit: Duration) async throws {
        let selector = try await TargetResolver(client: client, target: target).resolve().podSelector
        _ = try await firstResult(within: limit) { () async throws -> Bool? in
            var pods: [String: Pod] = [:]
            var isSynced = false
            for try await event in client.watch(Pod.self, in: .namespace(target.namespace), labels: selector) {
                switch event.change {
                case .added(let pod), .modified(let pod): pods[pod.metadata.uid ?? ""] = pod
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
