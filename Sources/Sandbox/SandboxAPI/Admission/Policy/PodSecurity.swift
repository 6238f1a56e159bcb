import JSON
import SandboxStore

/// The Pod Security admission of a namespace's labels (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
enum PodSecurity {
    enum Level: String, Comparable {
        case privileged, baseline, restricted

        static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
        private var rank: Int { self == .privileged ? 0 : self == .baseline ? 1 : 2 }
    }

    private static let prefix = "pod-security.kubernetes.io/"

    /// The level of one mode (`enforce`, `warn`) with its version, as messages name it.
    private static func level(_ mode: String, _ namespace: JSONValue) -> (level: Level, title: String) {
        let text = namespace.labels[prefix + mode] ?? "privileged"
        // A level that does not exist fails closed.
        let level = Level(rawValue: text) ?? .restricted
        return (level, "\(level.rawValue):\(namespace.labels["\(prefix)\(mode)-version"] ?? "latest")")
    }

    static func enforce(_ pod: JSONValue, in state: StoreState) throws(APIError) {
        guard let namespace = state[ObjectKey(.namespaces, name: pod.namespace)] else { return }
        let (level, title) = level("enforce", namespace)
        let violations = PodSecurityChecks(pod["spec"] ?? [:], pod.annotations).violations(level)
        guard !violations.isEmpty else { return }
        throw .forbidden(.pods, pod.name, "violates PodSecurity \"\(title)\": \(violations.joined(separator: ", "))")
    }

    /// The warnings for a pod, or for a workload whose pods would not be let in.
    static func warnings(_ object: JSONValue, _ type: ResourceType, _ state: StoreState) -> [String] {
        if type == .namespaces { return warnings(ofNamespace: object, state) }
        let template: JSONValue? =
            switch type {
            case .pods: object
            case .deployments, .replicaSets, .statefulSets, .daemonSets: object[path: "spec", "template"]
            default: nil
            }
        guard let template, let namespace = state[ObjectKey(.namespaces, name: object.namespace)] else { return [] }
        let (level, title) = level("warn", namespace)
        let violations = PodSecurityChecks(template["spec"] ?? [:], template.annotations).violations(level)
        return violations.isEmpty ? [] : ["would violate PodSecurity \"\(title)\": \(violations.joined(separator: ", "))"]
    }

    private static func warnings(ofNamespace namespace: JSONValue, _ state: StoreState) -> [String] {
        let (level, title) = level("enforce", namespace)
        let before = state[ObjectKey(.namespaces, name: namespace.name)].map { Self.level("enforce", $0).level } ?? .privileged
        guard level > before else { return [] }
        var pods: [String: [String]] = [:]
        for pod in state.list(.pods, ObjectFilter(namespace: namespace.name)) {
            let violations = PodSecurityChecks(pod["spec"] ?? [:], pod.annotations).violations(level)
            if let first = violations.first {
                let names = violations.map { $0.split(separator: " (").first.map(String.init) ?? first }
                pods[names.joined(separator: ", "), default: []].append(pod.name)
            }
        }
        guard !pods.isEmpty else { return [] }
        let lines = pods.sorted { $0.key < $1.key }.map { reasons, names in
            names.count == 1 ? "\(names[0]): \(reasons)" : "\(names[0]) (and \(names.count - 1) other pods): \(reasons)"
        }
        return ["existing pods in namespace \"\(namespace.name)\" violate the new PodSecurity enforce level \"\(title)\""] + lines
    }

    /// Levels that do not exist are wrong labels.
    static func validate(_ namespace: JSONValue, _ problems: inout FieldProblems) {
        for mode in ["enforce", "warn", "audit"] {
            guard let level = namespace.labels[prefix + mode], Level(rawValue: level) == nil else { continue }
            problems.invalid(
                "metadata.labels[\(prefix)\(mode)]", .string(level), "must be one of privileged, baseline, restricted")
        }
    }
}
