import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// Creates a deleted Node object again. Most kubelets do so only when they start, and without the labels and annotations of others.
struct RestoreNode: UndoAction {
    static let kind = "restoreNode"
    /// It differs from the annotation of the fault, and is on the Lease because the node object is gone.
    static let annotation = "aftershock/undo-remedy"

    var node: String
    var labels: [String: String]
    var annotations: [String: String]
    /// The node's pod network, provider ID, cordon, and the taints that are not Kubernetes' own.
    var spec: JSONValue
    /// A kubelet of Kubernetes 1.20 panics in a loop if it finds the object without resources.
    var status: JSONValue
    var namespace: String
    var lease: String

    init(_ node: Node, namespace: String, lease: String) throws {
        self.node = node.metadata.name
        labels = node.metadata.labels
        // The undo command of the fault does not know the new object, so the fault's mark is left out.
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
