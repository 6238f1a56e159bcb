import JSON
import KubernetesAPI
package import SandboxStore

/// Notices nodes that have fallen silent and moves their pods away (Kubernetes: pkg/controller/nodelifecycle, pkg/controller/tainteviction).
package struct NodeLifecycleController: Reconciler {
    package static let watched: [ResourceType] = [.nodes, .leases, .pods]

    private struct Sighting: Sendable {
        var renewal: String
        var at: Duration
    }

    private struct Eviction: Hashable, Sendable {
        let pod: String
        let taint: String
    }

    package let timings: SandboxTimings
    private var sightings: [String: Sighting] = [:]
    /// Since when each pod has been exposed to each NoExecute taint.
    private var exposed: [Eviction: Duration] = [:]

    package init(timings: SandboxTimings) { self.timings = timings }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        var deadlines: [Duration] = []
        for node in state.list(.nodes) { deadlines.append(watchOver(node, &state, now)) }
        deadlines += evict(&state, now)
        return deadlines.filter { $0 > now }.min()
    }

    // MARK: Silence

    private mutating func watchOver(_ node: JSONValue, _ state: inout StoreState, _ now: Duration) -> Duration {
        let lease = state[ObjectKey(.leases, namespace: "kube-node-lease", name: node.name)]
        let renewal = lease?[path: "spec", "renewTime"]?.string ?? ""
        // The kubelet's clock may be off: what counts is when a new time was seen.
        if sightings[node.name]?.renewal != renewal { sightings[node.name] = Sighting(renewal: renewal, at: now) }
        let deadline = (sightings[node.name]?.at ?? now) + timings.nodeMonitorGrace
        if now >= deadline { markUnknown(node, &state) }
        let present = state[ObjectKey(.nodes, name: node.name)] ?? node
        setTaints(present, &state)
        if present.condition("Ready")?["status"]?.string != "True" { markPodsNotReady(present, &state) }
        return deadline
    }

    private func markUnknown(_ node: JSONValue, _ state: inout StoreState) {
        guard node.condition("Ready")?["status"]?.string != "Unknown" else { return }
        let now = state.timestamp
        _ = try? state.modify(ObjectKey(.nodes, name: node.name), part: .status) { node in
            for type in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
                let heartbeat = node.condition(type)?["lastHeartbeatTime"] ?? now
                node.updateCondition(
                    type, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", at: now,
                    extra: ["lastHeartbeatTime": heartbeat])
            }
        }
        state.recordEvent(
            node, .normal, "NodeNotReady", "Node \(node.name) status is now: NodeNotReady", from: "node-controller")
    }

    private func setTaints(_ node: JSONValue, _ state: inout StoreState) {
        var wanted: [(String, String)] = []
        switch node.condition("Ready")?["status"]?.string {
        case "True": break
        case "Unknown": wanted = [(TaintKey.unreachable, "NoSchedule"), (TaintKey.unreachable, "NoExecute")]
        case nil: wanted = [(TaintKey.notReady, "NoSchedule")]
        default: wanted = [(TaintKey.notReady, "NoSchedule"), (TaintKey.notReady, "NoExecute")]
        }
        if node[path: "spec", "unschedulable"]?.bool == true { wanted.append((TaintKey.unschedulable, "NoSchedule")) }
        let ours: Set = [TaintKey.unreachable, TaintKey.notReady, TaintKey.unschedulable]
        let present = Taints.of(node)
        func isWanted(_ taint: JSONValue) -> Bool { wanted.contains { $0.0 == taint["key"]?.string && $0.1 == taint["effect"]?.string } }
        let kept = present.filter { !ours.contains($0["key"]?.string ?? "") || isWanted($0) }
        let now = state.timestamp
        let added = wanted.filter { want in !kept.contains { $0["key"]?.string == want.0 && $0["effect"]?.string == want.1 } }
            .map { key, effect -> JSONValue in ["key": .string(key), "effect": .string(effect), "timeAdded": now] }
        let taints = kept + added
        guard taints != present else { return }
        _ = try? state.modify(ObjectKey(.nodes, name: node.name)) { $0[path: "spec", "taints"] = taints.isEmpty ? nil : .array(taints) }
    }

    /// The step by which a silent node's pods drop out of their Services.
    private func markPodsNotReady(_ node: JSONValue, _ state: inout StoreState) {
        let now = state.timestamp
        for pod in state.list(.pods) where pod.nodeName == node.name && pod.isReady {
            _ = try? state.modify(ObjectKey(.pods, namespace: pod.namespace, name: pod.name), part: .status) {
                $0.updateCondition("Ready", "False", nil, nil, at: now, extra: ["lastProbeTime": nil])
            }
            state.recordEvent(pod, .warning, "NodeNotReady", "Node is not ready", from: "node-controller")
        }
    }

    // MARK: Taint-based eviction

    /// Deletes the pods that do not tolerate a NoExecute taint, or no longer.
    private mutating func evict(_ state: inout StoreState, _ now: Duration) -> [Duration] {
        var deadlines: [Duration] = []
        var still: [Eviction: Duration] = [:]
        for node in state.list(.nodes) {
            let taints = Taints.of(node).filter { $0["effect"]?.string == "NoExecute" }
            guard !taints.isEmpty else { continue }
            for pod in state.list(.pods) where pod.nodeName == node.name && pod.isActive {
                var due: Duration?
                for taint in taints {
                    let id = Eviction(pod: pod.uid, taint: "\(taint["key"]?.string ?? "")=\(taint["value"]?.string ?? "")")
                    let since = exposed[id] ?? now
                    still[id] = since
                    guard let tolerationTime = Self.tolerationTime(pod, taint) else { continue }
                    due = min(due ?? now + .seconds(Int64(Int32.max)), since + tolerationTime)
                }
                guard let due else { continue }
                if due <= now { delete(pod, &state) } else { deadlines.append(due) }
            }
        }
        exposed = still
        return deadlines
    }

    /// The time for which a pod stays in spite of a taint; `nil` means forever.
    private static func tolerationTime(_ pod: JSONValue, _ taint: JSONValue) -> Duration? {
        let matching = Taints.tolerations(pod).filter { Taints.tolerates($0, taint) }
        guard !matching.isEmpty else { return .zero }
        return matching.compactMap { $0["tolerationSeconds"]?.integer }.min().map { .seconds(max($0, 0)) }
    }

    private func delete(_ pod: JSONValue, _ state: inout StoreState) {
        let key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
        let now = state.timestamp
        _ = try? state.modify(key, part: .status) {
            $0.updateCondition(
                "DisruptionTarget", "True", "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", at: now,
                extra: ["lastProbeTime": nil])
        }
        state.recordEvent(
            pod, .normal, "TaintManagerEviction", "Marking for deletion Pod \(pod.namespace)/\(pod.name)", from: "taint-eviction-controller"
        )
        _ = try? state.delete(key)
    }
}
