import JSON
import SandboxFixtures
import Synchronization

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// Stands in for the nodes where the API alone is tested: pods become ready as soon as they are there and go when they are told to.
final class FakeBackend: ClusterBackend {
    let runtime: any PodRuntime = FakeRuntime()
    private let kubelet: Task<Void, any Error>
    private let protection: Task<Void, any Error>

    init(_ store: ObjectStore) throws {
        for name in ["node-1", "node-2"] { try store.create(.nodes, Self.node(name)) }
        let pods = try store.watch(.pods)
        kubelet = Task {
            for try await event in pods where event.kind != .deleted { try Self.tend(event.object, store) }
        }
        let claims = try store.watch(.persistentVolumeClaims)
        protection = Task {
            for try await event in claims where event.kind != .deleted && event.object.isBeingDeleted {
                let key = ObjectKey(.persistentVolumeClaims, namespace: event.object.namespace, name: event.object.name)
                try store.modify(key) { $0.finalizers = [] }
            }
        }
    }

    func stop() async {
        for task in [kubelet, protection] {
            task.cancel()
            _ = await task.result
        }
    }

    private static func tend(_ pod: JSONValue, _ store: ObjectStore) throws {
        let key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
        do throws(APIError) {
            if pod.isBeingDeleted {
                try store.delete(key, .confirmed(uid: pod.uid))
            } else if pod[path: "spec", "nodeName"] == nil {
                try store.transaction { state throws(APIError) in _ = try state.bind(key, to: "node-1") }
            } else if pod[path: "status", "phase"] == "Pending" {
                try store.modify(key, Preconditions(uid: pod.uid)) { pod in
                    pod[path: "status", "phase"] = "Running"
                    pod[path: "status", "podIP"] = "127.160.0.2"
                    pod.setCondition(["type": "Ready", "status": "True"])
                    pod[path: "status", "containerStatuses"] = [
                        [
                            "name": "main", "ready": true, "restartCount": 0, "image": "busybox:1", "imageID": "", "started": true,
                            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]], "lastState": [:],
                        ]
                    ]
                }
            }
        } catch {
            // The pod may have changed since the event; a later event says how.
            guard error.code == 404 || error.code == 409 else { throw error }
        }
    }

    private static func node(_ name: String) -> JSONValue {
        [
            "metadata": ["name": .string(name), "labels": ["kubernetes.io/hostname": .string(name)]],
            "status": [
                "conditions": [["type": "Ready", "status": "True", "reason": "KubeletReady"]],
                "addresses": [["type": "InternalIP", "address": "127.0.0.1"]],
                "nodeInfo": [
                    "kubeletVersion": "v1.34.0", "osImage": "test", "kernelVersion": "6.1", "containerRuntimeVersion": "fake://1",
                ],
                "capacity": ["pods": "110"], "allocatable": ["pods": "110"],
            ],
        ]
    }
}
