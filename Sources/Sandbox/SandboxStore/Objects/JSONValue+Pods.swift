package import JSON

/// The questions that the control plane asks about pods and nodes again and again.
extension JSONValue {
    package var nodeName: String { self[path: "spec", "nodeName"]?.string ?? "" }
    package var phase: String { self[path: "status", "phase"]?.string ?? "" }
    /// Succeeded or Failed: it will never run again.
    package var isFinished: Bool { phase == "Succeeded" || phase == "Failed" }
    /// Counts for its controller: neither over nor going (Kubernetes: `IsPodActive`).
    package var isActive: Bool { !isFinished && !isBeingDeleted }
    package var isReady: Bool { condition("Ready")?["status"]?.string == "True" }
    package var replicas: Int64 { self[path: "spec", "replicas"]?.integer ?? 1 }

    package func isControlled(by owner: JSONValue) -> Bool { controllerReference?["uid"]?.string == owner.uid }

    package var claimNames: [String] {
        (self[path: "spec", "volumes"]?.array ?? []).compactMap { $0[path: "persistentVolumeClaim", "claimName"]?.string }
    }

    /// `status.qosClass` (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/).
    package var qualityOfService: String {
        let containers = (self[path: "spec", "containers"]?.array ?? []) + (self[path: "spec", "initContainers"]?.array ?? [])
        let resources = ["cpu", "memory"]
        let amounts = containers.flatMap { container in
            resources.map { (container[path: "resources", "limits", $0], container[path: "resources", "requests", $0]) }
        }
        if amounts.allSatisfy({ $0.0 == nil && $0.1 == nil }) { return "BestEffort" }
        return amounts.allSatisfy { $0.0 != nil && $0.0 == $0.1 } ? "Guaranteed" : "Burstable"
    }

    /// A controller's reference to itself, for what it makes.
    package var asController: JSONValue {
        [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid), "controller": true,
            "blockOwnerDeletion": true,
        ]
    }

    /// The pod that a workload's template describes.
    package func podFromTemplate(named name: String? = nil, labels extra: [String: String] = [:]) -> JSONValue {
        let template = self[path: "spec", "template"] ?? [:]
        var metadata: JSONValue = [:]
        if let name { metadata["name"] = .string(name) } else { metadata["generateName"] = .string(self.name + "-") }
        metadata["labels"] = JSONValue(strings: template.labels.merging(extra) { _, new in new })
        if !template.annotations.isEmpty { metadata["annotations"] = JSONValue(strings: template.annotations) }
        metadata["finalizers"] = template[path: "metadata", "finalizers"]
        metadata["ownerReferences"] = [asController]
        return ["metadata": metadata, "spec": template["spec"] ?? [:]]
    }

    /// Sets a condition's fields; its transition time moves only when the status changes.
    package mutating func updateCondition(
        _ type: String, _ status: String, _ reason: String?, _ message: String?, at now: JSONValue, extra: JSONValue = [:]
    ) {
        var new = extra
        let old = condition(type)
        new["type"] = .string(type)
        new["status"] = .string(status)
        new["reason"] = reason.map(JSONValue.string)
        new["message"] = message.map(JSONValue.string)
        new["lastTransitionTime"] = old?["status"]?.string == status ? old?["lastTransitionTime"] ?? now : now
        setCondition(new)
    }
}

/// Taints and tolerations (https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/).
package enum Taints {
    package static func of(_ node: JSONValue) -> [JSONValue] { node[path: "spec", "taints"]?.array ?? [] }

    package static func has(_ node: JSONValue, _ key: String) -> Bool { of(node).contains { $0["key"]?.string == key } }

    package static func tolerates(_ toleration: JSONValue, _ taint: JSONValue) -> Bool {
        if let effect = toleration["effect"]?.string, !effect.isEmpty, effect != taint["effect"]?.string { return false }
        let key = toleration["key"]?.string ?? ""
        if toleration["operator"]?.string == "Exists" { return key.isEmpty || key == taint["key"]?.string }
        return key == taint["key"]?.string && (toleration["value"]?.string ?? "") == (taint["value"]?.string ?? "")
    }

    package static func tolerations(_ pod: JSONValue) -> [JSONValue] { pod[path: "spec", "tolerations"]?.array ?? [] }

    /// The first taint that keeps a pod from being placed on the node.
    package static func untolerated(_ pod: JSONValue, on node: JSONValue) -> JSONValue? {
        of(node).first { taint in
            taint["effect"]?.string != "PreferNoSchedule" && !tolerations(pod).contains { tolerates($0, taint) }
        }
    }
}

/// Numbers and percentages of replicas (`IntOrString`).
package enum Amount {
    package static func resolve(_ value: JSONValue?, of total: Int64, roundingUp: Bool) -> Int64? {
        if let number = value?.integer { return number }
        guard let text = value?.string, text.hasSuffix("%"), let percent = Int64(text.dropLast()) else { return nil }
        // Nobody means more than that, and the product stays a number.
        let share = min(max(percent, 0), 10_000) * min(total, Int64(Int32.max))
        return roundingUp ? (share + 99) / 100 : share / 100
    }
}
