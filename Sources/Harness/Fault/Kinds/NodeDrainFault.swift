public import Experiment
import JSON
import Journal
public import Kubernetes

/// Cordon and evict, in the order of `kubectl drain` (kubernetes/kubectl, pkg/drain).
struct NodeDrainFault: FaultInjection {
    let spec: FaultSpec.NodeDrain

    func plan(_ target: FaultTarget) -> [String] {
        [
            "cordon node \(target.node), unless it is cordoned already",
            "evict every pod on node \(target.node) that kubectl drain would, and wait until they are gone, for disruption budgets too, up to "
                + spec.timeout.gep2257,
            "uncordon node \(target.node), if this run cordoned it",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
            + ["get", "list"].map { ResourceAttributes(verb: $0, resource: "pods") }
            + [
                ResourceAttributes(verb: "create", resource: "pods", subresource: "eviction"),
                ResourceAttributes(verb: "list", group: "apps", resource: "daemonsets"),
                ResourceAttributes(verb: "list", group: "policy", resource: "poddisruptionbudgets"),
            ]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let deadline = ContinuousClock.now + spec.timeout
        let plan = try await context.client.drainPlan(node: target.node, options: spec.planOptions)
        guard plan.blocking.isEmpty else {
            let reasons = plan.blocking.map { "\($0.name): \($0.reasons.joined(separator: ", "))" }
            throw FaultError(
                .refused, "node \(target.node) cannot be drained: \(reasons.joined(separator: "; "))",
                hint: "see force, deleteEmptyDirData and ignoreDaemonSets of fault.nodeDrain")
        }
        let cordoned = try await cordon(target.node, context)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pod in plan.evicted.map(\.pod.metadata) {
                group.addTask {
                    let eviction = Eviction(
                        client: context.client, namespace: pod.namespace ?? "", pod: pod.name, uid: pod.uid ?? "",
                        gracePeriod: spec.gracePeriod)
                    _ = try await eviction.evict(until: deadline)
                    try await eviction.awaitEnd(until: deadline)
                }
            }
            try await group.waitForAll()
        }
        return "node \(target.node) \(cordoned ? "cordoned" : "was cordoned already"); \(plan.evicted.count) pods evicted and gone"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let node = try await context.client.get(Node.self, target.node)
        var effect = try await Proof(context: context, target: target, timeout: timeout).podReplaced()
        effect.proven = effect.proven && node.isCordoned
        effect.evidence.insert("node \(target.node) is \(node.isCordoned ? "unschedulable" : "still schedulable")", at: 0)
        return effect
    }

    /// - Returns: whether it was this run that cordoned it.
    private func cordon(_ name: String, _ context: FaultContext) async throws -> Bool {
        guard try await !context.client.get(Node.self, name).isCordoned else { return false }
        let intent = try context.intend(.uncordonNode, "uncordon node \(name)", ["node": .string(name)])
        return try await context.mark(Node.self, name, in: nil, with: intent) { $0.isCordoned ? nil : ["spec": ["unschedulable": true]] }
    }
}

extension FaultSpec.NodeDrain {
    /// The spec in the drain plan's words.
    public var planOptions: DrainPlan.Options {
        DrainPlan.Options(force: force, ignoreDaemonSets: ignoreDaemonSets, deleteEmptyDirData: deleteEmptyDirData)
    }
}
