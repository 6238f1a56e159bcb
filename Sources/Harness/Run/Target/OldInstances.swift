import Fault
import Kubernetes

/// The instances that a fault has replaced and that may still run.
///
/// On a node that was cut off and came back, such an instance can still change the data after they were read.
struct OldInstances: Sendable {
    let client: KubernetesClient
    let namespace: String
    let workload: Workload

    /// Waits until no pod of the workload is terminating.
    ///
    /// - Returns: the reason why the rows cannot be judged, if `limit` passes first.
    func awaitEnd(within limit: Duration) async throws -> String? {
        let last = LastSeen()
        let ended = try await firstResult(within: limit) { () async throws -> Bool? in
            var leaving: [String: Pod] = [:]
            var isSynced = false
            for try await event in client.watch(Pod.self, in: .namespace(namespace), labels: workload.pods.labels) {
                switch event.change {
                case .added(let pod), .modified(let pod):
                    let isLeaving = pod.metadata.deletionTimestamp != nil && !pod.isFinished && workload.pods.contains(pod)
                    leaving[pod.metadata.uid ?? ""] = isLeaving ? pod : nil
                case .deleted(let pod): leaving[pod.metadata.uid ?? ""] = nil
                case .synced: isSynced = true
                case .blind, .sighted: continue
                }
                await last.set(leaving.values.map { "\($0.metadata.name) on node \($0.spec.nodeName ?? "?")" }.sorted())
                if isSynced, leaving.isEmpty { return true }
            }
            return nil
        }
        guard ended != true else { return nil }
        let pods = await last.pods
        let which = pods.isEmpty ? "the cluster could not be asked" : "pod \(pods.joined(separator: ", ")) is still terminating"
        return "the old instance is not known to have ended (\(which)) and may still change the data"
    }

    private actor LastSeen {
        private(set) var pods: [String] = []

        func set(_ pods: [String]) { self.pods = pods }
    }
}
