import Foundation
import JSON
import SandboxFixtures
import Testing

@testable import SandboxControllers
@testable import SandboxStore

@Suite struct DeletionTests {
    @Test func aRunningPodStaysUntilItsKubeletConfirms() throws {
        let store = try ObjectStore.testing()
        let pod = try store.createPod("a", node: "node-1", phase: "Running")
        let deletion = try store.delete(.pod("a"))
        #expect(deletion == .pending(try store.get(.pod("a"))))
        #expect(deletion.object.deletionTimestamp == "2023-11-14T22:13:50Z")
        #expect(deletion.object[path: "metadata", "deletionGracePeriodSeconds"] == 30)
        try store.delete(.pod("a"), .confirmed(uid: pod.uid))
        #expect(store[.pod("a")] == nil)
    }

    @Test func aConfirmationForASuccessorIsRefused() throws {
        let store = try ObjectStore.testing()
        let pod = try store.createPod("a", node: "node-1", phase: "Running")
        try store.delete(.pod("a"), DeleteOptions(gracePeriodSeconds: 0))
        try store.createPod("a", node: "node-1", phase: "Running")
        let error = #expect(throws: APIError.self) { try store.delete(.pod("a"), .confirmed(uid: pod.uid)) }
        #expect(error?.code == 409)
        #expect(store[.pod("a")] != nil)
    }

    @Test(arguments: [(nil, "Pending"), ("node-1", "Succeeded"), ("node-1", "Failed")] as [(String?, String)])
    func aPodThatHasNothingToStopVanishesAtOnce(node: String?, phase: String) throws {
        let store = try ObjectStore.testing()
        try store.createPod("a", node: node, phase: phase)
        try store.delete(.pod("a"))
        #expect(store[.pod("a")] == nil)
    }

    @Test func aSecondDeletionOnlyShortens() throws {
        let store = try ObjectStore.testing()
        try store.createPod("a", node: "node-1", phase: "Running")
        let first = try store.delete(.pod("a"), DeleteOptions(gracePeriodSeconds: 10)).object
        #expect(try store.delete(.pod("a"), DeleteOptions(gracePeriodSeconds: 20)).object == first)
        let shorter = try store.delete(.pod("a"), DeleteOptions(gracePeriodSeconds: 5)).object
        #expect(shorter[path: "metadata", "deletionGracePeriodSeconds"] == 5)
        #expect(shorter.deletionTimestamp == "2023-11-14T22:13:25Z")
    }

    @Test func aNegativeGracePeriodIsOneSecond() throws {
        let store = try ObjectStore.testing()
        try store.createPod("a", node: "node-1", phase: "Running")
        let object = try store.delete(.pod("a"), DeleteOptions(gracePeriodSeconds: -1)).object
        #expect(object[path: "metadata", "deletionGracePeriodSeconds"] == 1)
    }

    @Test func preconditionsAreKept() throws {
        let store = try ObjectStore.testing()
        let object = try store.createConfigMap("a")
        for wrong in [Preconditions(uid: "other"), Preconditions(resourceVersion: "1")] {
            let error = #expect(throws: APIError.self) { try store.delete(.configMap("a"), DeleteOptions(preconditions: wrong)) }
            #expect(error?.reason == "Conflict")
        }
        try store.delete(
            .configMap("a"), DeleteOptions(preconditions: Preconditions(uid: object.uid, resourceVersion: object.resourceVersion)))
        #expect(store[.configMap("a")] == nil)
    }

    @Test func aFinalizerHoldsTheObject() throws {
        let store = try ObjectStore.testing()
        try store.createConfigMap("a", finalizers: ["example.com/hold"])
        try store.delete(.configMap("a"))
        #expect(store[.configMap("a")]?.isBeingDeleted == true)
        try store.modify(.configMap("a")) { $0.finalizers = [] }
        #expect(store[.configMap("a")] == nil)
    }

    @Test func dependentsFollowTheirOwner() throws {
        let store = try ObjectStore.testing()
        let owner = try store.createConfigMap("owner")
        let child = try store.createConfigMap("child", owners: [owner.asOwner()])
        try store.createConfigMap("grandchild", owners: [child.asOwner()])
        try store.createConfigMap("stranger")
        try store.delete(.configMap("owner"))
        #expect(store.list(.configMaps).map(\.name) == ["stranger"])
    }

    @Test func aDependentWithAnotherOwnerStays() throws {
        let store = try ObjectStore.testing()
        let first = try store.createConfigMap("first")
        let second = try store.createConfigMap("second")
        try store.createConfigMap("child", owners: [first.asOwner(), second.asOwner()])
        try store.delete(.configMap("first"))
        #expect(store[.configMap("child")]?.ownerReferences == [second.asOwner()])
    }

    @Test func orphansLoseTheirOwner() throws {
        let store = try ObjectStore.testing()
        let owner = try store.createConfigMap("owner")
        try store.createConfigMap("child", owners: [owner.asOwner()])
        try store.delete(.configMap("owner"), DeleteOptions(propagation: .orphan))
        #expect(store[.configMap("owner")] == nil)
        #expect(store[.configMap("child")]?.ownerReferences == [])
    }

    @Test func aForegroundDeletionWaitsForItsDependents() throws {
        let store = try ObjectStore.testing()
        let owner = try store.createConfigMap("owner")
        try store.createConfigMap("child", owners: [owner.asOwner(blocking: true)], finalizers: ["example.com/hold"])
        try store.delete(.configMap("owner"), DeleteOptions(propagation: .foreground))
        #expect(store[.configMap("owner")]?.finalizers == ["foregroundDeletion"])
        #expect(store[.configMap("child")]?.isBeingDeleted == true)
        try store.modify(.configMap("child")) { $0.finalizers = [] }
        #expect(store.list(.configMaps).isEmpty)
    }

    @Test func aForegroundDeletionOfVanishingDependentsEndsAtOnce() throws {
        let store = try ObjectStore.testing()
        let owner = try store.createConfigMap("owner")
        try store.createConfigMap("child", owners: [owner.asOwner(blocking: true)])
        try store.delete(.configMap("owner"), DeleteOptions(propagation: .foreground))
        #expect(store.list(.configMaps).isEmpty)
    }

    @Test func anObjectOfAVanishedOwnerIsCollected() throws {
        let store = try ObjectStore.testing()
        let owner = try store.createConfigMap("owner")
        try store.delete(.configMap("owner"))
        try store.createConfigMap("late", owners: [owner.asOwner()])
        #expect(store[.configMap("late")] == nil)
    }

    @Test func aNamespaceGoesWithItsContent() throws {
        let store = try ObjectStore.testing()
        try store.create(.namespaces, ["metadata": ["name": "sql"]])
        try store.create(.configMaps, ["metadata": ["name": "a"]], namespace: "sql")
        let pod = try store.create(
            .pods,
            ["metadata": ["name": "p"], "spec": ["nodeName": "node-1", "containers": [["name": "c", "image": "i"]]]], namespace: "sql")
        let key = ObjectKey(.namespaces, name: "sql")
        try store.delete(key)
        #expect(store[key]?[path: "status", "phase"] == "Terminating")
        let error = #expect(throws: APIError.self) { try store.create(.configMaps, ["metadata": ["name": "b"]], namespace: "sql") }
        #expect(error?.code == 403)
        #expect(error?.causes.first?.reason == "NamespaceTerminating")
        var controller = NamespaceController(settling: .seconds(1))
        let content = ObjectFilter(namespace: "sql")
        let deadline = try store.transaction { state in controller.reconcile(&state, at: .seconds(10)) }
        #expect(deadline == .seconds(11))
        #expect(store.list(.configMaps, content).count == 1)
        let none = try store.transaction { state in controller.reconcile(&state, at: .seconds(11)) }
        #expect(none == nil)
        #expect(store.list(.configMaps, content).isEmpty)
        #expect(store[key] != nil)
        try store.delete(ObjectKey(.pods, namespace: "sql", name: "p"), .confirmed(uid: pod.uid))
        #expect(store[key] == nil)
    }

    @Test func aNamespaceThatTheClusterNeedsStays() throws {
        let store = try ObjectStore.testing()
        let error = #expect(throws: APIError.self) { try store.delete(ObjectKey(.namespaces, name: "default")) }
        #expect(error?.code == 403)
    }
}
