import JSON
import Kubernetes
import Testing

@testable import Run

@Suite struct BackendTests {
    private func slices(_ json: JSONValue) throws -> [EndpointSlice] { try json.decode() }

    private func endpoint(_ address: String, pod: String?, _ conditions: JSONValue = [:]) -> JSONValue {
        var endpoint: JSONValue = ["addresses": [.string(address)], "conditions": conditions]
        if let pod { endpoint["targetRef"] = ["kind": "Pod", "name": .string(pod), "uid": .string("uid-\(pod)")] }
        return endpoint
    }

    private func slice(_ endpoints: [JSONValue], ports: JSONValue = [["name": "", "port": 1433]], type: String = "IPv4") -> JSONValue {
        ["metadata": ["name": "s"], "addressType": .string(type), "endpoints": .array(endpoints), "ports": ports]
    }

    @Test func aPodOfTwoAddressFamiliesIsOneBackend() throws {
        let found = Backend.all(
            try slices([slice([endpoint("10.0.0.1", pod: "a")]), slice([endpoint("fd00::1", pod: "a")], type: "IPv6")]), port: "")
        #expect(found.map(\.name) == ["pod a"])
        #expect(found.first?.addresses == ["10.0.0.1", "fd00::1"])
    }

    @Test func onlyThePortThatIsProbedCounts() throws {
        let all = try slices([
            slice([endpoint("10.0.0.1", pod: "a")], ports: [["name": "tds", "port": 1433]]),
            slice([endpoint("10.0.0.2", pod: "b")], ports: [["name": "metrics", "port": 9399]]),
        ])
        #expect(Backend.all(all, port: "tds").map(\.name) == ["pod a"])
    }

    /// A slice that somebody wrote by hand, or an operator, stays as it is when the pod is another one.
    @Test(arguments: [
        ("endpointslice-controller.k8s.io", false), ("endpointslicemirroring-controller.k8s.io", true), ("me", true), (nil, true),
    ])
    func onlyKubernetesOwnSlicesFollowThePods(manager: String?, isForeign: Bool) throws {
        var written = slice([endpoint("10.0.0.1", pod: "a")])
        if let manager { written["metadata"] = ["name": "s", "labels": ["endpointslice.kubernetes.io/managed-by": .string(manager)]] }
        #expect(Backend.all(try slices([written]), port: "").map(\.isForeign) == [isForeign])
    }

    @Test func noConditionMeansReady() throws {
        let found = Backend.all(
            try slices([slice([endpoint("10.0.0.1", pod: "a"), endpoint("10.0.0.2", pod: "b", ["ready": false])])]), port: "")
        #expect(found.map(\.isReady) == [true, false])
    }

    @Test func anAddressWithoutAPodIsFoundByThePodsOwn() throws {
        let endpoints: JSONValue = [
            "metadata": ["name": "s"], "subsets": [["addresses": [["ip": "10.0.0.1"]], "notReadyAddresses": [["ip": "10.0.0.2"]]]],
        ]
        let found = Backend.all(try endpoints.decode() as Endpoints, port: "")
        #expect(found.map(\.isReady) == [true, false])
        let pod: JSONValue = ["metadata": ["name": "a", "uid": "u"], "spec": ["containers": []], "status": ["podIP": "10.0.0.1"]]
        #expect(try found.map { $0.leads(to: try pod.decode()) } == [true, false])
    }
}
