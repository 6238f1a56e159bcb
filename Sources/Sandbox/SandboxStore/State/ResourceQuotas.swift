package import JSON

/// Quotas of a namespace (https://kubernetes.io/docs/concepts/policy/resource-quotas/): what its objects use.
package struct ResourceQuotas {
    package let state: StoreState
    package let namespace: String

    package init(state: StoreState, namespace: String) {
        self.state = state
        self.namespace = namespace
    }

    /// Returns the namespace's use of a quota's resources.
    package func used(_ quota: JSONValue) -> [String: Quantity] {
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
    package static func text(_ amount: Quantity, _ name: String) -> String {
        amount.text(isBinary: ["memory", "storage"].contains { name.hasSuffix($0) })
    }

    /// Everything that one object counts for, by the names that quotas have for it.
    package static func usage(of object: JSONValue, _ type: ResourceType) -> [String: Quantity] {
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

    // MARK: Scopes

    package static func covers(_ quota: JSONValue, _ object: JSONValue, _ type: ResourceType) -> Bool {
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
        case "BestEffort": pod.qualityOfService == "BestEffort"
        case "NotBestEffort": pod.qualityOfService != "BestEffort"
        default: true
        }
    }
}
