import Foundation
import JSON
import KubernetesAPI
import SandboxStore

/// How `kubectl get pods` shows a pod (Kubernetes: printersinternal.printPod).
enum PodTable {
    static let columns: [TableColumn] = [
        .name, .text("Ready", ready), .text("Status", status), TableColumn("Restarts", restarts), .age,
        .text("IP", wide: true) { filled($0[path: "status", "podIP"]?.string) },
        .text("Node", wide: true) { filled($0[path: "spec", "nodeName"]?.string) },
        .text("Nominated Node", wide: true) { filled($0[path: "status", "nominatedNodeName"]?.string) },
        .text("Readiness Gates", wide: true, readinessGates),
    ]

    private static func filled(_ text: String?) -> String { text.flatMap { $0.isEmpty ? nil : $0 } ?? "<none>" }

    private static func containers(_ pod: JSONValue) -> [JSONValue] { pod[path: "status", "containerStatuses"]?.array ?? [] }

    /// The init containers that go on running, which count among the containers.
    private static func sidecars(_ pod: JSONValue) -> Set<String> {
        Set(ContainerDefinition.list(pod, "initContainers").filter(\.isSidecar).map(\.name))
    }

    private static func ready(_ pod: JSONValue) -> String {
        let sidecars = sidecars(pod)
        let besides = (pod[path: "status", "initContainerStatuses"]?.array ?? []).filter { sidecars.contains($0["name"]?.string ?? "") }
        let ready = (besides + containers(pod)).count { $0["ready"]?.bool == true && $0[path: "state", "running"] != nil }
        return "\(ready)/\((pod[path: "spec", "containers"]?.array?.count ?? 0) + sidecars.count)"
    }

    private static func restarts(_ pod: JSONValue, _ now: Date) -> JSONValue {
        let statuses = containers(pod)
        let count = statuses.reduce(0) { $0 + ($1["restartCount"]?.integer ?? 0) }
        let ends = statuses.compactMap { $0[path: "lastState", "terminated", "finishedAt"]?.string }
        guard count > 0, let last = ends.max() else { return .string(String(count)) }
        return .string("\(count) (\(Age.text(since: last, now: now)) ago)")
    }

    static func status(_ pod: JSONValue) -> String {
        let phase = pod[path: "status", "phase"]?.string ?? "Unknown"
        var reason = pod[path: "status", "reason"]?.string ?? phase
        let initialising = initialisation(pod)
        if let initialising {
            reason = initialising
        } else {
            var isRunning = false
            for container in containers(pod).reversed() {
                if let waiting = container[path: "state", "waiting", "reason"]?.string, !waiting.isEmpty {
                    reason = waiting
                } else if let end = container[path: "state", "terminated"] {
                    reason = ending(end)
                } else if container["ready"]?.bool == true, container[path: "state", "running"] != nil {
                    isRunning = true
                }
            }
            // A pod with one finished and one running container.
            if reason == "Completed", isRunning {
                reason = pod.condition("Ready")?["status"]?.string == "True" ? "Running" : "NotReady"
            }
        }
        guard pod.isBeingDeleted else { return reason }
        return pod[path: "status", "reason"]?.string == "NodeLost" ? "Unknown" : "Terminating"
    }

    /// `Init:1/2` and its kin while the init containers are not done; `nil` afterwards.
    private static func initialisation(_ pod: JSONValue) -> String? {
        let statuses = pod[path: "status", "initContainerStatuses"]?.array ?? []
        let sidecars = sidecars(pod)
        for (index, container) in statuses.enumerated() {
            if container["started"]?.bool == true, sidecars.contains(container["name"]?.string ?? "") { continue }
            if let end = container[path: "state", "terminated"] {
                if end["exitCode"]?.integer == 0 { continue }
                return "Init:\(ending(end))"
            }
            if let waiting = container[path: "state", "waiting", "reason"]?.string, !waiting.isEmpty, waiting != "PodInitializing" {
                return "Init:\(waiting)"
            }
            return "Init:\(index)/\(pod[path: "spec", "initContainers"]?.array?.count ?? 0)"
        }
        return nil
    }

    private static func ending(_ end: JSONValue) -> String {
        if let reason = end["reason"]?.string, !reason.isEmpty { return reason }
        if let signal = end["signal"]?.integer, signal != 0 { return "Signal:\(signal)" }
        return "ExitCode:\(end["exitCode"]?.integer ?? 0)"
    }

    private static func readinessGates(_ pod: JSONValue) -> String {
        let gates = (pod[path: "spec", "readinessGates"]?.array ?? []).compactMap { $0["conditionType"]?.string }
        guard !gates.isEmpty else { return "<none>" }
        return "\(gates.count { pod.condition($0)?["status"]?.string == "True" })/\(gates.count)"
    }
}

enum NodeTable {
    static let columns: [TableColumn] = [
        .name, .text("Status", status), .text("Roles", roles), .age, .text("Version") { info($0, "kubeletVersion") },
        .text("Internal-IP", wide: true) { address($0, "InternalIP") }, .text("External-IP", wide: true) { address($0, "ExternalIP") },
        .text("OS-Image", wide: true) { info($0, "osImage") }, .text("Kernel-Version", wide: true) { info($0, "kernelVersion") },
        .text("Container-Runtime", wide: true) { info($0, "containerRuntimeVersion") },
    ]

    private static func status(_ node: JSONValue) -> String {
        let ready =
            switch node.condition("Ready")?["status"]?.string {
            case "True": "Ready"
            case nil: "Unknown"
            default: "NotReady"
            }
        return node[path: "spec", "unschedulable"]?.bool == true ? "\(ready),SchedulingDisabled" : ready
    }

    private static func roles(_ node: JSONValue) -> String {
        let prefix = LabelKey.nodeRolePrefix
        let roles = node.labels.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
        return roles.isEmpty ? "<none>" : roles.joined(separator: ",")
    }

    private static func info(_ node: JSONValue, _ member: String) -> String {
        node[path: "status", "nodeInfo", member]?.string ?? "<unknown>"
    }

    private static func address(_ node: JSONValue, _ type: String) -> String {
        let addresses = node[path: "status", "addresses"]?.array ?? []
        return addresses.first { $0["type"]?.string == type }?["address"]?.string ?? "<none>"
    }
}
