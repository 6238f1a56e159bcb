import Experiment
import JSON
import Journal
import Kubernetes

/// Cordons the node and evicts its pods in the order of `kubectl drain` (kubernetes/kubectl, pkg/drain).
struct NodeDrainFault: FaultInjection {
    static let kind = "nodeDrain"
    static let summary = "Cordons the pod's node and evicts its pods as kubectl drain does."
    static let fields: [Format.Field] = [
        .optional("timeout", .positive, .duration(.seconds(300)), "When the drain is given up."),
        .optional("gracePeriod", .duration(), "As with podDelete."),
        .optional("ignoreDaemonSets", .boolean, .boolean(true), "Go on where DaemonSet pods are on the node; they stay."),
        .optional("deleteEmptyDirData", .boolean, .boolean(false), "Also evict pods with emptyDir volumes."),
        .optional("force", .boolean, .boolean(false), "Also evict pods that nothing re-creates."),
    ]
    static let manual = [
        FaultManual(
            "`nodeDrain`", happens: "cordon and evict in kubectl's order, until the pods are gone",
            proof: "the node is unschedulable, the pod gone", restored: "the cordon, if it was ours",
            restoredProof: "the node is schedulable"
        )
    ]
    static var undoActions: [any UndoAction.Type] { [UncordonNode.self] }

    let timeout: Duration
    let gracePeriod: Duration?
    let options: DrainPlan.Options

    init(_ fields: FormatValue, options: FaultOptions) {
        timeout = fields.requiredDuration("timeout")
        gracePeriod = fields.duration("gracePeriod")
        self.options = DrainPlan.Options(
            force: fields.boolean("force"), ignoreDaemonSets: fields.boolean("ignoreDaemonSets"),
            deleteEmptyDirData: fields.boolean("deleteEmptyDirData"))
    }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "cordon node \(target.node), unless it is cordoned already",
            "evict every pod on node \(target.node) that kubectl drain would, and wait until they are gone, for disruption budgets too, up to "
                + timeout.text,
            "uncordon node \(target.node), if this run cordoned it",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
            + ["get", "list", "watch"].map { ResourceAttributes(verb: $0, resource: "pods") }
            + [
                ResourceAttributes(verb: "create", resource: "pods", subresource: "eviction"),
                ResourceAttributes(verb: "list", group: "apps", resource: "daemonsets"),
                ResourceAttributes(verb: "list", group: "policy", resource: "poddisruptionbudgets"),
            ]
    }

    var takesNode: Bool { true }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        guard let node = subject.pod.spec.nodeName else { return [] }
        let plan = try await subject.client.drainPlan(node: node, options: options)
        func list(_ entries: [DrainPlan.Entry]) -> String {
            entries.map { $0.reasons.isEmpty ? $0.name : "\($0.name) (\($0.reasons.joined(separator: ", ")))" }.joined(separator: "; ")
        }
        let staying = plan.skipped.isEmpty ? "" : "; these stay: \(list(plan.skipped))"
        let drain =
            plan.blocking.isEmpty
            ? PreflightCheck(
                name: "drain", status: .passed, message: "a drain of node \(node) evicts \(list(plan.evicted))\(staying)")
            : PreflightCheck(
                name: "drain", status: .failed, message: "node \(node) cannot be drained: \(list(plan.blocking))", hint: Self.blockingHint)
        return [drain] + Eviction.checks(plan.heldByBudget)
    }

    private static let blockingHint = "see force, deleteEmptyDirData and ignoreDaemonSets of fault.nodeDrain"

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await client.rehearseMark(Node.self, target.node, in: nil, of: UncordonNode.self, and: ["spec": ["unschedulable": true]])
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let deadline = ContinuousClock.now + timeout
        let plan = try await context.client.drainPlan(node: target.node, options: options)
        guard plan.blocking.isEmpty else {
            let reasons = plan.blocking.map { "\($0.name): \($0.reasons.joined(separator: ", "))" }
            throw FaultError(
                .refused, "node \(target.node) cannot be drained: \(reasons.joined(separator: "; "))",
                hint: Self.blockingHint)
        }
        let cordoned = try await cordon(target.node, context)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for pod in plan.evicted.map(\.pod.metadata) {
                group.addTask {
                    let eviction = Eviction(
                        client: context.client, namespace: pod.namespace ?? "", pod: pod.name, uid: pod.uid ?? "",
                        gracePeriod: gracePeriod)
                    _ = try await eviction.evict(until: deadline)
                    try await eviction.awaitEnd(until: deadline)
                }
            }
            try await group.waitForAll()
        }
        return
            "node \(target.node) \(cordoned ? "cordoned" : "was cordoned already"); \(counted(plan.evicted.count, "pod")) evicted and gone"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let node = try await context.client.get(Node.self, target.node)
        var effect = try await Proof(context: context, target: target, timeout: timeout).podReplaced()
        effect.proven = effect.proven && node.isCordoned
        effect.evidence.insert("node \(target.node) is \(node.isCordoned ? "unschedulable" : "still schedulable")", at: 0)
        return effect
    }

    /// - Returns: whether this run cordoned it.
    private func cordon(_ name: String, _ context: FaultContext) async throws -> Bool {
        guard try await !context.client.get(Node.self, name).isCordoned else { return false }
        let intent = try context.intend(UncordonNode(node: name))
        return try await context.mark(Node.self, name, in: nil, with: intent) { $0.isCordoned ? nil : ["spec": ["unschedulable": true]] }
    }
}
