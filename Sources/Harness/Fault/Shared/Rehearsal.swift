import JSON
import Kubernetes

extension KubernetesClient {
    /// Sends a mark and a change as a dry run: the API server answers as for a real request, and keeps nothing.
    func rehearseMark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, of action: any UndoAction.Type, and change: JSONValue = [:]
    ) async throws(KubernetesError) {
        var patch = change
        patch["metadata"] = ["annotations": [action.annotation: "rehearsal"]]
        try await self.patch(type, name, in: namespace, .merge(patch), dryRun: true)
    }
}
