import Kubernetes

extension KubernetesClient {
    /// Watches an object until `found` returns a result for its state, which is `nil` if the object does not exist.
    func firstState<Resource: KubernetesResource, Result: Sendable>(
        _ type: Resource.Type, _ name: String, in namespace: String?, _ found: (Resource?) -> Result?
    ) async throws -> Result? {
        var exists = false
        for try await event in watch(type, in: namespace.map(NamespaceScope.namespace) ?? .all, fields: "metadata.name=\(name)") {
            switch event.change {
            case .added(let object), .modified(let object):
                exists = true
                if let result = found(object) { return result }
            case .deleted:
                exists = false
                if let result = found(nil) { return result }
            case .synced:
                if !exists, let result = found(nil) { return result }
            case .blind, .sighted:
                continue
            }
        }
        return nil
    }
}
