import JSON

/// Quotas of a namespace (https://kubernetes.io/docs/concepts/policy/resource-quotas/): what its objects use, and whether one more fits.
struct ResourceQuotas {
    let state: StoreState
    let namespace: String

    /// Checks a new object, or a change of one, against every quota of its namespace.
    func check(_ object: JSONValue, old: JSONValue?, _ type: ResourceType) throws(APIError) {
        for quota in state.list(.resourceQuotas, ObjectFilter(namespace: namespace)) where Self.covers(quota, object, type) {
            let hard = quota[path: "spec", "hard"]?.object ?? [:]
            if type == .pods, old == nil { try Self.requireAmounts(quota, object, hard) }
            let before = old.map { Self.usage(of: $0, type) } ?? [:]
            let delta = Self.usage(of: object, type).map { ($0, $1 - (before[$0] ?? .zero)) }.filter { hard[$0.0] != nil && $0.1 > .zero }
            guard !delta.isEmpty else { continue }
            let used = used(quota)
            let exceeded = delta.filter { name, more in
                (used[name] ?? .zero) + more > Quantity(hard[name]) ?? .zero
            }.sorted { $0.0 < $1.0 }
            guard !exceeded.isEmpty else { continue }
            func list(_ amount: (String) -> Quantity) -> String {
                exceeded.map { "\($0.0)=\(Self.text(amount($0.0), $0.0))" }.joined(separator: ",")
            }
            let more = Dictionary(exceeded.map { ($0.0, $0.1) }, uniquingKeysWith: { first, _ in first })
            throw .forbidden(
                type, object.name,
                "exceeded quota: \(quota.name), requested: \(list { more[$0] ?? .zero }), used: \(list { used[$0] ?? .zero }), "
                    + "limited: \(list { Quantity(hard[$0]) ?? .zero })")
        }
    }

    /// Returns the namespace's use of a quota's resources.
    func used(_ quota: JSONValue) -> [String: Quantity] {
        var total: [String: Quantity] = [:]
        for name in (quota[path: "spec", "hard"]?.object ?? [:]).keys { total[name] = .zero }
        let filter = ObjectFilter(namespace: namespace)
        for definition in state.registry.definitions where definition.isNamespaced && definition.type != .events {
            for object in state.list(definition.type, filter) where Self.covers(quota, object, definition.type) {
                for (name, amount) in Self.usage(of: object, definition.type) where total[name] != nil {
                    total[name, default: .zero] += amount
                }
            }
        }
        return total
    }

    // MARK: One object

    /// Amounts in their usual form: bytes in binary units.
    static func text(_ amount: Quantity, _ name: String) -> String {
        amount.text(isBinary: ["memory", "storage"].contains { name.hasSuffix($0) })
    }

    /// Everything that one object counts for, by the names that quotas have for it.
    private static func usage(of object: JSONValue, _ type: ResourceType) -> [String: Quantity] {
        var usage: [String: Quantity] = ["count/\(type)": Quantity(count: 1)]
        switch type {
        case .pods:
            // A pod that is over uses nothing but its object.
            guard !object.isFinished else { return usage }
            usage["pods"] = Quantity(count: 1)
            for name in ["cpu", "memory", "ephemeral-storage"] {
                for kind in ["requests", "limits"] { usage["\(kind).\(name)"] = amount(object, kind, name) }
                usage[name] = usage["requests.\(name)"]
            }
        case .persistentVolumeClaims:
            let storage = Quantity(object[path: "spec", "resources", "requests", "storage"]) ?? .zero
            usage["persistentvolumeclaims"] = Quantity(count: 1)
            usage["requests.storage"] = storage
            if let name = object[path: "spec", "storageClassName"]?.string {
                usage["\(name).storageclass.storage.k8s.io/requests.storage"] = storage
                usage["\(name).storageclass.storage.k8s.io/persistentvolumeclaims"] = Quantity(count: 1)
            }
        case .services:
            usage["services"] = Quantity(count: 1)
            let kind = object[path: "spec", "type"]?.string
            if kind == "LoadBalancer" { usage["services.loadbalancers"] = Quantity(count: 1) }
            if kind == "LoadBalancer" || kind == "NodePort" {
                usage["services.nodeports"] = Quantity(count: object[path: "spec", "ports"]?.array?.count ?? 0)
            }
        case .secrets, .configMaps, .resourceQuotas: usage[type.resource] = Quantity(count: 1)
        default: break
        }
        return usage
    }

    /// The pod's effective amount: all containers together, or the largest init container's.
    private static func amount(_ pod: JSONValue, _ kind: String, _ name: String) -> Quantity {
        func amounts(_ list: String) -> [Quantity] {
            (pod[path: "spec", list]?.array ?? []).map { Quantity($0[path: "resources", kind, name]) ?? .zero }
        }
        let together = amounts("containers").reduce(.zero, +)
        return max(together, amounts("initContainers").max() ?? .zero)
    }

    /// A quota of compute resources wants every container to say what it needs.
    private static func requireAmounts(_ quota: JSONValue, _ pod: JSONValue, _ hard: [String: JSONValue]) throws(APIError) {
        var missing: [String] = []
        for name in hard.keys.sorted() {
            let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
            let (kind, resource) = parts.count == 2 ? (parts[0], parts[1]) : ("requests", name)
            guard ["requests", "limits"].contains(kind), ["cpu", "memory"].contains(resource) else { continue }
            let containers = (pod[path: "spec", "containers"]?.array ?? []) + (pod[path: "spec", "initContainers"]?.array ?? [])
            let silent = containers.filter { $0[path: "resources", kind, resource] == nil }.map { $0["name"]?.string ?? "" }
            if !silent.isEmpty { missing.append("\(name) for: \(silent.joined(separator: ","))") }
        }
        guard missing.isEmpty else {
            throw .forbidden(.pods, pod.name, "failed quota: \(quota.name): must specify \(missing.joined(separator: "; "))")
        }
    }

    // MARK: Scopes

    private static func covers(_ quota: JSONValue, _ object: JSONValue, _ type: ResourceType) -> Bool {
        let scopes = quota[path: "spec", "scopes"]?.array?.compactMap(\.string) ?? []
        let terms = quota[path: "spec", "scopeSelector", "matchExpressions"]?.array ?? []
        if scopes.isEmpty, terms.isEmpty { return true }
        guard type == .pods else { return false }
        return scopes.allSatisfy { isIn($0, object) }
            && terms.allSatisfy { term in
                guard term["scopeName"]?.string == "PriorityClass" else { return isIn(term["scopeName"]?.string ?? "", object) }
                let name = object[path: "spec", "priorityClassName"]?.string
                let isListed = name.map { term["values"]?.array?.contains(.string($0)) ?? false } ?? false
                return switch term["operator"]?.string {
                case "In": isListed
                case "NotIn": !isListed
                case "DoesNotExist": name == nil
                default: name != nil
                }
            }
    }

    private static func isIn(_ scope: String, _ pod: JSONValue) -> Bool {
        switch scope {
        case "Terminating": pod[path: "spec", "activeDeadlineSeconds"] != nil
        case "NotTerminating": pod[path: "spec", "activeDeadlineSeconds"] == nil
        case "BestEffort": PodDefaults.qualityOfService(pod) == "BestEffort"
        case "NotBestEffort": PodDefaults.qualityOfService(pod) != "BestEffort"
        default: true
        }
    }
}

/// Keeps the `status` of quotas.
struct ResourceQuotaController: Reconciler {
    static let watched: [ResourceType] = [
        .resourceQuotas, .pods, .services, .secrets, .configMaps, .persistentVolumeClaims, .deployments, .statefulSets, .leases,
    ]

    mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
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
