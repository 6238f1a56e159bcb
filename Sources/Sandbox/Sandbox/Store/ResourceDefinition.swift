/// The key under which an API resource is stored: its group ("" for the core group) and plural name.
struct ResourceType: Sendable, Hashable, Comparable, CustomStringConvertible {
    let group: String
    let resource: String

    init(_ group: String, _ resource: String) {
        self.group = group
        self.resource = resource
    }

    /// `pods`, `deployments.apps`: the form that Kubernetes' messages use.
    var description: String { group.isEmpty ? resource : "\(resource).\(group)" }

    static func < (left: Self, right: Self) -> Bool { (left.group, left.resource) < (right.group, right.resource) }
}

/// One object's place in the store. `namespace` is empty for a cluster-scoped object.
struct ObjectKey: Sendable, Hashable, Comparable {
    let type: ResourceType
    let namespace: String
    let name: String

    init(_ type: ResourceType, namespace: String = "", name: String) {
        self.type = type
        self.namespace = namespace
        self.name = name
    }

    static func < (left: Self, right: Self) -> Bool {
        (left.type, left.namespace, left.name) < (right.type, right.namespace, right.name)
    }
}

/// An API resource as discovery describes it (Kubernetes: meta/v1 `APIResource`).
struct ResourceDefinition: Sendable {
    struct Subresource: Sendable {
        let name: String
        /// Group, version and kind of what the subresource takes, where they differ from the resource's own.
        let group: String
        let version: String
        let kind: String
        let verbs: [String]
    }

    let type: ResourceType
    let version: String
    let kind: String
    let singular: String
    let shortNames: [String]
    let isNamespaced: Bool
    let categories: [String]
    let verbs: [String]
    let subresources: [Subresource]
    /// Is `true` when `metadata.generation` counts changes outside of metadata and status.
    let countsGenerations: Bool

    var hasStatus: Bool { subresources.contains { $0.name == "status" } }
    var apiVersion: String { type.group.isEmpty ? version : "\(type.group)/\(version)" }

    func key(namespace: String, name: String) -> ObjectKey {
        ObjectKey(type, namespace: isNamespaced ? namespace : "", name: name)
    }
}
