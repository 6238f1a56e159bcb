import JSON
import Journal
import Kubernetes

struct UncordonNode: UndoAction {
    static let kind = "uncordonNode"

    var node: String

    var summary: String { "uncordon node \(node)" }
    var object: MarkedObject { .node(node) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard try await undo.client.find(Node.self, node) != nil else { return "node \(node) is no longer part of the cluster" }
        guard try await undo.unmark(Node.self, node, in: nil, of: intent, and: { _ in ["spec": ["unschedulable": nil]] }) else {
            return "node \(node) does not carry this run's mark: it was not cordoned by it, or is uncordoned already"
        }
        let after = try await undo.client.get(Node.self, node)
        guard !after.isCordoned else { throw FaultError(.notInjected, "node \(node) is still unschedulable") }
        return "node \(node) is schedulable"
    }
}
