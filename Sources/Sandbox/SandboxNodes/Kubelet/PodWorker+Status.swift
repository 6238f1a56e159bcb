import JSON
import SandboxStore

/// A pod's status.
extension PodWorker {
    func status(_ object: inout JSONValue) {
        let now = services.now
        let main = containers.compactMap { records[$0.name] }
        let sidecars = initContainers.filter(\.isSidecar).compactMap { records[$0.name] }
        object[path: "status", "hostIP"] = .string(services.address)
        object[path: "status", "hostIPs"] = [["ip": .string(services.address)]]
        object[path: "status", "startTime"] = startTime
        object[path: "status", "podIP"] = podIP.map(JSONValue.string)
        object[path: "status", "podIPs"] = podIP.map { [["ip": .string($0)]] }
        object[path: "status", "containerStatuses"] = .array(main.map(\.status))
        if !initContainers.isEmpty {
            object[path: "status", "initContainerStatuses"] = .array(initContainers.compactMap { records[$0.name]?.status })
        }
        let phase = phase(main, sidecars)
        object[path: "status", "phase"] = .string(phase)

        let probe: JSONValue = ["lastProbeTime": nil]
        object.updateCondition("PodReadyToStartContainers", podIP == nil ? "False" : "True", nil, nil, at: now, extra: probe)
        let isOver = phase == "Succeeded"
        object.updateCondition(
            "Initialized", isInitialized ? "True" : "False", isInitialized ? (isOver ? "PodCompleted" : nil) : "ContainersNotInitialized",
            isInitialized ? nil : "containers with incomplete status: [\(incompleteInitContainers.joined(separator: " "))]", at: now,
            extra: probe)
        let unready = (sidecars + main).filter { !$0.isReady }.map(\.name)
        let gate = closedGate(of: object)
        for type in ["Ready", "ContainersReady"] {
            if let gate, type == "Ready", unready.isEmpty, phase == "Running" {
                object.updateCondition(
                    type, "False", "ReadinessGatesNotReady", "the status of pod readiness gate \"\(gate)\" is not \"True\"", at: now,
                    extra: probe)
            } else if unready.isEmpty, phase == "Running" {
                object.updateCondition(type, "True", nil, nil, at: now, extra: probe)
            } else {
                object.updateCondition(
                    type, "False", isOver ? "PodCompleted" : "ContainersNotReady",
                    isOver ? nil : "containers with unready status: [\(unready.joined(separator: " "))]", at: now, extra: probe)
            }
        }
        object.updateCondition("PodScheduled", "True", nil, nil, at: now, extra: probe)
    }

    /// A condition that somebody else has yet to set before the pod counts as ready.
    private func closedGate(of object: JSONValue) -> String? {
        (pod[path: "spec", "readinessGates"]?.array ?? []).compactMap { $0["conditionType"]?.string }
            .first { object.condition($0)?["status"]?.string != "True" }
    }

    private var restartPolicy: String { pod[path: "spec", "restartPolicy"]?.string ?? "Always" }

    private var incompleteInitContainers: [String] {
        initContainers.filter { container in
            guard let record = records[container.name] else { return true }
            return container.isSidecar ? !record.isStarted : record.terminated?["exitCode"]?.integer != 0
        }.map(\.name)
    }

    private var hasFailedInit: Bool {
        restartPolicy == "Never"
            && initContainers.contains { !$0.isSidecar && (records[$0.name]?.terminated?["exitCode"]?.integer ?? 0) != 0 }
    }

    /// `status.phase` (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase).
    private func phase(_ main: [ContainerRecord], _ sidecars: [ContainerRecord]) -> String {
        if hasFailedInit { return "Failed" }
        let isOver = (main + sidecars).allSatisfy { $0.terminated != nil }
        let isSuccess = main.allSatisfy { $0.terminated?["exitCode"]?.integer == 0 }
        // A pod that was told to end does not come back, whatever its restart policy says.
        if isTerminating, isOver { return isSuccess ? "Succeeded" : "Failed" }
        guard isInitialized, main.allSatisfy({ $0.containerID != nil }) else { return "Pending" }
        guard restartPolicy != "Always", isOver else { return "Running" }
        if !isSuccess, restartPolicy == "OnFailure" { return "Running" }
        return isSuccess ? "Succeeded" : "Failed"
    }
}
