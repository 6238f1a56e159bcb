import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// The return of a Node object that was deleted. Most kubelets make it again only when they start, and without what others have written on it.
struct RestoreNode: UndoAction {
    static let kind = "restoreNode"
    /// Another one than that of the fault; the node cannot carry it, as it is gone.
    static let annotation = "aftershock/undo-remedy"

    var node: String
    var labels: [String: String]
    var annotations: [String: String]
    /// Its pod network, provider's identity, cordon, and the taints that are not Kubernetes' own.
    var spec: JSONValue
    /// Without its resources a kubelet of 1.20 that finds the object panics, again and again, and never becomes ready.
    var status: JSONValue
    var namespace: String
    var lease: String

    init(_ node: Node, namespace: String, lease: String) throws {
        self.node = node.metadata.name
        labels = node.metadata.labels
        // The fault's own mark is undone by a command, which does not know the new object.
        annotations = node.metadata.annotations.filter { !$0.key.hasPrefix("aftershock/") }
        var kept = node.spec
        kept?.taints = node.spec?.taints?.filter { !$0.key.hasPrefix("node.kubernetes.io/") }
        spec = try JSONValue(encoding: kept)
        status = try JSONValue(encoding: ["capacity": node.status?.capacity, "allocatable": node.status?.allocatable])
        self.namespace = namespace
        self.lease = lease
    }

    var summary: String { "make the Node object \(node) again where it is missing" }
    var object: MarkedObject { .lease(lease, in: namespace) }
    var consent: String? { "a Node object that a mark describes is made only with --run-commands" }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let client = undo.client
        let labels = JSONValue.object(labels.mapValues(JSONValue.string))
        let annotations = JSONValue.object(annotations.mapValues(JSONValue.string))
        var words = "node \(node) was made again"
        do throws(KubernetesError) {
            let object: JSONValue = [
                "metadata": ["name": .string(node), "labels": labels, "annotations": annotations], "spec": spec, "status": status,
            ]
            _ = try await client.create(Node.self, object)
        } catch {
            guard error.code == .alreadyExists else { throw error }
            try await client.patch(Node.self, node, .merge(["metadata": ["labels": labels, "annotations": annotations]]))
            words = "node \(node) is there"
        }
        let found = try await client.get(Node.self, node)
        guard self.labels.allSatisfy({ found.metadata.labels[$0.key] == $0.value }) else {
            throw FaultError(.notInjected, "node \(node) does not have the labels that it had")
        }
        try await undo.unmarkLease(lease, in: namespace, of: intent)
        return "\(words), with its \(counted(self.labels.count, "label"))"
    }
}
