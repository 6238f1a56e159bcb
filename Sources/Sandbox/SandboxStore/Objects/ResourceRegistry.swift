extension ResourceType {
    package static let namespaces = ResourceType("", "namespaces")
    package static let nodes = ResourceType("", "nodes")
    package static let pods = ResourceType("", "pods")
    package static let services = ResourceType("", "services")
    package static let endpoints = ResourceType("", "endpoints")
    package static let events = ResourceType("", "events")
    package static let secrets = ResourceType("", "secrets")
    package static let configMaps = ResourceType("", "configmaps")
    package static let serviceAccounts = ResourceType("", "serviceaccounts")
    package static let persistentVolumes = ResourceType("", "persistentvolumes")
    package static let persistentVolumeClaims = ResourceType("", "persistentvolumeclaims")
    package static let deployments = ResourceType("apps", "deployments")
    package static let replicaSets = ResourceType("apps", "replicasets")
    package static let statefulSets = ResourceType("apps", "statefulsets")
    package static let daemonSets = ResourceType("apps", "daemonsets")
    package static let controllerRevisions = ResourceType("apps", "controllerrevisions")
    package static let podDisruptionBudgets = ResourceType("policy", "poddisruptionbudgets")
    package static let endpointSlices = ResourceType("discovery.k8s.io", "endpointslices")
    package static let storageClasses = ResourceType("storage.k8s.io", "storageclasses")
    package static let volumeAttachments = ResourceType("storage.k8s.io", "volumeattachments")
    package static let leases = ResourceType("coordination.k8s.io", "leases")
    package static let resourceQuotas = ResourceType("", "resourcequotas")
    package static let limitRanges = ResourceType("", "limitranges")
    package static let admissionPolicies = ResourceType("admissionregistration.k8s.io", "validatingadmissionpolicies")
    package static let admissionPolicyBindings = ResourceType("admissionregistration.k8s.io", "validatingadmissionpolicybindings")
    package static let roles = ResourceType("rbac.authorization.k8s.io", "roles")
    package static let roleBindings = ResourceType("rbac.authorization.k8s.io", "rolebindings")
    package static let clusterRoles = ResourceType("rbac.authorization.k8s.io", "clusterroles")
    package static let clusterRoleBindings = ResourceType("rbac.authorization.k8s.io", "clusterrolebindings")
}

/// Every resource the sandbox stores, in discovery order.
package struct ResourceRegistry: Sendable {
    package let definitions: [ResourceDefinition]
    private let byType: [ResourceType: ResourceDefinition]
    private let byKind: [String: ResourceDefinition]

    package init(_ definitions: [ResourceDefinition]) {
        self.definitions = definitions
        byType = Dictionary(definitions.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
        byKind = Dictionary(definitions.map { ("\($0.type.group)/\($0.kind)", $0) }, uniquingKeysWith: { first, _ in first })
    }

    package subscript(type: ResourceType) -> ResourceDefinition? { byType[type] }

    /// The resource of an object's `apiVersion` and `kind`.
    package func definition(apiVersion: String, kind: String) -> ResourceDefinition? {
        let parts = apiVersion.split(separator: "/", maxSplits: 1)
        let (group, version) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : ("", apiVersion)
        guard let found = byKind["\(group)/\(kind)"], found.version == version else { return nil }
        return found
    }
}

extension ResourceRegistry {
    package static let kubernetes = ResourceRegistry([
        .core("ConfigMap", .configMaps, "cm"),
        .core("Endpoints", .endpoints, singular: "endpoints", "ep"),
        .core("Event", .events, "ev"),
        .core("Namespace", .namespaces, "ns", namespaced: false, status: true),
        .core("Node", .nodes, "no", namespaced: false, status: true),
        .core("PersistentVolumeClaim", .persistentVolumeClaims, "pvc", status: true),
        .core("PersistentVolume", .persistentVolumes, "pv", namespaced: false, status: true),
        .core(
            "Pod", .pods, "po", categories: ["all"], status: true,
            subresources: [
                .init(name: "binding", group: "", version: "v1", kind: "Binding", verbs: ["create"]),
                .init(name: "eviction", group: "policy", version: "v1", kind: "Eviction", verbs: ["create"]),
                .init(name: "exec", group: "", version: "v1", kind: "PodExecOptions", verbs: ["create", "get"]),
                .init(name: "log", group: "", version: "v1", kind: "Pod", verbs: ["get"]),
            ]),
        .core("Secret", .secrets),
        .core("ResourceQuota", .resourceQuotas, "quota", status: true),
        .core("LimitRange", .limitRanges, "limits"),
        .core(
            "ServiceAccount", .serviceAccounts, "sa",
            subresources: [
                .init(name: "token", group: "authentication.k8s.io", version: "v1", kind: "TokenRequest", verbs: ["create"])
            ]),
        .core("Service", .services, "svc", categories: ["all"], status: true),
        .apps("ControllerRevision", .controllerRevisions, status: false, scale: false, categories: []),
        .apps("DaemonSet", .daemonSets, "ds", scale: false),
        .apps("Deployment", .deployments, "deploy"),
        .apps("ReplicaSet", .replicaSets, "rs"),
        .apps("StatefulSet", .statefulSets, "sts"),
        .define("PodDisruptionBudget", .podDisruptionBudgets, "pdb", status: true, generations: true),
        .define("EndpointSlice", .endpointSlices),
        .define("StorageClass", .storageClasses, "sc", namespaced: false),
        .define("VolumeAttachment", .volumeAttachments, namespaced: false, status: true),
        .define("Lease", .leases),
        .define("Role", .roles),
        .define("RoleBinding", .roleBindings),
        .define("ClusterRole", .clusterRoles, namespaced: false),
        .define("ClusterRoleBinding", .clusterRoleBindings, namespaced: false),
        .define("ValidatingAdmissionPolicy", .admissionPolicies, namespaced: false, status: true, generations: true),
        .define("ValidatingAdmissionPolicyBinding", .admissionPolicyBindings, namespaced: false),
    ])
}

extension ResourceDefinition {
    private static let allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

    fileprivate static func core(
        _ kind: String, _ type: ResourceType, singular: String? = nil, _ shortNames: String..., namespaced: Bool = true,
        categories: [String] = [], status: Bool = false, subresources: [Subresource] = []
    ) -> ResourceDefinition {
        make(kind, type, singular, shortNames, namespaced, categories, status, false, subresources)
    }

    fileprivate static func apps(
        _ kind: String, _ type: ResourceType, _ shortNames: String..., status: Bool = true, scale: Bool = true,
        categories: [String] = ["all"]
    ) -> ResourceDefinition {
        let scaling = Subresource(
            name: "scale", group: "autoscaling", version: "v1", kind: "Scale", verbs: ["get", "patch", "update"])
        return make(kind, type, nil, shortNames, true, categories, status, status, scale ? [scaling] : [])
    }

    fileprivate static func define(
        _ kind: String, _ type: ResourceType, _ shortNames: String..., namespaced: Bool = true, status: Bool = false,
        generations: Bool = false
    ) -> ResourceDefinition {
        make(kind, type, nil, shortNames, namespaced, [], status, generations, [])
    }

    private static func make(
        _ kind: String, _ type: ResourceType, _ singular: String?, _ shortNames: [String], _ namespaced: Bool,
        _ categories: [String], _ status: Bool, _ generations: Bool, _ subresources: [Subresource]
    ) -> ResourceDefinition {
        var all = subresources
        if status {
            all.append(Subresource(name: "status", group: type.group, version: "v1", kind: kind, verbs: ["get", "patch", "update"]))
        }
        return ResourceDefinition(
            type: type, version: "v1", kind: kind, singular: singular ?? kind.lowercased(), shortNames: shortNames,
            isNamespaced: namespaced, categories: categories, verbs: allVerbs, subresources: all.sorted { $0.name < $1.name },
            countsGenerations: generations)
    }
}
