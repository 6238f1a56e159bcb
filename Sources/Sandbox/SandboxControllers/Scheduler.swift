import JSON
import KubernetesAPI
package import SandboxStore

/// Places pods on nodes (https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/).
package struct Scheduler: Reconciler {
    package static let watched: [ResourceType] = [.pods, .nodes, .persistentVolumeClaims, .volumeAttachments]

    package var flaws: Set<SandboxFlaw> = []
    /// Where the last pod of each owner was put.
    private var earlier: [String: String] = [:]

    package init(flaws: Set<SandboxFlaw> = []) { self.flaws = flaws }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let pods = state.list(.pods)
        let waiting = pods.filter { $0.nodeName.isEmpty && $0.isActive }
        guard !waiting.isEmpty else { return nil }
        var usage = NodeUsage(pods)
        for pod in waiting { place(pod, &usage, &state) }
        return nil
    }

    private mutating func place(_ pod: JSONValue, _ usage: inout NodeUsage, _ state: inout StoreState) {
        let key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
        let nodes = state.list(.nodes)
        if let problem = claimProblem(pod, state) { return refuse(pod, problem, nodes.count, &state) }
        var reasons: [String: Int] = [:]
        var fitting: [JSONValue] = []
        for node in nodes {
            if let reason = NodeFit.objection(pod, node, usage) { reasons[reason, default: 0] += 1 } else { fitting.append(node) }
        }
        let owner = pod.controllerReference?["uid"]?.string ?? pod.uid
        guard let best = choose(pod, owner, from: fitting, of: nodes, usage, state) else {
            let list = reasons.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            let text = nodes.isEmpty ? "no nodes available to schedule pods" : "0/\(nodes.count) nodes are available: \(list)."
            return refuse(pod, text, nodes.count, &state)
        }
        // A claim that waits for its first consumer is bound to the chosen node's storage first.
        var isWaiting = false
        for name in pod.claimNames {
            let claimKey = ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: name)
            guard let claim = state[claimKey], claim.phase != "Bound" else { continue }
            isWaiting = true
            _ = try? state.modify(claimKey) { $0[path: "metadata", "annotations", VolumeController.selectedNode] = .string(best.name) }
        }
        guard !isWaiting, (try? state.bind(key, to: best.name)) != nil else { return }
        earlier[owner] = best.name
        usage.add(pod, to: best.name)
        state.recordEvent(
            pod, .normal, "Scheduled", "Successfully assigned \(pod.namespace)/\(pod.name) to \(best.name)", from: "default-scheduler")
    }

    private func claimProblem(_ pod: JSONValue, _ state: StoreState) -> String? {
        for name in pod.claimNames {
            guard let claim = state[ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: name)] else {
                return "persistentvolumeclaim \"\(name)\" not found."
            }
            if claim.isBeingDeleted { return "persistentvolumeclaim \"\(name)\" is being deleted." }
            if claim.phase != "Bound", !VolumeController.waitsForConsumer(claim, state) {
                return "pod has unbound immediate PersistentVolumeClaims."
            }
        }
        return nil
    }

    private func choose(
        _ pod: JSONValue, _ owner: String, from fitting: [JSONValue], of nodes: [JSONValue], _ usage: NodeUsage, _ state: StoreState
    ) -> JSONValue? {
        if flaws.contains(.wrongNode), let last = earlier[owner] {
            if fitting.contains(where: { $0.name == last }) { return fitting.first { $0.name != last } ?? fitting.first }
            if let node = nodes.first(where: { $0.name == last && $0.isReady }) { return node }
        }
        let volumes = Set(
            pod.claimNames.compactMap { name in
                state[ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: name)]?[path: "spec", "volumeName"]?.string
            })
        let attachments = state.list(.volumeAttachments)
        /// Where the volume and the image are already; then where fewest of its like, and fewest pods at all, are.
        func rank(_ node: JSONValue) -> (Int, Int, Int, String) {
            let hasVolume = attachments.contains { attachment in
                attachment.nodeName == node.name
                    && volumes.contains(attachment[path: "spec", "source", "persistentVolumeName"]?.string ?? "")
            }
            let here = usage[node.name]
            return (hasVolume ? 0 : 1, here.owners[owner] ?? 0, here.pods, node.name)
        }
        return fitting.min { rank($0) < rank($1) }
    }

    private func refuse(_ pod: JSONValue, _ message: String, _ nodeCount: Int, _ state: inout StoreState) {
        let text = message.hasPrefix("0/") || message.hasPrefix("no nodes") ? message : "0/\(nodeCount) nodes are available: \(message)"
        guard pod.condition("PodScheduled")?["message"]?.string != text else { return }
        let now = state.timestamp
        _ = try? state.modify(ObjectKey(.pods, namespace: pod.namespace, name: pod.name), part: .status) {
            $0.updateCondition("PodScheduled", "False", "Unschedulable", text, at: now, extra: ["lastProbeTime": nil])
        }
        state.recordEvent(pod, .warning, "FailedScheduling", text, from: "default-scheduler")
    }
}

/// The pods of each node that are not over, and their share of it.
struct NodeUsage {
    struct Node {
        var pods = 0
        var requested: [String: Quantity] = [:]
        /// The number of pods of each controller.
        var owners: [String: Int] = [:]
    }

    private var nodes: [String: Node] = [:]

    init(_ pods: [JSONValue]) {
        for pod in pods where !pod.nodeName.isEmpty && !pod.isFinished { add(pod, to: pod.nodeName) }
    }

    subscript(name: String) -> Node { nodes[name] ?? Node() }

    mutating func add(_ pod: JSONValue, to name: String) {
        var node = self[name]
        node.pods += 1
        for resource in NodeFit.resources { node.requested[resource, default: .zero] += NodeFit.requested(pod, resource) }
        if let owner = pod.controllerReference?["uid"]?.string { node.owners[owner, default: 0] += 1 }
        nodes[name] = node
    }
}

/// Returns whether a pod may run on a node.
enum NodeFit {
    static let resources = ["cpu", "memory"]

    /// Why not, in the scheduler's words.
    static func objection(_ pod: JSONValue, _ node: JSONValue, _ usage: NodeUsage) -> String? {
        if node[path: "spec", "unschedulable"]?.bool == true {
            let taint: JSONValue = ["key": .string(TaintKey.unschedulable), "effect": "NoSchedule"]
            if !Taints.tolerations(pod).contains(where: { Taints.tolerates($0, taint) }) { return "node(s) were unschedulable" }
        }
        if let taint = Taints.untolerated(pod, on: node) {
            return "node(s) had untolerated taint {\(taint["key"]?.string ?? ""): \(taint["value"]?.string ?? "")}"
        }
        if !selects(pod, node) { return "node(s) didn't match Pod's node affinity/selector" }
        let used = usage[node.name]
        for resource in resources {
            guard let capacity = Quantity(node[path: "status", "allocatable", resource]) else { continue }
            let wanted = requested(pod, resource)
            if wanted > .zero, (used.requested[resource] ?? .zero) + wanted > capacity { return "Insufficient \(resource)" }
        }
        if let most = Quantity(node[path: "status", "allocatable", "pods"]), Quantity(count: used.pods) >= most { return "Too many pods" }
        return nil
    }

    static func requested(_ pod: JSONValue, _ resource: String) -> Quantity {
        (pod[path: "spec", "containers"]?.array ?? []).reduce(.zero) {
            $0 + (Quantity($1[path: "resources", "requests", resource]) ?? .zero)
        }
    }

    /// `nodeSelector` and the required node affinity.
    static func selects(_ pod: JSONValue, _ node: JSONValue) -> Bool {
        let wanted = pod[path: "spec", "nodeSelector"]?.strings ?? [:]
        guard wanted.allSatisfy({ node.labels[$0.key] == $0.value }) else { return false }
        let required = pod[path: "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]
        guard let terms = required?["nodeSelectorTerms"]?.array else { return true }
        return terms.contains { term in
            (term["matchExpressions"]?.array ?? []).allSatisfy { matches($0, node.labels[$0["key"]?.string ?? ""]) }
                && (term["matchFields"]?.array ?? []).allSatisfy { matches($0, $0["key"]?.string == "metadata.name" ? node.name : nil) }
        }
    }

    private static func matches(_ expression: JSONValue, _ value: String?) -> Bool {
        let values = expression["values"]?.array?.compactMap(\.string) ?? []
        switch expression["operator"]?.string {
        case "In": return value.map(values.contains) ?? false
        case "NotIn": return !(value.map(values.contains) ?? false)
        case "Exists": return value != nil
        case "DoesNotExist": return value == nil
        case "Gt": return (value.flatMap(Int.init) ?? .min) > (values.first.flatMap(Int.init) ?? .max)
        case "Lt": return (value.flatMap(Int.init) ?? .max) < (values.first.flatMap(Int.init) ?? .min)
        default: return false
        }
    }
}
