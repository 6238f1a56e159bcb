/// The key under which an API resource is stored: its group ("" for the core group) and plural name.
package struct ResourceType: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let group: String
    package let resource: String

    package init(_ group: String, _ resource: String) {
        self.group = group
        self.resource = resource
    }

    /// `pods`, `deployments.apps`: the form that Kubernetes' messages use.
    package var description: String { group.isEmpty ? resource : "\(resource).\(group)" }

    package static func < (left: Self, right: Self) -> Bool { (left.group, left.resource) < (right.group, right.resource) }
}

/// One object's place in the store. `namespace` is empty for a cluster-scoped object.
package struct ObjectKey: Sendable, Hashable, Comparable {
    package let type: ResourceType
    package let namespace: String
    package let name: String

    package init(_ type: ResourceType, namespace: String = "", name: String) {
        self.type = type
        self.namespace = namespace
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.type, left.namespace, left.name) < (right.type, right.namespace, right.name)
    }
}

/// An API resource as discovery describes it (Kubernetes: meta/v1 `APIResource`).
package struct ResourceDefinition: Sendable {
    package struct Subresource: Sendable {
        package let name: String
        /// Group, version and kind of what the subresource takes, where they differ from the resource's own.
        package let group: String
        package let version: String
        package let kind: String
        package let verbs: [String]
    }

    package let type: ResourceType
    package let version: String
    package let kind: String
    package let singular: String
    package let shortNames: [String]
    package let isNamespaced: Bool
    package let categories: [String]
    package let verbs: [String]
    package let subresources: [Subresource]
    /// Is `true` when `metadata.generation` counts changes outside of metadata and status.
    let countsGenerations: Bool

    var hasStatus: Bool { subresources.contains { $0.name == "status" } }
    package var apiVersion: String { type.group.isEmpty ? version : "\(type.group)/\(version)" }

    package func key(namespace: String, name: String) -> ObjectKey {
        ObjectKey(type, namespace: isNamespaced ? namespace : "", name: name)
    }
}
