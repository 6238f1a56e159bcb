import Foundation
import JSON
import NIOCore
import NIOHTTP1
import SandboxFixtures
import Synchronization
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct APIServiceTests {
    private static let configMaps = "/api/v1/namespaces/default/configmaps"
    private static let tableForm = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    @Test func aListComesInConsistentChunks() async throws {
        let api = try TestAPI()
        for name in ["a", "b", "c", "d", "e"] { try api.store.createConfigMap(name) }
        let first = try await api.send(.GET, "\(Self.configMaps)?limit=2").body
        #expect(first["items"]?.array?.map(\.name) == ["a", "b"])
        #expect(first[path: "metadata", "remainingItemCount"] == 3)
        // Events between the chunks do not show in them.
        try api.store.delete(.configMap("c"))
        try api.store.createConfigMap("bb")
        let token = try #require(first[path: "metadata", "continue"]?.string)
        let second = try await api.send(.GET, "\(Self.configMaps)?limit=2&continue=\(token)").body
        #expect(second["items"]?.array?.map(\.name) == ["c", "d"])
        #expect(second[path: "metadata", "resourceVersion"] == first[path: "metadata", "resourceVersion"])
        let last = try #require(second[path: "metadata", "continue"]?.string)
        let third = try await api.send(.GET, "\(Self.configMaps)?limit=2&continue=\(last)").body
        #expect(third["items"]?.array?.map(\.name) == ["e"])
        #expect(third[path: "metadata", "continue"] == nil)
    }

    @Test func anOldContinueTokenIsGone() async throws {
        let api = try TestAPI(windowCapacity: 4)
        for name in ["a", "b", "c"] { try api.store.createConfigMap(name) }
        let first = try await api.send(.GET, "\(Self.configMaps)?limit=1").body
        for value in 0..<8 { try api.store.modify(.configMap("a")) { $0["data"] = ["a": .string(String(value))] } }
        let token = try #require(first[path: "metadata", "continue"]?.string)
        let answer = try await api.send(.GET, "\(Self.configMaps)?limit=1&continue=\(token)")
        #expect(answer.status == 410)
        #expect(answer.body["reason"] == "Expired")
    }

    @Test func aListFromTheFutureMustWait() async throws {
        let api = try TestAPI()
        let answer = try await api.send(.GET, "\(Self.configMaps)?resourceVersion=999999")
        #expect(answer.status == 504)
        #expect(answer.headers.first(name: "Retry-After") == "1")
    }

    @Test func aWatchWritesOneLineForEachEvent() async throws {
        let api = try TestAPI()
        try api.store.createConfigMap("a")
        let version = api.store.revision
        let lines = try await api.stream("\(Self.configMaps)?watch=true&resourceVersion=\(version)", lines: 2) {
            try api.store.createConfigMap("b")
            try api.store.delete(.configMap("a"))
        }
        #expect(lines.map { $0["type"]?.string } == ["ADDED", "DELETED"])
        #expect(lines.map { $0["object"]?.name } == ["b", "a"])
        #expect(lines[0][path: "object", "kind"] == "ConfigMap")
    }

    @Test func aStreamedListEndsWithABookmark() async throws {
        let api = try TestAPI()
        try api.store.createConfigMap("a")
        let lines = try await api.stream(
            "\(Self.configMaps)?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true", lines: 2)
        #expect(lines.map { $0["type"]?.string } == ["ADDED", "BOOKMARK"])
        #expect(lines[1]["object"]?.annotations == ["k8s.io/initial-events-end": "true"])
    }

    @Test func aWatchThatFallsBehindEndsWithAnError() async throws {
        let api = try TestAPI(windowCapacity: 4)
        try api.store.createConfigMap("a")
        let version = api.store.revision
        for value in 0..<8 { try api.store.modify(.configMap("a")) { $0["data"] = ["a": .string(String(value))] } }
        let answer = try await api.send(.GET, "\(Self.configMaps)?watch=1&resourceVersion=\(version)")
        #expect(answer.status == 410)
    }

    @Test func aWatchEndsAtItsTimeout() async throws {
        let api = try TestAPI()
        let request = APIRequest(method: .GET, uri: "\(Self.configMaps)?watch=1&timeoutSeconds=1&allowWatchBookmarks=true")
        guard case .stream(let body) = await api.service.respond(to: request).body else { throw UnexpectedAnswer("no stream") }
        let lines = Mutex<[JSONValue]>([])
        try await body { bytes in
            guard bytes.readableBytes > 0 else { return }
            let line = try JSONValue(parsing: Data(bytes.readableBytesView))
            lines.withLock { $0.append(line) }
        }
        #expect(lines.withLock { $0.map { $0["type"]?.string } } == ["BOOKMARK"])
    }

    @Test func aTableHasTheColumnsOfItsResource() async throws {
        let api = try TestAPI()
        try api.store.createPod("a", node: "node-1", phase: "Running")
        let table = try await api.send(.GET, "/api/v1/pods", accept: Self.tableForm).body
        #expect(table["kind"] == "Table")
        let columns = try #require(table["columnDefinitions"]?.array)
        #expect(columns.filter { $0["priority"] == 0 }.compactMap { $0["name"]?.string } == ["Name", "Ready", "Status", "Restarts", "Age"])
        #expect(table["rows"]?[0]?["cells"] == ["a", "0/1", "Running", "0", "0s", "<none>", "node-1", "<none>", "<none>"])
        #expect(table["rows"]?[0]?[path: "object", "kind"] == "PartialObjectMetadata")

        let events = try await api.stream("/api/v1/pods?watch=1", lines: 2, accept: Self.tableForm) {
            try api.store.modify(.pod("a")) { $0[path: "status", "phase"] = "Failed" }
        }
        #expect(events.map { $0[path: "object", "kind"]?.string } == ["Table", "Table"])
        #expect(events[0][path: "object", "columnDefinitions"] != nil)
        #expect(events[1][path: "object", "columnDefinitions"] == nil)
        #expect(events[1][path: "object", "rows"]?[0]?["cells"]?[2] == "Failed")
    }

    @Test func anUnknownFieldIsRefusedOnlyWhenAskedFor() async throws {
        let api = try TestAPI()
        let pod: JSONValue = ["metadata": ["name": "a"], "spec": ["containers": [["name": "c", "image": "i", "imagee": "x"]]]]
        let uri = "/api/v1/namespaces/default/pods"
        let strict = try await api.send(.POST, "\(uri)?fieldValidation=Strict", pod)
        #expect(strict.status == 400)
        #expect(strict.body["message"]?.string?.contains(#"strict decoding error: unknown field "spec.containers[0].imagee""#) == true)
        let warned = try await api.send(.POST, uri, pod)
        #expect(warned.status == 201)
        #expect(warned.headers.first(name: "Warning") == #"299 - "unknown field \"spec.containers[0].imagee\"""#)
    }

    @Test(
        arguments: [
            ("/api/v1/nonsense", 404), ("/apis/apps/v2/deployments", 404), ("/api/v1/pods/a", 404),
            ("/api/v1/namespaces/default/pods/a", 404), ("/api/v1/namespaces/default/nodes", 404), ("/nonsense", 404),
            ("/api/v1/pods?labelSelector=%3D", 400), ("/api/v1/pods?fieldSelector=a%3Db", 400), ("/api/v1/pods?limit=x", 400),
            ("/api/v1/pods?resourceVersion=x", 400), ("/api/v1/pods?continue=x", 400),
            ("/api/v1/namespaces/default/pods/a/portforward", 400),
        ])
    func aWrongRequestIsAnsweredWithAStatus(uri: String, code: Int) async throws {
        let answer = try await TestAPI().send(.GET, uri)
        #expect(answer.status == code)
        #expect(answer.body["kind"] == "Status")
        #expect(answer.body["code"] == .integer(Int64(code)))
    }

    @Test func whatCannotBeServedIsSaid() async throws {
        let api = try TestAPI()
        #expect(try await api.send(.GET, "/api/v1/pods", accept: "application/vnd.kubernetes.protobuf").status == 406)
        #expect(try await api.send(.POST, Self.configMaps, [:], type: "application/cbor").status == 415)
        #expect(try await api.send(.POST, Self.configMaps, ["kind": "Secret"]).status == 400)
        #expect(try await api.send(.POST, "\(Self.configMaps)?dryRun=Some", ["metadata": ["name": "a"]]).status == 422)
        #expect(try await api.send(.DELETE, "/api/v1/namespaces").status == 405)
    }

    @Test func aDeletionSaysWhatBecameOfTheObject() async throws {
        let api = try TestAPI()
        let object = try api.store.createConfigMap("a")
        let gone = try await api.send(.DELETE, "\(Self.configMaps)/a").body
        #expect(gone["status"] == "Success")
        #expect(gone["details"] == ["name": "a", "kind": "configmaps", "uid": .string(object.uid)])
        try api.store.createPod("p", node: "node-1", phase: "Running")
        let pending = try await api.send(.DELETE, "/api/v1/namespaces/default/pods/p", ["gracePeriodSeconds": 5]).body
        #expect(pending["kind"] == "Pod")
        #expect(pending[path: "metadata", "deletionGracePeriodSeconds"] == 5)
        let wrong = try await api.send(.DELETE, "/api/v1/namespaces/default/pods/p", ["preconditions": ["uid": "other"]])
        #expect(wrong.status == 409)
    }

    @Test func aCollectionIsDeletedBySelector() async throws {
        let api = try TestAPI()
        try api.store.createPod("a", labels: ["app": "web"])
        try api.store.createPod("b")
        let answer = try await api.send(.DELETE, "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb")
        #expect(answer.body["items"]?.array?.map(\.name) == ["a"])
        #expect(api.store.list(.pods).map(\.name) == ["b"])
    }

    @Test func scaleChangesTheReplicas() async throws {
        let api = try TestAPI()
        try api.store.create(.deployments, Fixture.deployment, namespace: "default")
        let uri = "/apis/apps/v1/namespaces/default/deployments/web/scale"
        let scale = try await api.send(.GET, uri).body
        #expect(scale["spec"] == ["replicas": 1])
        #expect(scale[path: "status", "selector"] == "app=web")
        let patched = try await api.send(.PATCH, uri, ["spec": ["replicas": 3]], type: "application/merge-patch+json")
        #expect(patched.body["spec"] == ["replicas": 3])
        #expect(try await api.send(.PUT, uri, scale).status == 409)
    }

    @Test func eventsAreServedInBothForms() async throws {
        let api = try TestAPI()
        let event: JSONValue = [
            "metadata": ["name": "e"], "regarding": ["kind": "Pod", "name": "a"], "note": "hello", "reason": "Why",
        ]
        #expect(try await api.send(.POST, "/apis/events.k8s.io/v1/namespaces/default/events", event).status == 201)
        let core = try await api.send(.GET, "/api/v1/namespaces/default/events/e").body
        #expect(core["message"] == "hello")
        #expect(core[path: "involvedObject", "name"] == "a")
        let list = try await api.send(.GET, "/apis/events.k8s.io/v1/events").body
        #expect(list["items"]?[0]?["note"] == "hello")
    }
}
