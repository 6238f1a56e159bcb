package import SandboxStore

/// The address of a path under `/api/v1` or `/apis/GROUP/VERSION`.
package struct ResourcePath: Sendable {
    let definition: ResourceDefinition
    /// `nil` addresses every namespace, or a cluster-scoped resource.
    package let namespace: String?
    package let name: String?
    let subresource: String?

    package var key: ObjectKey? { name.map { definition.key(namespace: namespace ?? "", name: $0) } }

    /// - Parameter rest: the path's segments after the group and version.
    package init?(group: String, version: String, _ rest: ArraySlice<String>, in registry: ResourceRegistry) {
        var rest = rest
        var namespace: String?
        let namespaceSubresources: Set = ["status", "finalize"]
        if rest.first == "namespaces", rest.count >= 3, !namespaceSubresources.contains(rest[rest.startIndex + 2]) {
            namespace = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        }
        // Both groups serve the same events, each in its own form.
        let stored = group == "events.k8s.io" ? "" : group
        guard let resource = rest.popFirst(), rest.count <= 2, let found = registry[ResourceType(stored, resource)],
            found.version == version, found.isNamespaced || namespace == nil, group == stored || resource == "events"
        else { return nil }
        definition = found
        self.namespace = namespace
        name = rest.popFirst()
        subresource = rest.popFirst()
        // A namespaced object is only found in its namespace.
        if name != nil, found.isNamespaced, namespace == nil { return nil }
    }
}
