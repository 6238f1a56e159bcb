package import JSON
package import SandboxStore

/// Checks that one more object fits.
extension ResourceQuotas {
    /// Checks a new object, or a change of one, against every quota of its namespace.
    package func check(_ object: JSONValue, old: JSONValue?, _ type: ResourceType) throws(APIError) {
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
}
