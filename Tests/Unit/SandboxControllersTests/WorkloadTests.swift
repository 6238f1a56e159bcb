import JSON
import SandboxFixtures
import Testing

@testable import SandboxControllers
@testable import SandboxStore

@Suite struct WorkloadTests {
    @Test func aDeploymentGetsItsPodVolumeAndAddress() throws {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.settle()
        #expect(plane.ready.count == 1)
        let deployment = try plane.store.get(.deployment)
        #expect(deployment[path: "status", "availableReplicas"] == 1)
        #expect(deployment.condition("Available")?["status"] == "True")
        #expect(deployment.condition("Progressing")?["reason"] == "NewReplicaSetAvailable")
        #expect(try plane.store.get(.claim).phase == "Bound")
        let address = try plane.store.get(.service)[path: "status", "loadBalancer", "ingress"]?[0]?["ip"]?.string
        #expect(address == "127.96.255.1")
    }

    @Test func aPodHasWhatItsTemplateSays() throws {
        let template: JSONValue = [
            "metadata": ["labels": ["a": "b"], "annotations": ["c": "d"], "finalizers": ["example.com/x"]], "spec": [:],
        ]
        let workload: JSONValue = ["metadata": ["name": "w", "uid": "1"], "spec": ["template": template]]
        let pod = workload.podFromTemplate()
        #expect(pod.labels == ["a": "b"] && pod.annotations == ["c": "d"] && pod.finalizers == ["example.com/x"])
    }

    @Test func aDeletedPodIsReplacedOnTheSameNodeWithTheSameVolume() throws {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.settle()
        let before = try #require(plane.ready.first)
        let volume = try plane.store.get(.claim)[path: "spec", "volumeName"]
        try plane.store.delete(.pod(before.name))
        try plane.settle()
        let after = try #require(plane.ready.first)
        #expect(after.uid != before.uid)
        #expect(after.nodeName == before.nodeName)
        #expect(try plane.store.get(.claim)[path: "spec", "volumeName"] == volume)
    }

    @Test func recreateWaitsUntilTheOldPodsAreGone() throws {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.settle()
        let old = try #require(plane.ready.first)
        plane.deadNodes = [old.nodeName]
        try plane.store.modify(.deployment) { $0[path: "spec", "template", "metadata", "annotations", "v"] = "2" }
        try plane.settle()
        // The old pod cannot be confirmed gone, so no new one may come.
        #expect(plane.pods.map(\.uid) == [old.uid])
        plane.deadNodes = []
        try plane.settle()
        #expect(plane.ready.count == 1)
        #expect(plane.ready.first?.uid != old.uid)
        #expect(try plane.store.get(.deployment).annotations["deployment.kubernetes.io/revision"] == "2")
    }

    @Test func aRollingUpdateKeepsEnoughPodsReady() throws {
        var plane = try ControlPlane()
        try plane.deploy(4, strategy: "RollingUpdate")
        try plane.store.modify(.deployment) { $0[path: "spec", "template", "spec", "volumes"] = nil }
        try plane.settle()
        #expect(plane.ready.count == 4)
        try plane.store.modify(.deployment) { $0[path: "spec", "template", "metadata", "annotations", "v"] = "2" }
        try plane.settle()
        let deployment = try plane.store.get(.deployment)
        #expect(deployment[path: "status", "updatedReplicas"] == 4)
        #expect(deployment[path: "status", "availableReplicas"] == 4)
        #expect(plane.pods.count == 4)
        // Back again: the first ReplicaSet is used once more and becomes the newest revision.
        try plane.store.modify(.deployment) { $0[path: "spec", "template", "metadata", "annotations"] = nil }
        try plane.settle()
        #expect(plane.store.list(.replicaSets).count == 2)
        #expect(try plane.store.get(.deployment).annotations["deployment.kubernetes.io/revision"] == "3")
    }

    /// Mounts what the claim template of the same name provides.
    private static let mountingSpec: JSONValue = [
        "containers": [["name": "db", "image": "busybox:1", "volumeMounts": [["name": "data", "mountPath": "/data"]]]]
    ]

    @Test func aStatefulSetWaitsForTheOldPodsObject() throws {
        var plane = try ControlPlane()
        let labels: JSONValue = ["app": "sql"]
        try plane.store.create(
            .statefulSets,
            [
                "metadata": ["name": "sql"],
                "spec": [
                    "replicas": 2, "serviceName": "sql", "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": Self.mountingSpec],
                    "volumeClaimTemplates": [
                        [
                            "metadata": ["name": "data"],
                            "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                        ]
                    ],
                ],
            ], namespace: "default")
        try plane.settle()
        #expect(plane.ready.map(\.name) == ["sql-0", "sql-1"])
        #expect(plane.store.list(.persistentVolumeClaims).map(\.name) == ["data-sql-0", "data-sql-1"])
        let old = try plane.store.get(.pod("sql-0"))
        plane.deadNodes = [old.nodeName]
        try plane.advance(10)
        // Its node does not answer: the pod is terminating, and nothing takes its name.
        #expect(try plane.store.get(.pod("sql-0")).uid == old.uid)
        #expect(try plane.store.get(.pod("sql-0")).isBeingDeleted)
        try plane.store.delete(.pod("sql-0"), .confirmed(uid: old.uid))
        try plane.advance(5)
        #expect(try plane.store.get(.pod("sql-0")).isReady)
    }

    @Test func aDaemonSetHasOnePodOnEveryNodeAlsoACordonedOne() throws {
        var plane = try ControlPlane(nodes: ["a", "b", "c"])
        try plane.store.modify(ObjectKey(.nodes, name: "b")) { $0[path: "spec", "unschedulable"] = true }
        let labels: JSONValue = ["app": "agent"]
        try plane.store.create(
            .daemonSets,
            [
                "metadata": ["name": "agent"],
                "spec": [
                    "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": ControlPlane.podSpec("busybox:1", claim: nil)],
                ],
            ], namespace: "default")
        try plane.settle()
        #expect(plane.ready.map(\.nodeName).sorted() == ["a", "b", "c"])
    }

    @Test func aDisruptionBudgetAllowsWhatTheReplicasAllow() throws {
        var plane = try ControlPlane()
        try plane.deploy()
        try plane.store.create(
            .podDisruptionBudgets,
            ["metadata": ["name": "one"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "db"]]]], namespace: "default")
        try plane.settle()
        let key = ObjectKey(.podDisruptionBudgets, namespace: "default", name: "one")
        #expect(try plane.store.get(key)[path: "status", "disruptionsAllowed"] == 0)
        let pod = try #require(plane.ready.first)
        let error = #expect(throws: APIError.self) {
            try plane.store.transaction { state throws(APIError) in try state.evict(.pod(pod.name), .background) }
        }
        #expect(error?.code == 429)
        try plane.store.modify(.deployment) { $0[path: "spec", "replicas"] = 2 }
        try plane.settle()
        #expect(try plane.store.get(key)[path: "status", "disruptionsAllowed"] == 1)
    }
}
