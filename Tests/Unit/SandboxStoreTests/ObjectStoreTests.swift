import Foundation
import JSON
import SandboxFixtures
import Testing

@testable import SandboxStore

@Suite struct ObjectStoreTests {
    @Test func aNewObjectIsStamped() throws {
        let store = try ObjectStore.testing()
        let object = try store.createConfigMap("a")
        #expect(object.kind == "ConfigMap")
        #expect(object.apiVersion == "v1")
        #expect(object.namespace == "default")
        #expect(!object.uid.isEmpty)
        #expect(object.creationTimestamp == "2023-11-14T22:13:20Z")
        #expect(object.resourceVersion == String(store.revision))
    }

    @Test func versionsGrowAcrossResources() throws {
        let store = try ObjectStore.testing()
        let first = try store.createConfigMap("a")
        let second = try store.createPod("b")
        #expect(try #require(Int(second.resourceVersion)) > (try #require(Int(first.resourceVersion))))
    }

    @Test func aNameIsMadeFromItsPrefix() throws {
        let store = try ObjectStore.testing()
        let object = try store.create(.configMaps, ["metadata": ["generateName": "web-"]], namespace: "default")
        #expect(object.name == "web-x1")
    }

    @Test func aTakenNameIsRefused() throws {
        let store = try ObjectStore.testing()
        try store.createConfigMap("a")
        let error = #expect(throws: APIError.self) { try store.createConfigMap("a") }
        #expect(error?.code == 409)
        #expect(error?.reason == "AlreadyExists")
        #expect(error?.message == "configmaps \"a\" already exists")
    }

    @Test func anUnknownNamespaceIsRefused() throws {
        let store = try ObjectStore.testing()
        let error = #expect(throws: APIError.self) { try store.create(.configMaps, ["metadata": ["name": "a"]], namespace: "nope") }
        #expect(error?.message == "namespaces \"nope\" not found")
    }

    @Test func aStaleUpdateConflicts() throws {
        let store = try ObjectStore.testing()
        var stale = try store.createConfigMap("a")
        try store.modify(.configMap("a")) { $0["data"] = ["a": "2"] }
        stale["data"] = ["a": "3"]
        let error = #expect(throws: APIError.self) { try store.update(.configMap("a"), to: stale) }
        #expect(error?.code == 409)
        #expect(error?.reason == "Conflict")
        #expect(store[.configMap("a")]?[path: "data", "a"] == "2")
    }

    @Test func anUpdateOfASuccessorConflicts() throws {
        let store = try ObjectStore.testing()
        let first = try store.createConfigMap("a")
        try store.delete(.configMap("a"))
        try store.createConfigMap("a")
        let error = #expect(throws: APIError.self) { try store.modify(.configMap("a"), Preconditions(uid: first.uid)) { $0["data"] = [:] } }
        #expect(error?.code == 409)
    }

    @Test func anUnchangedObjectKeepsItsVersion() throws {
        let store = try ObjectStore.testing()
        let object = try store.createConfigMap("a")
        #expect(try store.update(.configMap("a"), to: object).resourceVersion == object.resourceVersion)
    }

    @Test func systemFieldsCannotBeChanged() throws {
        let store = try ObjectStore.testing()
        var object = try store.createConfigMap("a")
        let uid = object.uid
        object[path: "metadata", "uid"] = nil
        object[path: "metadata", "creationTimestamp"] = "2000-01-01T00:00:00Z"
        object[path: "metadata", "deletionTimestamp"] = "2000-01-01T00:00:00Z"
        let updated = try store.update(.configMap("a"), to: object)
        #expect(updated.uid == uid)
        #expect(updated.creationTimestamp == "2023-11-14T22:13:20Z")
        #expect(!updated.isBeingDeleted)
    }

    @Test func statusAndSpecAreSeparate() throws {
        let store = try ObjectStore.testing()
        var pod = try store.createPod("a")
        pod[path: "status", "phase"] = "Failed"
        pod[path: "metadata", "labels"] = ["x": "y"]
        let updated = try store.update(.pod("a"), to: pod)
        #expect(updated[path: "status", "phase"] == "Pending")
        #expect(updated.labels == ["x": "y"])

        var status = updated
        status[path: "status", "phase"] = "Running"
        status[path: "metadata", "labels"] = [:]
        let changed = try store.updateStatus(.pod("a"), to: status)
        #expect(changed[path: "status", "phase"] == "Running")
        #expect(changed.labels == ["x": "y"])
    }

    @Test func generationCountsChangesOfTheSpecAlone() throws {
        let store = try ObjectStore.testing()
        let key = ObjectKey(.deployments, namespace: "default", name: "web")
        #expect(try store.create(.deployments, Fixture.deployment, namespace: "default").generation == 1)
        #expect(try store.modify(key) { $0[path: "status", "replicas"] = 1 }.generation == 1)
        #expect(try store.modify(key) { $0[path: "metadata", "labels"] = ["a": "b"] }.generation == 1)
        #expect(try store.modify(key) { $0[path: "spec", "replicas"] = 2 }.generation == 2)
    }

    @Test func aDryRunChangesNothing() throws {
        let store = try ObjectStore.testing()
        let before = store.revision
        let object = try store.create(.configMaps, ["metadata": ["name": "a"]], namespace: "default", dryRun: true)
        #expect(!object.uid.isEmpty)
        #expect(store[.configMap("a")] == nil)
        #expect(store.revision == before)
    }

    @Test func aFailedTransactionChangesNothing() throws {
        let store = try ObjectStore.testing()
        let before = store.revision
        #expect(throws: APIError.self) {
            try store.transaction { state throws(APIError) in
                _ = try state.create(.configMaps, ["metadata": ["name": "a"]], namespace: "default")
                throw APIError.badRequest("no")
            }
        }
        #expect(store[.configMap("a")] == nil)
        #expect(store.revision == before)
    }

    @Test func listsAreOrderedAndFiltered() throws {
        let store = try ObjectStore.testing()
        try store.createPod("c", labels: ["app": "web"], node: "node-1")
        try store.createPod("a", labels: ["app": "web"], node: "node-2")
        try store.createPod("b", labels: ["app": "db"], node: "node-1")
        #expect(store.list(.pods).map(\.name) == ["a", "b", "c"])
        let web = try ObjectFilter(labels: LabelSelector(parsing: "app=web"))
        #expect(store.list(.pods, web).map(\.name) == ["a", "c"])
        #expect(store.list(.pods, ObjectFilter(fields: FieldSelector(nodeName: "node-1"))).map(\.name) == ["b", "c"])
        #expect(store.list(.pods, ObjectFilter(namespace: "other")).isEmpty)
    }

    @Test func aListCanBeReadAtAnEarlierVersion() throws {
        let store = try ObjectStore.testing()
        try store.createConfigMap("a")
        try store.createConfigMap("b")
        let then = store.revision
        try store.delete(.configMap("a"))
        try store.modify(.configMap("b")) { $0["data"] = ["a": "2"] }
        try store.createConfigMap("c")
        let past = try store.read { state throws(APIError) in try state.list(.configMaps, .everything, at: then) }
        #expect(past.map(\.name) == ["a", "b"])
        #expect(past.last?[path: "data", "a"] == "1")
    }

    @Test func aNamespaceGetsItsServiceAccount() throws {
        let store = try ObjectStore.testing()
        #expect(store[ObjectKey(.serviceAccounts, namespace: "default", name: "default")] != nil)
    }
}
