import JSON
import KubernetesAPI
package import SandboxStore

/// Keeps one pod of each DaemonSet on every node that its template admits (Kubernetes: pkg/controller/daemon).
package struct DaemonSetController: Reconciler {
    package init() {}

    package static let watched: [ResourceType] = [.daemonSets, .pods, .nodes]

    private static let revisionLabel = RevisionHistory.label

    /// The tolerations of every daemon, so that no failure of its node removes it.
    private static let tolerations: [JSONValue] = [
        ["key": .string(TaintKey.notReady), "operator": "Exists", "effect": "NoExecute"],
        ["key": .string(TaintKey.unreachable), "operator": "Exists", "effect": "NoExecute"],
        ["key": "node.kubernetes.io/disk-pressure", "operator": "Exists", "effect": "NoSchedule"],
        ["key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"],
        ["key": "node.kubernetes.io/pid-pressure", "operator": "Exists", "effect": "NoSchedule"],
        ["key": .string(TaintKey.unschedulable), "operator": "Exists", "effect": "NoSchedule"],
    ]

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for set in state.list(.daemonSets) where !set.isBeingDeleted { reconcile(set, &state) }
        return nil
    }

    private func reconcile(_ set: JSONValue, _ state: inout StoreState) {
        let history = RevisionHistory(set)
        history.record(&state)
        let hash = history.hash
        var model = set.podFromTemplate(labels: [Self.revisionLabel: hash])
        model[path: "spec", "tolerations"] = .array((model[path: "spec", "tolerations"]?.array ?? []) + Self.tolerations)
        let all = state.list(.pods, ObjectFilter(namespace: set.namespace)).filter { $0.isControlled(by: set) }
        var desired: Int64 = 0
        var replaces = true
        for node in state.list(.nodes) {
            let here = all.filter { $0.nodeName == node.name }
            guard NodeFit.selects(model, node), Taints.untolerated(model, on: node) == nil else {
                // Only a NoExecute taint drives a daemon out; a label that is gone does too.
                if !NodeFit.selects(model, node) { for pod in here where !pod.isBeingDeleted { delete(pod, &state) } }
                continue
            }
            desired += 1
            for pod in here where pod.isFinished && !pod.isBeingDeleted { delete(pod, &state) }
            if here.isEmpty {
                var pod = model
                pod[path: "spec", "nodeName"] = .string(node.name)
                guard let made = try? state.create(.pods, pod, namespace: set.namespace) else { continue }
                state.recordEvent(set, .normal, "SuccessfulCreate", "Created pod: \(made.name)", from: "daemonset-controller")
            } else if replaces, set[path: "spec", "updateStrategy", "type"]?.string != "OnDelete",
                let outdated = here.first(where: { $0.labels[Self.revisionLabel] != hash && !$0.isBeingDeleted })
            {
                // One at a time (`maxUnavailable: 1`).
                replaces = all.allSatisfy { $0.isReady || $0.uid == outdated.uid }
                if replaces { delete(outdated, &state) }
                replaces = false
            }
        }
        report(set, hash, desired, &state)
        history.prune(inUse: Set(all.compactMap { $0.labels[Self.revisionLabel] }), &state)
    }

    private func delete(_ pod: JSONValue, _ state: inout StoreState) {
        _ = try? state.delete(ObjectKey(.pods, namespace: pod.namespace, name: pod.name))
    }

    private func report(_ set: JSONValue, _ hash: String, _ desired: Int64, _ state: inout StoreState) {
        let pods = state.list(.pods, ObjectFilter(namespace: set.namespace)).filter { $0.isControlled(by: set) && !$0.isBeingDeleted }
        let ready = Int64(pods.filter(\.isReady).count)
        let updated = Int64(pods.filter { $0.labels[Self.revisionLabel] == hash }.count)
        _ = try? state.modify(ObjectKey(.daemonSets, namespace: set.namespace, name: set.name), part: .status) { set in
            var status: JSONValue = [
                "observedGeneration": .integer(set.generation), "currentNumberScheduled": .integer(Int64(pods.count)),
                "desiredNumberScheduled": .integer(desired), "numberMisscheduled": 0, "numberReady": .integer(ready),
            ]
            if updated > 0 { status["updatedNumberScheduled"] = .integer(updated) }
            if ready > 0 { status["numberAvailable"] = .integer(ready) }
            if desired > ready { status["numberUnavailable"] = .integer(desired - ready) }
            set["status"] = status
        }
    }
}
