import JSON
package import SandboxStore

/// Rolls Deployments out by way of ReplicaSets, one for each version of the pod template (Kubernetes: pkg/controller/deployment).
package struct DeploymentController: Reconciler {
    package init() {}

    package static let watched: [ResourceType] = [.deployments, .replicaSets, .pods]

    private static let revision = "deployment.kubernetes.io/revision"
    private static let hashLabel = "pod-template-hash"

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for deployment in state.list(.deployments) where !deployment.isBeingDeleted { reconcile(deployment, &state) }
        return nil
    }

    private func reconcile(_ deployment: JSONValue, _ state: inout StoreState) {
        var rollout = Rollout(deployment, state)
        if deployment[path: "spec", "paused"]?.bool != true {
            guard let current = findOrCreateCurrent(rollout, &state) else { return }
            rollout = Rollout(deployment, state, current: current.name)
            if deployment[path: "spec", "strategy", "type"]?.string == "Recreate" {
                recreate(rollout, &state)
            } else {
                roll(rollout, &state)
            }
            rollout = Rollout(deployment, state, current: current.name)
            prune(rollout, &state)
        } else if let current = rollout.sets.first(where: { Self.template($0) == Self.template(deployment) }) {
            rollout = Rollout(deployment, state, current: current.name)
            if rollout.old.allSatisfy({ $0.replicas == 0 }) { scale(current, to: deployment.replicas, deployment, &state) }
        }
        report(rollout, &state)
    }

    // MARK: The current set

    /// A template without what the controller itself puts on it.
    private static func template(_ workload: JSONValue) -> JSONValue {
        var template = workload[path: "spec", "template"] ?? [:]
        template[path: "metadata", "labels", hashLabel] = nil
        template[path: "metadata", "creationTimestamp"] = nil
        return template
    }

    private func findOrCreateCurrent(_ rollout: Rollout, _ state: inout StoreState) -> JSONValue? {
        let deployment = rollout.deployment
        let newest = rollout.sets.map(Self.number).max() ?? 0
        if let found = rollout.sets.first(where: { Self.template($0) == Self.template(deployment) }) {
            let number = Self.number(found)
            // Going back to an old version makes it the newest revision.
            let wanted = number == newest ? number : newest + 1
            let key = ObjectKey(.replicaSets, namespace: found.namespace, name: found.name)
            let current = try? state.modify(key) { $0[path: "metadata", "annotations", Self.revision] = .string(String(wanted)) }
            annotate(deployment, revision: wanted, &state)
            return current
        }
        let hash = StableHash.label(Self.template(deployment))
        var template = deployment[path: "spec", "template"] ?? [:]
        template[path: "metadata", "labels", Self.hashLabel] = .string(hash)
        var selector = deployment[path: "spec", "selector"] ?? [:]
        selector[path: "matchLabels", Self.hashLabel] = .string(hash)
        var annotations = deployment.annotations
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
        annotations[Self.revision] = String(newest + 1)
        let set: JSONValue = [
            "metadata": [
                "name": .string("\(deployment.name)-\(hash)"), "namespace": .string(deployment.namespace),
                "labels": JSONValue(strings: template.labels), "annotations": JSONValue(strings: annotations),
                "ownerReferences": [deployment.asController],
            ],
            "spec": ["replicas": 0, "selector": selector, "template": template],
        ]
        annotate(deployment, revision: newest + 1, &state)
        return try? state.create(.replicaSets, set, namespace: deployment.namespace)
    }

    /// The revision that a set is marked with. Anybody may write the mark: one that is no 32-bit number counts as none.
    private static func number(_ set: JSONValue) -> Int64 { Int32(set.annotations[revision] ?? "").map(Int64.init) ?? 0 }

    private func annotate(_ deployment: JSONValue, revision: Int64, _ state: inout StoreState) {
        _ = try? state.modify(Self.key(deployment)) { $0[path: "metadata", "annotations", Self.revision] = .string(String(revision)) }
    }

    private static func key(_ deployment: JSONValue) -> ObjectKey {
        ObjectKey(.deployments, namespace: deployment.namespace, name: deployment.name)
    }

    // MARK: Strategies

    /// All old pods go before a new one comes: what a volume that one node at a time can have needs.
    private func recreate(_ rollout: Rollout, _ state: inout StoreState) {
        for set in rollout.old where set.replicas > 0 { scale(set, to: 0, rollout.deployment, &state) }
        let remaining = state.list(.pods, ObjectFilter(namespace: rollout.deployment.namespace)).contains { pod in
            !pod.isFinished && rollout.old.contains { pod.isControlled(by: $0) }
        }
        guard !remaining, let current = rollout.current else { return }
        scale(current, to: rollout.deployment.replicas, rollout.deployment, &state)
    }

    private func roll(_ rollout: Rollout, _ state: inout StoreState) {
        guard let current = rollout.current else { return }
        let desired = rollout.deployment.replicas
        let (surge, unavailable) = rollout.allowance
        if current.replicas > desired { return scale(current, to: desired, rollout.deployment, &state) }
        if current.replicas < desired {
            let room = max(desired + surge - rollout.total, 0)
            // A set may fill its Deployment's size at once when nothing else is there.
            scale(current, to: current.replicas + min(room, desired - current.replicas), rollout.deployment, &state)
        }
        var surplus = rollout.total - (desired - unavailable) - (current.replicas - rollout.available(current))
        // Old pods that are not available keep nothing alive: they go first.
        for set in rollout.old where surplus > 0 && set.replicas > rollout.available(set) {
            let count = min(surplus, set.replicas - rollout.available(set))
            scale(set, to: set.replicas - count, rollout.deployment, &state)
            surplus -= count
        }
        var expendable = Rollout(rollout.deployment, state, current: current.name).availableInTotal - (desired - unavailable)
        for set in Rollout(rollout.deployment, state, current: current.name).old where expendable > 0 && set.replicas > 0 {
            let count = min(expendable, set.replicas)
            scale(set, to: set.replicas - count, rollout.deployment, &state)
            expendable -= count
        }
    }

    private func scale(_ set: JSONValue, to replicas: Int64, _ deployment: JSONValue, _ state: inout StoreState) {
        guard set.replicas != replicas else { return }
        let key = ObjectKey(.replicaSets, namespace: set.namespace, name: set.name)
        guard (try? state.modify(key) { $0[path: "spec", "replicas"] = .integer(replicas) }) != nil else { return }
        let direction = replicas > set.replicas ? "up" : "down"
        state.recordEvent(
            deployment, .normal, "ScalingReplicaSet", "Scaled \(direction) replica set \(set.name) from \(set.replicas) to \(replicas)",
            from: "deployment-controller")
    }

    private func prune(_ rollout: Rollout, _ state: inout StoreState) {
        let limit = rollout.deployment[path: "spec", "revisionHistoryLimit"]?.integer ?? 10
        let idle = rollout.old.filter { $0.replicas == 0 && ($0[path: "status", "replicas"]?.integer ?? 0) == 0 && !$0.isBeingDeleted }
        for set in idle.prefix(max(idle.count - Int(max(limit, 0)), 0)) {
            _ = try? state.delete(ObjectKey(.replicaSets, namespace: set.namespace, name: set.name))
        }
    }

    // MARK: Status

    private func report(_ rollout: Rollout, _ state: inout StoreState) {
        let deployment = rollout.deployment
        let now = state.timestamp
        let desired = deployment.replicas
        let updated = rollout.current.map { rollout.actual($0) } ?? 0
        let total = rollout.sets.reduce(0) { $0 + rollout.actual($1) }
        let ready = rollout.sets.reduce(0) { $0 + ($1[path: "status", "readyReplicas"]?.integer ?? 0) }
        let available = rollout.availableInTotal
        let isComplete = updated == desired && total == desired && available == desired
        let minimum = desired - rollout.allowance.unavailable
        let name = rollout.current?.name ?? ""
        _ = try? state.modify(Self.key(deployment), part: .status) { object in
            var status = object["status"] ?? [:]
            status["observedGeneration"] = .integer(object.generation)
            let counts: [(String, Int64)] = [
                ("replicas", total), ("updatedReplicas", updated), ("readyReplicas", ready), ("availableReplicas", available),
                ("unavailableReplicas", max(max(total, desired) - available, 0)),
            ]
            for (member, count) in counts { status[member] = count == 0 ? nil : .integer(count) }
            object["status"] = status
            if available >= minimum {
                object.updateCondition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", at: now)
            } else {
                object.updateCondition(
                    "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", at: now)
            }
            let reason = isComplete ? "NewReplicaSetAvailable" : "ReplicaSetUpdated"
            // A rollout that was complete stays so when a pod is lost: only a new version begins another.
            let wasComplete = object.condition("Progressing")?["reason"]?.string == "NewReplicaSetAvailable" && updated == desired
            guard !wasComplete || isComplete else { return }
            let text = isComplete ? "has successfully progressed." : "is progressing."
            object.updateCondition("Progressing", "True", reason, "ReplicaSet \"\(name)\" \(text)", at: now)
        }
    }
}

/// A Deployment with its ReplicaSets, oldest first.
private struct Rollout {
    let deployment: JSONValue
    let sets: [JSONValue]
    let current: JSONValue?

    init(_ deployment: JSONValue, _ state: StoreState, current: String? = nil) {
        self.deployment = deployment
        sets = state.list(.replicaSets, ObjectFilter(namespace: deployment.namespace)).filter { $0.isControlled(by: deployment) }
            .sorted { ($0.creationTimestamp, Int64($0.resourceVersion) ?? 0) < ($1.creationTimestamp, Int64($1.resourceVersion) ?? 0) }
        self.current = sets.first { $0.name == current }
    }

    var old: [JSONValue] { sets.filter { $0.uid != current?.uid } }
    var total: Int64 { sets.reduce(0) { $0 + $1.replicas } }
    var availableInTotal: Int64 { sets.reduce(0) { $0 + available($1) } }

    func available(_ set: JSONValue) -> Int64 { set[path: "status", "availableReplicas"]?.integer ?? 0 }
    func actual(_ set: JSONValue) -> Int64 { set[path: "status", "replicas"]?.integer ?? 0 }

    /// The number of pods that may be missing or surplus meanwhile.
    var allowance: (surge: Int64, unavailable: Int64) {
        let strategy = deployment[path: "spec", "strategy"] ?? [:]
        guard strategy["type"]?.string != "Recreate" else { return (0, deployment.replicas) }
        let surge = Amount.resolve(strategy[path: "rollingUpdate", "maxSurge"], of: deployment.replicas, roundingUp: true) ?? 0
        let unavailable = Amount.resolve(strategy[path: "rollingUpdate", "maxUnavailable"], of: deployment.replicas, roundingUp: false) ?? 0
        return surge == 0 && unavailable == 0 ? (0, 1) : (surge, unavailable)
    }
}
