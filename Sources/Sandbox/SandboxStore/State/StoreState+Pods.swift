import Foundation
package import JSON

/// Binding and evicting pods.
extension StoreState {
    /// Assigns a pod to a node, once (the scheduler's `binding` subresource).
    package mutating func bind(_ key: ObjectKey, to node: String) throws(APIError) -> JSONValue {
        let pod = try get(key)
        if pod.isBeingDeleted { throw .conflict(.pods, key.name, "pod \(key.name) is being deleted, cannot be assigned to a host") }
        let present = pod[path: "spec", "nodeName"]?.string ?? ""
        guard present.isEmpty else {
            throw .conflict(.pods, key.name, "pod \(key.name) is already assigned to node \"\(present)\"")
        }
        let now = StoreEnvironment.timestamp(environment.now())
        return try modify(key) { pod in
            pod[path: "spec", "nodeName"] = .string(node)
            pod.setCondition(["type": "PodScheduled", "status": "True", "lastProbeTime": nil, "lastTransitionTime": .string(now)])
        }
    }

    /// Deletes a pod if the disruption budgets allow it
    /// (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/; Kubernetes: pkg/registry/core/pod/storage/eviction.go).
    @discardableResult
    package mutating func evict(_ key: ObjectKey, _ options: DeleteOptions) throws(APIError) -> Deletion {
        let pod = try get(key)
        try checkCreation(of: key.type, key.name, in: key.namespace)
        try check(options.preconditions, key, pod)
        let phase = pod[path: "status", "phase"]?.string
        // Such pods keep nothing alive, so no budget protects them.
        if pod.isBeingDeleted || ["Pending", "Succeeded", "Failed"].contains(phase) { return try delete(key, options) }

        var budgets: [JSONValue] = []
        for budget in list(.podDisruptionBudgets, ObjectFilter(namespace: key.namespace)) {
            guard let selector = budget[path: "spec", "selector"] else { continue }
            if try LabelSelector(object: selector).matches(pod.labels) { budgets.append(budget) }
        }
        guard budgets.count <= 1 else {
            throw APIError(
                500, "InternalError", "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        if let budget = budgets.first, !isExempt(pod, from: budget) { try spend(budget, on: pod) }
        markDisrupted(key, pod)
        return try delete(key, options)
    }

    /// An unhealthy pod may go when the budget says so, or when the healthy ones are enough without it.
    private func isExempt(_ pod: JSONValue, from budget: JSONValue) -> Bool {
        guard pod.condition("Ready")?["status"]?.string != "True" else { return false }
        if budget[path: "spec", "unhealthyPodEvictionPolicy"]?.string == "AlwaysAllow" { return true }
        let healthy = budget[path: "status", "currentHealthy"]?.integer ?? 0
        let desired = budget[path: "status", "desiredHealthy"]?.integer ?? 0
        return healthy >= desired && desired > 0
    }

    private mutating func spend(_ budget: JSONValue, on pod: JSONValue) throws(APIError) {
        let status = budget["status"] ?? [:]
        if (status["observedGeneration"]?.integer ?? 0) < budget.generation {
            var error = tooManyRequests(budget, "The disruption budget \(budget.name) is still being processed by the server.")
            error.retryAfterSeconds = 10
            throw error
        }
        let allowed = status["disruptionsAllowed"]?.integer ?? 0
        guard allowed > 0 else {
            let desired = status["desiredHealthy"]?.integer ?? 0
            let healthy = status["currentHealthy"]?.integer ?? 0
            throw tooManyRequests(
                budget, "The disruption budget \(budget.name) needs \(desired) healthy pods and has \(healthy) currently")
        }
        let now = StoreEnvironment.timestamp(environment.now())
        _ = try modify(ObjectKey(.podDisruptionBudgets, namespace: budget.namespace, name: budget.name), part: .status) { budget in
            budget[path: "status", "disruptionsAllowed"] = .integer(allowed - 1)
            budget[path: "status", "disruptedPods", pod.name] = .string(now)
        }
    }

    private func tooManyRequests(_ budget: JSONValue, _ cause: String) -> APIError {
        var error = APIError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
        error.causes = [.init(reason: "DisruptionBudget", message: cause, field: nil)]
        return error
    }

    private mutating func markDisrupted(_ key: ObjectKey, _ pod: JSONValue) {
        var marked = pod
        marked.setCondition([
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting", "lastProbeTime": nil,
            "lastTransitionTime": .string(StoreEnvironment.timestamp(environment.now())),
        ])
        put(marked, key, .modified, previous: pod)
    }
}

extension JSONValue {
    /// Puts a condition into `status.conditions`, in the place of an earlier one of its type.
    mutating func setCondition(_ condition: JSONValue) {
        var conditions = self[path: "status", "conditions"]?.array ?? []
        if let index = conditions.firstIndex(where: { $0["type"] == condition["type"] }) {
            conditions[index] = condition
        } else {
            conditions.append(condition)
        }
        self[path: "status", "conditions"] = .array(conditions)
    }
}
