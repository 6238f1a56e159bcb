import JSON
import Journal
import Kubernetes

struct RemoveTaint: UndoAction {
    static let kind = "removeTaint"

    var node: String
    var key: String
    var effect: String

    var summary: String { "remove taint \(key):\(effect) from node \(node)" }
    var object: MarkedObject { .node(node) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard try await undo.client.find(Node.self, node) != nil else { return "node \(node) is no longer part of the cluster" }
        let unmarked = try await undo.unmark(Node.self, node, in: nil, of: intent) { object in
            let others = (object.spec?.taints ?? []).filter { $0.key != key || $0.effect != effect }
            return ["spec": ["taints": others.isEmpty ? nil : try JSONValue(encoding: others)]]
        }
        guard unmarked else { return "node \(node) does not carry this run's mark: it was not tainted by it, or is not any more" }
        let after = try await undo.client.get(Node.self, node)
        guard !(after.spec?.taints ?? []).contains(where: { $0.key == key && $0.effect == effect }) else {
            throw FaultError(.notInjected, "node \(node) still has the taint \(key):\(effect)")
        }
        return "node \(node) has no taint \(key):\(effect)"
    }
}
