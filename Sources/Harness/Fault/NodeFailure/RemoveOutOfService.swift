import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// Removes the taint that marks a node as out of service.
struct RemoveOutOfService: UndoAction {
    static let kind = "removeOutOfService"
    /// It differs from the annotation of the node's failure, which is on the same node.
    static let annotation = "aftershock/undo-remedy"

    var node: String

    var summary: String { "remove taint \(TaintKey.outOfService) from node \(node)" }
    var object: MarkedObject { .node(node) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard try await undo.client.find(Node.self, node) != nil else { return "node \(node) is no longer part of the cluster" }
        let unmarked = try await undo.unmark(Node.self, node, in: nil, of: intent) { object in
            let others = (object.spec?.taints ?? []).filter { $0.key != TaintKey.outOfService }
            return ["spec": ["taints": others.isEmpty ? nil : try JSONValue(encoding: others)]]
        }
        guard unmarked else { return "node \(node) does not carry this run's mark: it was not tainted by it, or is not any more" }
        let after = try await undo.client.get(Node.self, node)
        guard !(after.spec?.taints ?? []).contains(where: { $0.key == TaintKey.outOfService }) else {
            throw FaultError(.notInjected, "node \(node) still has the taint \(TaintKey.outOfService)")
        }
        return "node \(node) has no taint \(TaintKey.outOfService)"
    }
}
