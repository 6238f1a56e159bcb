import Foundation
import JSON
import Journal
import Kubernetes
import Testing

@testable import Run

@Suite struct PodTrackerTests {
    /// A pod as the API tells it.
    private func pod(
        uid: String = "u1", node: String? = "worker1", container: String? = "containerd://a", ready: Bool = true, restarts: Int = 0,
        deleted: Bool = false, exitCode: Int? = nil, backOff: String? = nil
    ) throws -> Pod {
        var status: [String: JSONValue] = [
            "conditions": [["type": "Ready", "status": ready ? "True" : "False"]]
        ]
        if let container {
            var entry: JSONValue = [
                "name": "sql", "ready": .bool(ready), "restartCount": .integer(Int64(restarts)), "containerID": .string(container),
                "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
            ]
            if let backOff { entry["state"] = ["waiting": ["reason": "CrashLoopBackOff", "message": .string(backOff)]] }
            if let exitCode {
                entry["lastState"] = [
                    "terminated": ["exitCode": .integer(Int64(exitCode)), "reason": "Error", "containerID": "containerd://old"]
                ]
            }
            status["containerStatuses"] = [entry]
        }
        var metadata: JSONValue = ["name": "sql-0", "namespace": "sql", "uid": .string(uid)]
        if deleted {
            metadata["deletionTimestamp"] = "2026-01-01T00:00:09Z"
            metadata["deletionGracePeriodSeconds"] = 30
        }
        var spec: JSONValue = ["containers": [["name": "sql"]]]
        if let node { spec["nodeName"] = .string(node) }
        return try JSONValue.object(["metadata": metadata, "spec": spec, "status": .object(status)]).decode()
    }

    private func kinds(_ observations: [ClusterObservation]) -> [ClusterObservation.Kind] { observations.map(\.kind) }

    @Test func whatWasThereBeforeIsNoNews() throws {
        var tracker = PodTracker()
        #expect(tracker.take(.added(try pod())).isEmpty)
        #expect(tracker.take(.synced(resourceVersion: "1")).isEmpty)
        #expect(tracker.take(.modified(try pod())).isEmpty)
    }

    @Test func aKilledProcessIsSeenFromItsEndToItsReturn() throws {
        var tracker = PodTracker()
        _ = tracker.take(.added(try pod()))
        _ = tracker.take(.synced(resourceVersion: "1"))
        let found = tracker.take(.modified(try pod(container: "containerd://b", ready: false, restarts: 1, exitCode: 137)))
        #expect(kinds(found) == [.containerTerminated, .containerStarted, .podNotReady])
        #expect(found[0].detail == "sql: exit code 137, Error")
        #expect(kinds(tracker.take(.modified(try pod(container: "containerd://b", restarts: 1, exitCode: 137)))) == [.podReady])
    }

    /// A watch that is behind shows a container's end only with the pod's.
    @Test func theEndOfAContainerIsToldWithTheEndOfItsPod() throws {
        var tracker = PodTracker()
        _ = tracker.take(.added(try pod()))
        _ = tracker.take(.synced(resourceVersion: "1"))
        let terminating = tracker.take(.modified(try pod(ready: false, deleted: true)))
        #expect(kinds(terminating) == [.podTerminating, .podNotReady])
        #expect(terminating[0].gracePeriod == 30)
        let found = tracker.take(.deleted(try pod(ready: false, deleted: true, exitCode: 137)))
        #expect(kinds(found) == [.containerTerminated, .podGone])
        #expect(found[0].exit == ContainerExit(container: "sql", containerID: "containerd://old", code: 137, reason: "Error"))
    }

    @Test func aRestartThatIsHeldBackIsToldOnce() throws {
        var tracker = PodTracker()
        _ = tracker.take(.added(try pod()))
        _ = tracker.take(.synced(resourceVersion: "1"))
        let waiting = try pod(ready: false, exitCode: 137, backOff: "back-off 10s restarting failed container=sql")
        let found = tracker.take(.modified(waiting)).filter { $0.kind == .crashLoopBackOff }
        #expect(found.map(\.detail) == ["back-off 10s restarting failed container=sql"])
        #expect(!kinds(tracker.take(.modified(waiting))).contains(.crashLoopBackOff))
    }

    @Test func aReplacedPodIsAnotherOneThoughItHasTheSameName() throws {
        var tracker = PodTracker()
        _ = tracker.take(.added(try pod()))
        _ = tracker.take(.synced(resourceVersion: "1"))
        #expect(kinds(tracker.take(.modified(try pod(deleted: true)))) == [.podTerminating, .podNotReady])
        #expect(kinds(tracker.take(.deleted(try pod(deleted: true)))) == [.podGone])
        #expect(kinds(tracker.take(.added(try pod(uid: "u2", node: nil, container: nil, ready: false)))) == [.podCreated])
        #expect(kinds(tracker.take(.modified(try pod(uid: "u2", container: nil, ready: false)))) == [.podScheduled])
        #expect(kinds(tracker.take(.modified(try pod(uid: "u2")))) == [.containerStarted, .podReady])
    }
}
