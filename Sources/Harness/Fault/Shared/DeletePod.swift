import Journal
import Kubernetes

/// A helper pod, which is taken away.
struct DeletePod: UndoAction {
    static let kind = "deletePod"

    var namespace: String
    var pod: String

    var summary: String { "delete helper pod \(namespace)/\(pod)" }
    var object: MarkedObject { .pod(pod, in: namespace) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard let found = try await undo.client.find(Pod.self, pod, in: namespace) else { return "pod \(namespace)/\(pod) is gone" }
        // By its own grace period: the object is gone then when the kubelet has seen its processes end, and not before.
        try await undo.client.delete(Pod.self, pod, in: namespace, options: DeleteOptions(uid: found.metadata.uid))
        let gone = try await firstResult(within: Undo.patience) { () async throws -> Bool? in
            try await undo.client.firstState(Pod.self, pod, in: namespace) { $0?.metadata.uid == found.metadata.uid ? nil : true }
        }
        guard gone == true else { throw FaultError(.notInjected, "pod \(namespace)/\(pod) is still there") }
        return "pod \(namespace)/\(pod) is gone"
    }
}
