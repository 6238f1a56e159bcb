public import JSON
public import Kubernetes

/// The ServiceAccount, Roles and bindings that grant exactly a list of permissions.
///
/// Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
public struct RBACManifest: Sendable {
    private let account: String
    private let namespace: String
    private let permissions: [ResourceAttributes]

    public init(account: String, namespace: String, permissions: [ResourceAttributes]) {
        self.account = account
        self.namespace = namespace
        self.permissions = permissions
    }

    /// The objects, in the order in which they can be applied.
    public var objects: [JSONValue] {
        var objects: [JSONValue] = [
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": .string(account), "namespace": .string(namespace)]]
        ]
        let byNamespace = Dictionary(grouping: permissions, by: \.namespace)
        for (target, attributes) in byNamespace.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            let kind = target == nil ? "ClusterRole" : "Role"
            var metadata: JSONValue = ["name": .string(account)]
            if let target { metadata["namespace"] = .string(target) }
            objects.append([
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": metadata,
                "rules": .array(rules(attributes)),
            ])
            objects.append([
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string("\(kind)Binding"), "metadata": metadata,
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": .string(kind), "name": .string(account)],
                "subjects": [["kind": "ServiceAccount", "name": .string(account), "namespace": .string(namespace)]],
            ])
        }
        return objects
    }

    private struct Key: Hashable, Comparable {
        var group: String
        var resource: String
        var name: String?

        static func < (left: Key, right: Key) -> Bool {
            (left.group, left.resource, left.name ?? "") < (right.group, right.resource, right.name ?? "")
        }
    }

    private func rules(_ attributes: [ResourceAttributes]) -> [JSONValue] {
        let grouped = Dictionary(grouping: attributes) { attribute in
            Key(
                group: attribute.group, resource: attribute.resource + (attribute.subresource.map { "/\($0)" } ?? ""), name: attribute.name)
        }
        return grouped.sorted { $0.key < $1.key }.map { key, attributes in
            var rule: JSONValue = [
                "apiGroups": [.string(key.group)], "resources": [.string(key.resource)],
                "verbs": .array(Set(attributes.map(\.verb)).sorted().map(JSONValue.string)),
            ]
            if let name = key.name { rule["resourceNames"] = [.string(name)] }
            return rule
        }
    }
}
