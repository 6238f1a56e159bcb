import JSON
package import SandboxStore

/// Keeps the `status` of quotas.
package struct ResourceQuotaController: Reconciler {
    package init() {}

    package static let watched: [ResourceType] = [
        .resourceQuotas, .pods, .services, .secrets, .configMaps, .persistentVolumeClaims, .deployments, .statefulSets, .leases,
    ]

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for quota in state.list(.resourceQuotas) {
            let used = ResourceQuotas(state: state, namespace: quota.namespace).used(quota)
            _ = try? state.modify(ObjectKey(.resourceQuotas, namespace: quota.namespace, name: quota.name), part: .status) { quota in
                quota["status"] = ["hard": quota[path: "spec", "hard"] ?? [:]]
                for (name, amount) in used { quota[path: "status", "used", name] = .string(ResourceQuotas.text(amount, name)) }
            }
        }
        return nil
    }
}
