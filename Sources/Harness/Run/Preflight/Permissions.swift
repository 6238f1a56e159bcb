public import Experiment
public import Fault
public import Kubernetes

/// The permissions that an experiment needs: asked for in the preflight, printed by `rbac`.
public struct Permissions: Sendable {
    /// The permissions without which the experiment cannot run.
    public let required: [ResourceAttributes]
    /// The permissions that only add details to the report.
    public let optional: [ResourceAttributes]

    public init(experiment: Experiment, fault: any FaultInjection) {
        let target = experiment.target
        let namespace = target.namespace
        func allow(_ verbs: [String], _ resource: String, group: String = "", name: String? = nil) -> [ResourceAttributes] {
            verbs.map { ResourceAttributes(verb: $0, group: group, resource: resource, namespace: namespace, name: name) }
        }
        var needed = allow(["get", "list", "watch"], "pods")
        needed += allow(["get"], "services", name: target.service)
        switch target.workloadKind {
        case .deployment: needed += allow(["get"], "deployments", group: "apps", name: target.workload)
        case .statefulset: needed += allow(["get"], "statefulsets", group: "apps", name: target.workload)
        // Looked for among what it owns.
        case .other: needed += ["deployments", "statefulsets"].flatMap { allow(["list"], $0, group: "apps") }
        }
        needed += allow(["get"], "persistentvolumeclaims")
        needed += allow(["list", "watch"], "endpointslices", group: "discovery.k8s.io")
        needed += allow(["list", "watch"], "events")
        needed += allow(["create", "get", "list", "patch", "delete"], "leases", group: "coordination.k8s.io")
        if case .secret(let name, _) = target.login.passwordFrom { needed += allow(["get"], "secrets", name: name) }
        if fault.takesNode || experiment.safety.requireSpareNode {
            needed += ["get", "list", "watch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
        }
        needed += fault.permissions(FaultScope(namespace: namespace, workload: "\(target.workloadKind)/\(target.workload)"))
        var seen: Set<ResourceAttributes> = []
        required = needed.filter { seen.insert($0).inserted }
        optional = [
            ResourceAttributes(verb: "get", resource: "pods", subresource: "log", namespace: namespace),
            ResourceAttributes(verb: "get", resource: "persistentvolumes"), ResourceAttributes(verb: "list", resource: "nodes"),
            ResourceAttributes(verb: "watch", resource: "nodes"),
            ResourceAttributes(verb: "list", group: "storage.k8s.io", resource: "volumeattachments"),
            ResourceAttributes(verb: "watch", group: "storage.k8s.io", resource: "volumeattachments"),
        ].filter { seen.insert($0).inserted }
    }
}
