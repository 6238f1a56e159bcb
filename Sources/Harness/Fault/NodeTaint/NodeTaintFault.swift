import Experiment
import JSON
import Journal
import Kubernetes

/// Puts a NoExecute taint on the pod's node: the taint manager deletes the pods that do not tolerate it, whatever disruption budgets say.
///
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
struct NodeTaintFault: FaultInjection {
    static let kind = "nodeTaint"
    static let summary = "Puts a NoExecute taint on the pod's node."
    static let fields: [Format.Field] = [
        .optional("key", .text, .string("aftershock/taint"), "The taint's key."),
        .optional("value", .text, .string("injected"), "Its value."),
    ]
    static let manual = [
        FaultManual(
            "`nodeTaint`", happens: "a `NoExecute` taint", proof: "as with `podDelete`", restored: "the taint",
            restoredProof: "it is not there")
    ]
    static var undoActions: [any UndoAction.Type] { [RemoveTaint.self] }

    let key: String
    let value: String

    init(_ fields: FormatValue, options: FaultOptions) {
        key = fields.requiredText("key")
        value = fields.requiredText("value")
    }

    private var taint: Taint { Taint(key: key, value: value, effect: "NoExecute") }

    var takesNode: Bool { true }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "taint node \(target.node) with \(key)=\(value):NoExecute; every pod on it that does not tolerate that is deleted",
            "remove the taint",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        let taints = try JSONValue(encoding: (try await client.get(Node.self, target.node).spec?.taints ?? []) + [taint])
        try await client.rehearseMark(Node.self, target.node, in: nil, of: RemoveTaint.self, and: ["spec": ["taints": taints]])
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        try refuse(try await context.client.get(Node.self, target.node))
        let intent = try context.intend(RemoveTaint(node: target.node, key: key, effect: taint.effect))
        try await context.mark(Node.self, target.node, in: nil, with: intent) { node in
            try refuse(node)
            return ["spec": ["taints": try JSONValue(encoding: (node.spec?.taints ?? []) + [taint])]]
        }
        return "node \(target.node) tainted with \(key)=\(value):NoExecute"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).podReplaced()
    }

    /// An existing taint belongs to somebody else, and would be removed together with this run's.
    private func refuse(_ node: Node) throws(FaultError) {
        guard !(node.spec?.taints ?? []).contains(where: { $0.key == taint.key && $0.effect == taint.effect }) else {
            throw FaultError(
                .notInjected, "node \(node.metadata.name) has a taint \(taint.key):\(taint.effect) already",
                hint: "it is not ours to remove; use another key in fault.nodeTaint")
        }
    }
}
