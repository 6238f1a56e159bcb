import Kubernetes

/// The workload's pod that serves or will serve next, by a watch of its pods.
struct ServingPod {
    private var pods: [String: Pod] = [:]
    /// Is `true` if the pods from before the watch are known.
    private(set) var isSynced = false

    /// The address of the youngest pod that is not terminating, else of a terminating one; `nil` if no pod has an address.
    var address: String? {
        let known = pods.values.filter { $0.status?.podIP?.isEmpty == false }
        let staying = known.filter { $0.metadata.deletionTimestamp == nil }
        return (staying.isEmpty ? known : staying).max { age($0) < age($1) }?.status?.podIP
    }

    private func age(_ pod: Pod) -> String { pod.metadata.creationTimestamp?.description ?? "" }

    mutating func take(_ change: WatchEvent<Pod>.Change) {
        switch change {
        case .added(let pod), .modified(let pod): pods[pod.metadata.uid ?? ""] = pod
        case .deleted(let pod): pods[pod.metadata.uid ?? ""] = nil
        case .synced: isSynced = true
        case .blind, .sighted: break
        }
    }
}
