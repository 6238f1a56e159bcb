import Kubernetes

/// The pod of the workload that serves, or is to serve next, as a watch tells its pods.
struct ServingPod {
    private var pods: [String: Pod] = [:]
    /// The pods are known that were there when the watch began.
    private(set) var isSynced = false

    /// The address of the youngest pod that has one and is not on its way out; else of one that is. `nil`: nobody is there to be asked.
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
