import Journal
import Kubernetes
import KubernetesAPI

/// Deletes a helper pod.
struct DeletePod: UndoAction {
    static let kind = "deletePod"

    var namespace: String
    var pod: String

    var summary: String { "delete helper pod \(namespace)/\(pod)" }
    var object: MarkedObject { .pod(pod, in: namespace) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard let found = try await undo.client.find(Pod.self, pod, in: namespace) else { return "pod \(namespace)/\(pod) is gone" }
        guard try isOurs(found, intent, undo) else {
            throw FaultError(
                .refused, "pod \(namespace)/\(pod) is not a helper pod of a run: it is not touched",
                hint: "if its annotation \(Self.annotation) is not needed, remove the annotation")
        }
        // By its own grace period: the object is gone then when the kubelet has seen its processes end, and not before.
        try await undo.client.delete(Pod.self, pod, in: namespace, options: DeleteOptions(uid: found.metadata.uid))
        let gone = try await firstResult(within: Undo.timeout) { () async throws -> Bool? in
            try await undo.client.firstState(Pod.self, pod, in: namespace) { $0?.metadata.uid == found.metadata.uid ? nil : true }
        }
        guard gone == true else { throw FaultError(.notInjected, "pod \(namespace)/\(pod) is still there") }
        return "pod \(namespace)/\(pod) is gone"
    }

    /// Every user who may patch a pod can give it annotations and labels, but not another name, owner or way to be restarted.
    private func isOurs(_ found: Pod, _ intent: UndoIntent, _ undo: Undo) throws -> Bool {
        guard let run = found.metadata.labels["aftershock/run-id"], !run.isEmpty else { return false }
        guard try undo.carries(found.metadata, intent) else { return false }
        return found.metadata.name.hasPrefix("aftershock-") && found.metadata.name.contains(run) && found.metadata.ownerReferences.isEmpty
            && found.spec.restartPolicy == "Never" && found.metadata.labels[LabelKey.managedBy] == "aftershock"
    }
}
