public import JSON

extension KubernetesClient {
    /// Posts to a path of the server that is not a Kubernetes resource.
    @discardableResult
    public func post(_ path: String, _ body: JSONValue = [:]) async throws(KubernetesError) -> JSONValue {
        try await value(KubernetesRequest(method: .post, path: path, body: body))
    }
}
