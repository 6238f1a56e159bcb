import JSON
import Kubernetes
import Testing

@testable import Run

/// Why a replacement never came, in the words of the cluster.
@Suite struct ObstacleTests {
    private func pod(_ status: JSONValue, _ metadata: JSONValue = [:]) throws -> Pod {
        var metadata = metadata
        metadata["name"] = "sql-1"
        metadata["uid"] = "u1"
        let manifest: JSONValue = [
            "metadata": metadata, "spec": ["nodeName": "worker-1", "containers": [["name": "sql"]]], "status": status,
        ]
        return try manifest.decode()
    }

    private func event(_ kind: String, _ name: String, _ reason: String, _ message: String, uid: String = "u1", at: Int = 0) throws
        -> ClusterEvent
    {
        let manifest: JSONValue = [
            "metadata": ["name": "e"], "involvedObject": ["kind": .string(kind), "name": .string(name), "uid": .string(uid)],
            "reason": .string(reason), "message": .string(message), "lastTimestamp": .string("2026-11-28T00:00:0\(at)Z"),
        ]
        return try manifest.decode()
    }

    private func waiting(_ reason: String, _ message: String? = nil, last: JSONValue? = nil) -> JSONValue {
        var container: JSONValue = ["name": "sql", "ready": false, "restartCount": 3, "state": ["waiting": ["reason": .string(reason)]]]
        if let message { container["state"] = ["waiting": ["reason": .string(reason), "message": .string(message)]] }
        if let last { container["lastState"] = ["terminated": last] }
        return ["phase": "Pending", "containerStatuses": [container]]
    }

    private func sentence(_ pods: [Pod], _ events: [ClusterEvent] = []) -> String? {
        Obstacle.sentence(pods: pods, events: events, workload: "sql")
    }

    @Test func aPodThatNoNodeTakes() throws {
        let pod = try pod(["conditions": [["type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"]]])
        #expect(sentence([pod]) == "pod sql-1 cannot be scheduled: 0/3 nodes are available")
    }

    @Test func aContainerThatEndsAgainAndAgain() throws {
        let pod = try pod(waiting("CrashLoopBackOff", "back-off 40s", last: ["exitCode": 137, "reason": "OOMKilled"]))
        #expect(sentence([pod]) == "container sql of pod sql-1: CrashLoopBackOff (it ended with exit code 137, OOMKilled): back-off 40s")
    }

    @Test func anImageThatIsNotThere() throws {
        #expect(sentence([try pod(waiting("ErrImagePull", "not found"))]) == "container sql of pod sql-1: ErrImagePull: not found")
    }

    @Test func aVolumeThatAnotherNodeHolds() throws {
        let events = [
            try event("Pod", "sql-1", "FailedScheduling", "older", at: 1),
            try event("Pod", "sql-1", "FailedAttachVolume", "Multi-Attach error for volume pv", at: 2),
            try event("Pod", "sql-0", "FailedMount", "of another pod", uid: "u0", at: 3),
        ]
        #expect(
            sentence([try pod(waiting("ContainerCreating"))], events) == "pod sql-1: FailedAttachVolume: Multi-Attach error for volume pv")
    }

    @Test func aPodThatMayNotBeCreated() throws {
        let events = [
            try event("ReplicaSet", "sql-5d9", "FailedCreate", "exceeded quota: q"),
            try event("ReplicaSet", "web-1", "FailedCreate", "of another workload", at: 5),
        ]
        #expect(sentence([], events) == "FailedCreate: exceeded quota: q")
    }

    @Test func anOldPodThatDoesNotGo() throws {
        let pod = try pod([:], ["deletionTimestamp": "2026-11-28T00:00:00Z", "finalizers": ["example.com/x"]])
        #expect(sentence([pod]) == "the old pod sql-1 on node worker-1 is still terminating, held by example.com/x")
    }

    @Test func aServerThatRunsAndIsNotReady() throws {
        let pod = try pod(["containerStatuses": [["name": "sql", "ready": false, "restartCount": 0, "state": ["running": [:]]]]])
        #expect(sentence([pod]) == "container sql of pod sql-1 runs, but is not ready")
    }

    /// Without a readiness probe a container is ready for as long as it runs.
    @Test(arguments: [(1, 3, "00:00:02", true), (0, 3, "00:00:02", false), (1, 1, "00:00:02", false), (1, 3, "00:05:00", false)])
    func aContainerThatIsCaughtBetweenTwoFailures(code: Int64, restarts: Int64, end: String, isTold: Bool) throws {
        let pod = try pod([
            "conditions": [["type": "Ready", "status": "True"]],
            "containerStatuses": [
                [
                    "name": "sql", "ready": true, "restartCount": .integer(restarts), "state": ["running": [:]],
                    "lastState": [
                        "terminated": [
                            "exitCode": .integer(code), "reason": "Error", "startedAt": "2026-11-28T00:00:00Z",
                            "finishedAt": .string("2026-11-28T\(end)Z"),
                        ]
                    ],
                ]
            ],
        ])
        let told = "container sql of pod sql-1 ends again and again (3 restarts, the last after exit code 1, Error)"
        #expect(sentence([pod]) == (isTold ? told : nil))
    }

    @Test func nothingIsMadeUp() throws {
        #expect(sentence([]) == nil)
        #expect(sentence([try pod(waiting("ContainerCreating"))]) == nil)
    }
}
