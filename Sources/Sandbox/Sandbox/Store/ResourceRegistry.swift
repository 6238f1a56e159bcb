extension ResourceType {
    static let namespaces = ResourceType("", "namespaces")
    static let nodes = ResourceType("", "nodes")
    static let pods = ResourceType("", "pods")
    static let services = ResourceType("", "services")
    static let endpoints = ResourceType("", "endpoints")
    static let events = ResourceType("", "events")
    static let secrets = ResourceType("", "secrets")
    static let configMaps = ResourceType("", "configmaps")
    static let serviceAccounts = ResourceType("", "serviceaccounts")
    static let persistentVolumes = ResourceType("", "persistentvolumes")
    static let persistentVolumeClaims = ResourceType("", "persistentvolumeclaims")
    static let deployments = ResourceType("apps", "deployments")
    static let replicaSets = ResourceType("apps", "replicasets")
    static let statefulSets = ResourceType("apps", "statefulsets")
    static let daemonSets = ResourceType("apps", "daemonsets")
    static let controllerRevisions = ResourceType("apps", "controllerrevisions")
    static let podDisruptionBudgets = ResourceType("policy", "poddisruptionbudgets")
    static let endpointSlices = ResourceType("discovery.k8s.io", "endpointslices")
    static let storageClasses = ResourceType("storage.k8s.io", "storageclasses")
    static let volumeAttachments = ResourceType("storage.k8s.io", "volumeattachments")
    static let leases = ResourceType("coordination.k8s.io", "leases")
    static let resourceQuotas = ResourceType("", "resourcequotas")
    static let limitRanges = ResourceType("", "limitranges")
    static let admissionPolicies = ResourceType("admissionregistration.k8s.io", "validatingadmissionpolicies")
    static let admissionPolicyBindings = ResourceType("admissionregistration.k8s.io", "validatingadmissionpolicybindings")
    static let roles = ResourceType("rbac.authorization.k8s.io", "roles")
    static let roleBindings = ResourceType("rbac.authorization.k8s.io", "rolebindings")
    static let clusterRoles = ResourceType("rbac.authorization.k8s.io", "clusterroles")
    static let clusterRoleBindings = ResourceType("rbac.authorization.k8s.io", "clusterrolebindings")
}

/// Every resource the sandbox stores, in discovery order.
struct ResourceRegistry: Sendable {
    let definitions: [ResourceDefinition]
    private let byType: [ResourceType: ResourceDefinition]
    private let byKind: [String: ResourceDefinition]

    init(_ definitions: [ResourceDefinition]) {
        self.definitions = definitions
        byType = Dictionary(definitions.map { ($0.type, $0) }, uniquingKeysWith: { first, _ in first })
        byKind = Dictionary(definitions.map { ("\($0.type.group)/\($0.kind)", $0) }, uniquingKeysWith: { first, _ in first })
    }

    subscript(type: ResourceType) -> ResourceDefinition? { byType[type] }

    /// The resource of an object's `apiVersion` and `kind`.
    func definition(apiVersion: String, kind: String) -> ResourceDefinition? {
        let parts = apiVersion.split(separator: "/", maxSplits: 1)
        let (group, version) = parts.count == 2 ? (String(parts[0]), String(parts[1])) : ("", apiVersion)
        guard let found = byKind["\(group)/\(kind)"], found.version == version else { return nil }
        return found
    }
}

extension ResourceRegistry {
    static let kubernetes = ResourceRegistry([
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
