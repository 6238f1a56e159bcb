import JSON
package import SandboxStore

/// Keeps the status of PodDisruptionBudgets, which the eviction API spends (https://kubernetes.io/docs/tasks/run-application/configure-pdb/).
package struct DisruptionController: Reconciler {
    package init() {}

    package static let watched: [ResourceType] = [.podDisruptionBudgets, .pods, .replicaSets, .deployments, .statefulSets]

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for budget in state.list(.podDisruptionBudgets) { reconcile(budget, &state) }
        return nil
    }

    private func reconcile(_ budget: JSONValue, _ state: inout StoreState) {
        guard let selector = budget[path: "spec", "selector"], let labels = try? LabelSelector(object: selector) else { return }
        let pods = state.list(.pods, ObjectFilter(namespace: budget.namespace)).filter { labels.matches($0.labels) && !$0.isFinished }
        // A pod that is being evicted counts as gone already.
        let disrupted = (budget[path: "status", "disruptedPods"]?.object ?? [:]).filter { name, _ in
            pods.contains { $0.name == name && !$0.isBeingDeleted }
        }
        let healthy = Int64(pods.filter { $0.isReady && !$0.isBeingDeleted && disrupted[$0.name] == nil }.count)
        let scale = Self.scale(of: pods, state)
        let expected: Int64
        let desired: Int64
        if let most = budget[path: "spec", "maxUnavailable"] {
            expected = scale
            desired = max(scale - (Amount.resolve(most, of: scale, roundingUp: true) ?? 0), 0)
        } else {
            let least = budget[path: "spec", "minAvailable"] ?? 1
            expected = least.integer == nil ? scale : Int64(pods.count)
            desired = Amount.resolve(least, of: scale, roundingUp: true) ?? 1
        }
        let allowed = expected > 0 ? max(healthy - desired, 0) : 0
        let now = state.timestamp
        _ = try? state.modify(ObjectKey(.podDisruptionBudgets, namespace: budget.namespace, name: budget.name), part: .status) { budget in
            let conditions = budget[path: "status", "conditions"]
            budget["status"] = [
                "currentHealthy": .integer(healthy), "desiredHealthy": .integer(desired), "disruptionsAllowed": .integer(allowed),
                "expectedPods": .integer(expected), "observedGeneration": .integer(budget.generation),
            ]
            budget[path: "status", "conditions"] = conditions
            if !disrupted.isEmpty { budget[path: "status", "disruptedPods"] = .object(disrupted) }
            budget.updateCondition(
                "DisruptionAllowed", allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods", "", at: now,
                extra: ["observedGeneration": .integer(budget.generation)])
        }
    }

    /// Returns the number of pods that the workloads of these pods want.
    private static func scale(of pods: [JSONValue], _ state: StoreState) -> Int64 {
        var owners: Set<String> = []
        var total: Int64 = 0
        for pod in pods {
            guard var owner = pod.controllerReference?["uid"]?.string.flatMap(state.object(uid:)) else {
                total += 1
                continue
            }
            if let above = owner.controllerReference?["uid"]?.string.flatMap(state.object(uid:)) { owner = above }
            if owners.insert(owner.uid).inserted { total += owner.replicas }
        }
        return total
    }
}
