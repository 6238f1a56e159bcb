import JSON
package import SandboxStore

/// Keeps as many pods as every ReplicaSet wants (Kubernetes: pkg/controller/replicaset). Terminating pods do not count, so a replacement
/// is made at once.
package struct ReplicaSetController: Reconciler {
    package static let watched: [ResourceType] = [.replicaSets, .pods]

    private static let burst: Int64 = 500

    package var flaws: Set<SandboxFlaw> = []
    /// The number of pods that each set has been given so far: the flaws need to know of a replacement.
    private var created: [String: Int64] = [:]

    package init(flaws: Set<SandboxFlaw> = []) { self.flaws = flaws }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for set in state.list(.replicaSets) where !set.isBeingDeleted { reconcile(set, &state) }
        return nil
    }

    private mutating func reconcile(_ set: JSONValue, _ state: inout StoreState) {
        let pods = state.list(.pods, ObjectFilter(namespace: set.namespace)).filter { $0.isControlled(by: set) }
        var active = pods.filter(\.isActive)
        let missing = set.replicas - Int64(active.count)
        if missing > 0 {
            // As many in one step as Kubernetes makes (`BurstReplicas`); what is still missing comes with the next.
            for _ in 0..<min(missing, Self.burst) {
                let isReplacement = created[set.uid, default: 0] >= set.replicas
                if isReplacement, flaws.contains(.neverRescheduled) { break }
                if isReplacement, flaws.contains(.claimSwapped) { state.swapClaims(of: set) }
                let pod = set.podFromTemplate()
                do {
                    let made = try state.create(.pods, pod, namespace: set.namespace)
                    created[set.uid, default: 0] += 1
                    active.append(made)
                    state.recordEvent(set, .normal, "SuccessfulCreate", "Created pod: \(made.name)", from: "replicaset-controller")
                } catch {
                    state.recordEvent(set, .warning, "FailedCreate", "Error creating: \(error.message)", from: "replicaset-controller")
                    break
                }
            }
        } else if missing < 0 {
            for pod in active.sorted(by: Self.goesFirst).prefix(Int(-missing)) {
                _ = try? state.delete(ObjectKey(.pods, namespace: pod.namespace, name: pod.name))
                created[set.uid, default: 0] -= 1
                state.recordEvent(set, .normal, "SuccessfulDelete", "Deleted pod: \(pod.name)", from: "replicaset-controller")
            }
            let left = state.list(.pods, ObjectFilter(namespace: set.namespace)).filter { $0.isControlled(by: set) }
            active = left.filter(\.isActive)
        }
        report(set, active, &state)
    }

    /// The order in which surplus pods go (`ActivePods`): those that are of least use first.
    private static func goesFirst(_ left: JSONValue, _ right: JSONValue) -> Bool {
        func rank(_ pod: JSONValue) -> (Int, Int, Int) {
            (pod.nodeName.isEmpty ? 0 : 1, ["Pending": 0, "Unknown": 1][pod.phase] ?? 2, pod.isReady ? 1 : 0)
        }
        if rank(left) != rank(right) { return rank(left) < rank(right) }
        return (left.creationTimestamp, left.name) > (right.creationTimestamp, right.name)
    }

    private func report(_ set: JSONValue, _ active: [JSONValue], _ state: inout StoreState) {
        var ready = Int64(active.filter(\.isReady).count)
        if flaws.contains(.replicaShort), created[set.uid, default: 0] > set.replicas { ready = max(ready - 1, 0) }
        let labels = set[path: "spec", "template"]?.labels ?? [:]
        let labelled = active.filter { pod in labels.allSatisfy { pod.labels[$0.key] == $0.value } }.count
        _ = try? state.modify(ObjectKey(.replicaSets, namespace: set.namespace, name: set.name), part: .status) { set in
            var status: JSONValue = [
                "replicas": .integer(Int64(active.count)), "fullyLabeledReplicas": .integer(Int64(labelled)),
                "observedGeneration": .integer(set.generation),
            ]
            // Kubernetes leaves zeros out of these two.
            if ready > 0 {
                status["readyReplicas"] = .integer(ready)
                status["availableReplicas"] = .integer(ready)
            }
            set["status"] = status
        }
    }
}

extension StoreState {
    /// Puts a fresh claim in the place of each one that a workload's pods use.
    mutating func swapClaims(of workload: JSONValue) {
        let template = workload[path: "spec", "template"] ?? [:]
        for name in template.claimNames { swapClaim(ObjectKey(.persistentVolumeClaims, namespace: workload.namespace, name: name)) }
    }

    mutating func swapClaim(_ key: ObjectKey) {
        guard let claim = self[key] else { return }
        var fresh: JSONValue = ["metadata": ["name": .string(claim.name), "labels": JSONValue(strings: claim.labels)]]
        fresh["spec"] = claim["spec"]
        fresh[path: "spec", "volumeName"] = nil
        guard (try? remove(key, lastState: claim)) != nil else { return }
        _ = try? create(.persistentVolumeClaims, fresh, namespace: key.namespace)
    }
}
