import JSON
import KubernetesAPI
package import SandboxStore

/// Removes the objects of pods whose node will never say that they have ended (Kubernetes: pkg/controller/podgc).
package struct PodGarbageCollector: Reconciler {
    package static let watched: [ResourceType] = [.pods, .nodes]

    package let timings: SandboxTimings
    /// Since when each missing node has been missed.
    private var missing: [String: Duration] = [:]

    package init(timings: SandboxTimings) { self.timings = timings }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        var deadlines: [Duration] = []
        var stillMissing: [String: Duration] = [:]
        for pod in state.list(.pods) where !pod.nodeName.isEmpty {
            guard let node = state[ObjectKey(.nodes, name: pod.nodeName)] else {
                let since = missing[pod.nodeName] ?? now
                stillMissing[pod.nodeName] = since
                let due = since + timings.orphanQuarantine
                if due <= now { remove(pod, &state) } else { deadlines.append(due) }
                continue
            }
            if pod.isBeingDeleted, Taints.has(node, TaintKey.outOfService), !node.isReady { remove(pod, &state) }
        }
        missing = stillMissing
        return deadlines.min()
    }

    private func remove(_ pod: JSONValue, _ state: inout StoreState) {
        let key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
        if !pod.isFinished { _ = try? state.modify(key, part: .status) { $0[path: "status", "phase"] = "Failed" } }
        _ = try? state.delete(key, .confirmed(uid: pod.uid))
    }
}
