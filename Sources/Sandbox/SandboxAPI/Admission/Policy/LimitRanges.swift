import JSON
import SandboxStore

/// Limit ranges of a namespace (https://kubernetes.io/docs/concepts/policy/limit-range/): defaults for containers, and bounds.
enum LimitRanges {
    private static func limits(_ namespace: String, _ kind: String, _ state: StoreState) -> [JSONValue] {
        state.list(.limitRanges, ObjectFilter(namespace: namespace)).flatMap { $0[path: "spec", "limits"]?.array ?? [] }
            .filter { $0["type"]?.string == kind }
    }

    /// Completes the containers of a new pod.
    static func complete(_ pod: inout JSONValue, in state: StoreState) {
        let limits = limits(pod.namespace, "Container", state)
        guard !limits.isEmpty else { return }
        for list in ["containers", "initContainers"] {
            pod.editEach("spec", list) { container in
                for limit in limits {
                    let most = (limit["default"]?.object ?? [:]).merging(limit["max"]?.object ?? [:]) { own, _ in own }
                    // A request that is not said is the limit that is, before it is the range's default.
                    for (name, amount) in container[path: "resources", "limits"]?.object ?? [:] {
                        container.fill("resources", "requests", name, with: amount)
                    }
                    let least = (limit["defaultRequest"]?.object ?? [:]).merging(most) { own, _ in own }
                    for (name, amount) in least { container.fill("resources", "requests", name, with: amount) }
                    for (name, amount) in most { container.fill("resources", "limits", name, with: amount) }
                }
            }
        }
    }

    static func check(_ pod: JSONValue, in state: StoreState) throws(APIError) {
        var problems: [String] = []
        let containers = (pod[path: "spec", "containers"]?.array ?? []) + (pod[path: "spec", "initContainers"]?.array ?? [])
        for limit in limits(pod.namespace, "Container", state) {
            for container in containers {
                problems += check(limit, "Container") { Quantity(container[path: "resources", $0, $1]) }
            }
        }
        for limit in limits(pod.namespace, "Pod", state) {
            problems += check(limit, "Pod") { kind, name in
                let amounts = (pod[path: "spec", "containers"]?.array ?? []).compactMap { Quantity($0[path: "resources", kind, name]) }
                return amounts.isEmpty ? nil : amounts.reduce(.zero, +)
            }
        }
        try refuse(problems, .pods, pod.name)
    }

    static func check(claim: JSONValue, in state: StoreState) throws(APIError) {
        let storage = Quantity(claim[path: "spec", "resources", "requests", "storage"]) ?? .zero
        var problems: [String] = []
        for limit in limits(claim.namespace, "PersistentVolumeClaim", state) {
            if let least = Quantity(limit[path: "min", "storage"]), storage < least {
                problems.append("minimum storage usage per PersistentVolumeClaim is \(text(least)), but request is \(text(storage))")
            }
            if let most = Quantity(limit[path: "max", "storage"]), storage > most {
                problems.append("maximum storage usage per PersistentVolumeClaim is \(text(most)), but request is \(text(storage))")
            }
        }
        try refuse(problems, .persistentVolumeClaims, claim.name)
    }

    private static func text(_ amount: Quantity) -> String { amount.text(isBinary: true) }

    private static func refuse(_ problems: [String], _ type: ResourceType, _ name: String) throws(APIError) {
        guard !problems.isEmpty else { return }
        throw .forbidden(type, name, problems.count == 1 ? problems[0] : "[\(problems.joined(separator: ", "))]")
    }

    private static func check(_ limit: JSONValue, _ kind: String, _ amount: (String, String) -> Quantity?) -> [String] {
        var problems: [String] = []
        func each(_ member: String, _ body: (String, String, Quantity, Quantity?, Quantity?) -> Void) {
            for (name, bound) in (limit[member]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard let bound = Quantity(bound) else { continue }
                let isBinary = name != "cpu"
                body(name, bound.text(isBinary: isBinary), bound, amount("requests", name), amount("limits", name))
            }
        }
        each("min") { name, text, bound, request, limit in
            let isBinary = name != "cpu"
            guard let request else {
                problems.append("minimum \(name) usage per \(kind) is \(text).  No request is specified")
                return
            }
            if request < bound {
                problems.append("minimum \(name) usage per \(kind) is \(text), but request is \(request.text(isBinary: isBinary))")
            }
            if let limit, limit < bound {
                problems.append("minimum \(name) usage per \(kind) is \(text), but limit is \(limit.text(isBinary: isBinary))")
            }
        }
        each("max") { name, text, bound, request, limit in
            let isBinary = name != "cpu"
            guard let limit else {
                problems.append("maximum \(name) usage per \(kind) is \(text).  No limit is specified")
                return
            }
            if limit > bound {
                problems.append("maximum \(name) usage per \(kind) is \(text), but limit is \(limit.text(isBinary: isBinary))")
            }
            if let request, request > bound {
                problems.append("maximum \(name) usage per \(kind) is \(text), but request is \(request.text(isBinary: isBinary))")
            }
        }
        each("maxLimitRequestRatio") { name, text, bound, request, limit in
            guard let request, let limit, request > .zero else {
                problems.append("\(name) max limit to request ratio per \(kind) is \(text), but no request is specified or request is 0")
                return
            }
            // In thousandths on both sides: limit / request > bound.
            guard limit.thousandths * 1000 > bound.thousandths * request.thousandths else { return }
            let ratio = Double(limit.thousandths) / Double(request.thousandths)
            problems.append("\(name) max limit to request ratio per \(kind) is \(text), but provided ratio is \(ratio)")
        }
        return problems
    }
}
