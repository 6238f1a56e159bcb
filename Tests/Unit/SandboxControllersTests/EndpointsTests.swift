import JSON
import SandboxFixtures
import Testing

@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

@Suite struct EndpointsTests {
    private func pod(_ name: String, _ port: Int64, labels: [String: String] = [:]) -> JSONValue {
        [
            "metadata": ["name": .string(name), "labels": JSONValue(strings: ["app": "db"].merging(labels) { $1 })],
            "spec": ["containers": [["name": "c", "image": "i", "ports": [["name": "sql", "containerPort": .integer(port)]]]]],
        ]
    }

    private func service(_ selector: [String: String]) -> JSONValue {
        [
            "metadata": ["name": "db"],
            "spec": ["selector": JSONValue(strings: selector), "ports": [["name": "tds", "port": 1433, "targetPort": "sql"]]],
        ]
    }

    private func slices(_ plane: ControlPlane) -> [JSONValue] { plane.store.list(.endpointSlices) }

    @Test func aNamedPortMayDifferFromPodToPod() throws {
        var plane = try ControlPlane()
        try plane.store.create(.services, service(["app": "db"]), namespace: "default")
        try plane.store.create(.pods, pod("a", 1433), namespace: "default")
        try plane.store.create(.pods, pod("b", 2433), namespace: "default")
        try plane.settle()
        #expect(Set(slices(plane).map { $0["ports"]?[0]?["port"]?.integer }) == [1433, 2433])
        #expect(slices(plane).allSatisfy { $0["endpoints"]?.array?.count == 1 })
        let table = ProxyTable(try plane.store.read { $0 })
        #expect(table.backends.values.first?.map(\.port).sorted() == [1433, 2433])
        // One workload goes, and its slice with it.
        try plane.store.delete(.pod("b"))
        try plane.settle()
        #expect(slices(plane).map { $0["ports"]?[0]?["port"]?.integer } == [1433])
        let subsets = plane.store[ObjectKey(.endpoints, namespace: "default", name: "db")]?["subsets"]?.array
        #expect(subsets?.count == 1)
    }

    @Test func aServiceMaySelectOnePodByItsName() throws {
        var plane = try ControlPlane()
        try plane.store.create(.services, service(["statefulset.kubernetes.io/pod-name": "db-0"]), namespace: "default")
        let set: JSONValue = [
            "metadata": ["name": "db"],
            "spec": [
                "replicas": 2, "serviceName": "db", "selector": ["matchLabels": ["app": "db"]],
                "template": ["metadata": ["labels": ["app": "db"]], "spec": pod("x", 1433)["spec"] ?? [:]],
            ],
        ]
        try plane.store.create(.statefulSets, set, namespace: "default")
        try plane.settle()
        let endpoints = slices(plane).flatMap { $0["endpoints"]?.array ?? [] }
        #expect(endpoints.map { $0[path: "targetRef", "name"]?.string } == ["db-0"])
    }

    @Test func endpointsByHandAreMirrored() throws {
        var plane = try ControlPlane()
        try plane.store.create(
            .services, ["metadata": ["name": "db"], "spec": ["ports": [["port": 1433]]]], namespace: "default")
        try plane.store.create(
            .endpoints,
            ["metadata": ["name": "db"], "subsets": [["addresses": [["ip": "127.0.0.9"]], "ports": [["port": 1433]]]]],
            namespace: "default")
        try plane.settle()
        #expect(slices(plane).map { $0["endpoints"]?[0]?["addresses"] } == [["127.0.0.9"]])
        let table = ProxyTable(try plane.store.read { $0 })
        #expect(table.backends.values.first?.map(\.address) == ["127.0.0.9"])
    }

    @Test func slicesByHandStay() throws {
        var plane = try ControlPlane()
        try plane.store.create(.services, ["metadata": ["name": "db"], "spec": ["ports": [["port": 1433]]]], namespace: "default")
        let slice: JSONValue = [
            "metadata": ["name": "mine", "labels": ["kubernetes.io/service-name": "db"]], "addressType": "IPv4",
            "endpoints": [["addresses": ["127.0.0.9"]]], "ports": [["port": 1433]],
        ]
        try plane.store.create(.endpointSlices, slice, namespace: "default")
        try plane.settle()
        #expect(slices(plane).map(\.name) == ["mine"])
        #expect(ProxyTable(try plane.store.read { $0 }).backends.values.first?.map(\.address) == ["127.0.0.9"])
    }

    @Test func whoeverPublishesPodsThatAreNotReadyGetsThem() throws {
        var plane = try ControlPlane()
        var unready = service(["app": "db"])
        unready[path: "spec", "publishNotReadyAddresses"] = true
        try plane.store.create(.services, unready, namespace: "default")
        try plane.store.create(.pods, pod("a", 1433), namespace: "default")
        try plane.settle()
        try plane.store.modify(.pod("a")) { $0.updateCondition("Ready", "False", nil, nil, at: "now") }
        _ = try plane.store.transaction { state in
            var controller = EndpointsController()
            return controller.reconcile(&state, at: .zero)
        }
        let conditions = slices(plane)[0]["endpoints"]?[0]?["conditions"]
        #expect(conditions?["ready"] == true && conditions?["serving"] == false)
    }
}
