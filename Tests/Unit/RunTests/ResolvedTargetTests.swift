import JSON
import Kubernetes
import Testing

@testable import Run

@Suite struct ResolvedTargetTests {
    private static let server: JSONValue = ["name": "sql", "ports": [["name": "tds", "containerPort": 1433]]]
    private static let exporter: JSONValue = ["name": "exporter", "ports": [["name": "metrics", "containerPort": 9399]]]
    private static let shipper: JSONValue = ["name": "shipper"]

    private func pod(_ name: String, isReady: Bool = true, containers: [JSONValue] = [server]) throws -> Pod {
        let manifest: JSONValue = [
            "metadata": ["name": .string(name), "namespace": "sql", "uid": .string("uid-\(name)")],
            "spec": ["containers": .array(containers)],
            "status": ["conditions": [["type": "Ready", "status": isReady ? "True" : "False"]]],
        ]
        return try manifest.decode()
    }

    private func target(
        _ pods: [Pod], backends: [Backend] = [], reported: Int? = 1, targetPort: IntOrString? = nil, container: String? = nil
    ) throws -> ResolvedTarget {
        let service: JSONValue = ["metadata": ["name": "sql", "namespace": "sql"], "spec": ["clusterIP": "10.96.0.9"]]
        var port: JSONValue = ["port": 1433]
        port["targetPort"] = try targetPort.map { try JSONValue(encoding: $0) }
        return ResolvedTarget(
            namespace: "sql",
            workload: Workload(
                name: "deployment/sql", lockName: "sql", pods: .init(labels: "app=sql"), desiredReplicas: 1, readyReplicas: reported),
            pods: pods, service: try service.decode(), servicePort: try port.decode(), backends: backends,
            host: "10.96.0.9", namedContainer: container)
    }

    private func backend(_ pod: String, isReady: Bool = true) -> Backend {
        Backend(addresses: ["10.0.0.\(pod.count)"], pod: pod, podUID: "uid-\(pod)", isReady: isReady)
    }

    @Test func endpointsThatDoNotFollowThePodsAreSaid() throws {
        var found = try target([pod("a")], backends: [backend("a")])
        #expect(found.endpointsByHand == "Service sql has no selector")
        found.service.spec.selector = ["app": "sql"]
        #expect(found.endpointsByHand == nil)
        found.backends[0].isForeign = true
        #expect(found.endpointsByHand == "the EndpointSlice by which Service sql leads to pod a is not written by Kubernetes")
    }

    /// A workload's status lags behind its pods: of a node that was just taken for lost they are not ready, and it does not know yet.
    @Test(arguments: [(true, 1, 1), (false, 1, 0), (true, 0, 0)])
    func aReplicaIsReadyOnlyIfTheWorkloadAndItsPodSaySo(isPodReady: Bool, reported: Int, ready: Int) throws {
        #expect(try target([pod("a", isReady: isPodReady)], reported: reported).readyReplicas == ready)
    }

    @Test func theServingPodIsTheOneBehindTheAddress() throws {
        let pods = [try pod("a"), try pod("b")]
        #expect(try target(pods, backends: [backend("b")]).servingPods.map(\.metadata.name) == ["b"])
        #expect(try target(pods, backends: [backend("a", isReady: false)]).servingPods.isEmpty)
        #expect(try target(pods, backends: [backend("a", isReady: false)]).isAwaitingEndpoint)
    }

    /// A port number may be there twice, once for each protocol; SQL Server's browser service has a UDP port beside it.
    @Test(
        arguments: [
            ([("browser", 1434, "UDP"), ("tds", 31433, "TCP")], nil, "tds"),
            ([("udp", 1433, "UDP"), ("tcp", 1433, "TCP")], "1433", "tcp"),
            ([("metrics", 9399, nil), ("tds", 1433, nil)], nil, "tds"), ([("a", 1, nil), ("b", 2, nil)], "b", "b"),
        ] as [([(String, Int, String?)], String?, String)])
    func aPortOfTheOtherProtocolIsNone(_ ports: [(String, Int, String?)], _ wanted: String?, _ found: String) throws {
        #expect(try service(ports).probedPort(wanted).name == found)
    }

    @Test(
        arguments: [
            ([("udp", 1433, "UDP")], nil, "Service sql has no TCP port"), ([], nil, "Service sql has no ports"),
            ([("udp", 1433, "UDP"), ("a", 1, nil)], "udp", "Service sql has no port 'udp'"),
            ([("a", 1, nil), ("b", 2, nil)], nil, "Service sql has 2 ports, none of them 1433"),
        ] as [([(String, Int, String?)], String?, String)])
    func aServiceWithoutThePortIsRefused(_ ports: [(String, Int, String?)], _ wanted: String?, _ words: String) throws {
        let error = #expect(throws: TargetError.self) { try service(ports).probedPort(wanted) }
        #expect(error?.message.hasPrefix(words) == true, "\(error?.message ?? "")")
    }

    private func service(_ ports: [(name: String, number: Int, protocol: String?)]) throws -> Service {
        let list = ports.map { port -> JSONValue in
            var value: JSONValue = ["name": .string(port.name), "port": .integer(Int64(port.number))]
            value["protocol"] = port.protocol.map(JSONValue.string)
            return value
        }
        let manifest: JSONValue = ["metadata": ["name": "sql", "namespace": "sql"], "spec": ["ports": .array(list)]]
        return try manifest.decode()
    }

    @Test func severalServersBehindTheAddressAreRefusedByName() throws {
        let ambiguity = try target([pod("a")], backends: [backend("a"), backend("other")]).ambiguity
        #expect(ambiguity?.message.contains("pod a, pod other") == true)
        #expect(try target([pod("a")], backends: [backend("a"), backend("other", isReady: false)]).ambiguity == nil)
    }

    @Test func aServerOfAnotherWorkloadIsRefused() throws {
        let ambiguity = try target([pod("a")], backends: [backend("other")]).ambiguity
        #expect(ambiguity?.message.contains("leads to pod other, which does not belong to deployment/sql") == true)
    }

    @Test(arguments: [IntOrString.int(1433), .string("tds"), .string("1433"), nil])
    func theContainerIsTheOneWithTheTargetPort(targetPort: IntOrString?) throws {
        for containers in [[Self.exporter, Self.server], [Self.server, Self.exporter], [Self.shipper, Self.server]] {
            let pod = try pod("a", containers: containers)
            #expect(try target([pod], targetPort: targetPort).container(of: pod).name == "sql")
        }
    }

    @Test func aSingleContainerNeedsNoDeclaredPort() throws {
        let pod = try pod("a", containers: [["name": "only"]])
        #expect(try target([pod]).container(of: pod).name == "only")
    }

    @Test func aContainerIsNeverGuessed() throws {
        for containers in [[Self.shipper, ["name": "sql"]], [Self.server, ["name": "copy", "ports": [["containerPort": 1433]]]]] {
            let pod = try pod("a", containers: containers)
            let error = #expect(throws: TargetError.self) { try target([pod]).container(of: pod) }
            #expect(error?.hint?.contains("spec.target.container") == true)
            #expect(try target([pod], container: containers[1]["name"]?.string).container(of: pod).name == containers[1]["name"]?.string)
        }
        let pod = try pod("a")
        #expect(throws: TargetError.self) { try target([pod], container: "nobody").container(of: pod) }
    }

    @Test func anOwnersPodsAreItsOwn() throws {
        var pod = try pod("a")
        let pods = Workload.Pods(owner: Workload.Owner(kind: "sqlserver", name: "prod"))
        #expect(!pods.contains(pod))
        let owner: JSONValue = [["apiVersion": "db/v1", "kind": "SQLServer", "name": "prod", "uid": "u"]]
        pod.metadata.ownerReferences = try owner.decode()
        #expect(pods.contains(pod))
    }
}
