import JSON
import SandboxStore

/// A kubelet's knowledge of one container, in the terms of `status.containerStatuses`
/// (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus).
struct ContainerRecord: Sendable {
    let name: String
    let image: String
    var containerID: String?
    var restartCount: Int64 = 0
    var state: JSONValue
    var lastState: JSONValue = [:]
    var isReady = false
    var isStarted = false
    var startedAt: JSONValue?

    init(_ container: JSONValue, waiting reason: String) {
        name = container["name"]?.string ?? ""
        image = container["image"]?.string ?? ""
        state = ["waiting": ["reason": .string(reason)]]
    }

    /// Takes over what an earlier kubelet of this node wrote: what was running then was lost with the node's power.
    mutating func restore(_ status: JSONValue?, at now: JSONValue, isRestarted: Bool) {
        guard let status, let earlier = status["containerID"]?.string else { return }
        containerID = earlier
        restartCount = status["restartCount"]?.integer ?? 0
        if !isRestarted, let state = status["state"], state["terminated"] != nil {
            self.state = state
            lastState = status["lastState"] ?? [:]
            return
        }
        restartCount += isRestarted ? 1 : 0
        lastState =
            status["state"]?["terminated"].map { ["terminated": $0] } ?? [
                "terminated": [
                    "containerID": .string(earlier), "exitCode": 255, "reason": "Unknown", "finishedAt": now,
                    "startedAt": status[path: "state", "running", "startedAt"] ?? now,
                ]
            ]
    }

    var isRunning: Bool { state["running"] != nil }
    var terminated: JSONValue? { state["terminated"] }

    mutating func run(_ id: String, at now: JSONValue) {
        containerID = "containerd://\(id)"
        startedAt = now
        state = ["running": ["startedAt": now]]
    }

    mutating func end(_ exit: ProcessExit, at now: JSONValue) {
        end(code: exit.containerCode, reason: exit.containerCode == 0 ? "Completed" : "Error", message: nil, at: now)
    }

    mutating func end(code: Int32, reason: String, message: String?, at now: JSONValue) {
        var end: JSONValue = [
            "exitCode": .integer(Int64(code)), "reason": .string(reason), "startedAt": startedAt ?? now, "finishedAt": now,
        ]
        end["containerID"] = containerID.map(JSONValue.string)
        end["message"] = message.map(JSONValue.string)
        if code > 128, code < 160 { end["signal"] = nil }
        state = ["terminated": end]
        isReady = false
        isStarted = false
    }

    /// The status of a container that has not ended when its pod has: it was never started, or nobody saw its end.
    mutating func giveUp(at now: JSONValue) {
        guard terminated == nil else { return }
        end(
            code: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when the pod was terminated", at: now)
    }

    mutating func wait(_ reason: String, _ message: String?) {
        if let terminated { lastState = ["terminated": terminated] }
        var waiting: JSONValue = ["reason": .string(reason)]
        waiting["message"] = message.map(JSONValue.string)
        state = ["waiting": waiting]
        isReady = false
        isStarted = false
    }

    var status: JSONValue {
        var status: JSONValue = [
            "name": .string(name), "image": .string(image), "imageID": .string(containerID == nil ? "" : image),
            "restartCount": .integer(restartCount), "ready": .bool(isReady), "started": .bool(isStarted), "state": state,
            "lastState": lastState,
        ]
        status["containerID"] = containerID.map(JSONValue.string)
        return status
    }
}
