import Experiment
import JSON
import Journal
import Kubernetes

/// A NoExecute taint on the pod's node: the taint manager deletes what does not tolerate it, without asking disruption budgets.
///
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
struct NodeTaintFault: FaultInjection {
    let spec: FaultSpec.NodeTaint

    private var taint: Taint { Taint(key: spec.key, value: spec.value, effect: "NoExecute") }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "taint node \(target.node) with \(spec.key)=\(spec.value):NoExecute; every pod on it that does not tolerate that is deleted",
            "remove the taint",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let node = try await context.client.get(Node.self, target.node)
        let taints = node.spec?.taints ?? []
        guard !taints.contains(where: { $0.key == taint.key && $0.effect == taint.effect }) else {
            throw FaultError(
                .notInjected, "node \(target.node) has a taint \(taint.key):\(taint.effect) already",
                hint: "it is not ours to remove; use another key in fault.nodeTaint")
        }
        let intent = try context.intend(
            .removeTaint, "remove taint \(spec.key):NoExecute from node \(target.node)",
            ["node": .string(target.node), "key": .string(spec.key), "effect": "NoExecute"])
        let value: JSONValue = ["key": .string(spec.key), "value": .string(spec.value), "effect": "NoExecute"]
        // A list of taints is replaced as a whole: only if it still is the one that was read.
        let change: [Patch.Operation] =
            taints.isEmpty
            ? [.add(path: "/spec/taints", [value])]
            : [.test(path: "/spec/taints", try JSONValue(encoding: taints)), .add(path: "/spec/taints/-", value)]
        try await context.mark(Node.self, target.node, in: nil, with: intent)
        try await context.client.patch(Node.self, target.node, .json(change))
        return "node \(target.node) tainted with \(spec.key)=\(spec.value):NoExecute"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).podReplaced()
    }
}
