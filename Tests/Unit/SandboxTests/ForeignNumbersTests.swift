import Foundation
import JSON
import NIOCore
import NIOHTTP1
import SandboxFixtures
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// Values from outside: none may end the sandbox, exhaust the memory, or get past admission as a number that the types do not have.
@Suite struct ForeignNumbersTests {
    private static let podSpec: JSONValue = [
        "terminationGracePeriodSeconds": 30, "activeDeadlineSeconds": 5, "tolerations": [["operator": "Exists", "tolerationSeconds": 5]],
        "containers": [
            [
                "name": "c", "image": "i", "ports": [["containerPort": 1433]],
                "resources": ["limits": ["cpu": "1"]],
                "readinessProbe": ["tcpSocket": ["port": 1433], "periodSeconds": 10],
            ]
        ], "securityContext": ["fsGroup": 1], "volumes": [["name": "v", "emptyDir": ["sizeLimit": "1Gi"]]],
    ]
    private static let template: JSONValue = ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]]]

    private static let samples: [(ResourceType, JSONValue)] = {
        let selector: JSONValue = ["matchLabels": ["a": "b"]]
        return [
            (.pods, ["metadata": ["name": "x"], "spec": podSpec]),
            (
                .deployments,
                [
                    "metadata": ["name": "x"],
                    "spec": [
                        "replicas": 2, "selector": selector, "template": template, "revisionHistoryLimit": 3,
                        "strategy": ["rollingUpdate": ["maxSurge": "25%", "maxUnavailable": 1]], "progressDeadlineSeconds": 9,
                    ],
                ]
            ),
            (.replicaSets, ["metadata": ["name": "x"], "spec": ["replicas": 2, "selector": selector, "template": template]]),
            (
                .statefulSets,
                [
                    "metadata": ["name": "x"],
                    "spec": [
                        "replicas": 2, "selector": selector, "template": template, "serviceName": "s", "ordinals": ["start": 1],
                        "podManagementPolicy": "Parallel", "updateStrategy": ["rollingUpdate": ["partition": 1]], "revisionHistoryLimit": 1,
                        "volumeClaimTemplates": [
                            [
                                "metadata": ["name": "d"],
                                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                            ]
                        ],
                    ],
                ]
            ),
            (.daemonSets, ["metadata": ["name": "x"], "spec": ["selector": selector, "template": template]]),
            (
                .services,
                [
                    "metadata": ["name": "x"],
                    "spec": [
                        "type": "NodePort", "selector": ["a": "b"], "ports": [["port": 80, "targetPort": 1433, "nodePort": 30001]],
                        "healthCheckNodePort": 1,
                    ],
                ]
            ),
            (
                .endpointSlices,
                [
                    "metadata": ["name": "x", "labels": ["kubernetes.io/service-name": "x"]], "addressType": "IPv4",
                    "endpoints": [["addresses": ["127.0.0.1"]]], "ports": [["port": 80]],
                ]
            ),
            (.podDisruptionBudgets, ["metadata": ["name": "x"], "spec": ["minAvailable": "50%", "selector": selector]]),
            (
                .persistentVolumeClaims,
                [
                    "metadata": ["name": "x"],
                    "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
                ]
            ),
            (.persistentVolumes, ["metadata": ["name": "x"], "spec": ["capacity": ["storage": "1Gi"], "accessModes": ["ReadWriteOnce"]]]),
            (.leases, ["metadata": ["name": "x"], "spec": ["leaseDurationSeconds": 15, "leaseTransitions": 1]]),
            (.nodes, ["metadata": ["name": "x"], "status": ["allocatable": ["cpu": "1", "pods": 110]]]),
        ]
    }()

    private static let foreign: [JSONValue] = [
        .integer(.max), .integer(.min), -1, 99_999, .double(1e30), "9223372036854775807%", "9999999999999999999999999999Ei", .null, [5],
        ["x": 1],
    ]

    /// Every path of a value that is neither a list nor an object, and of those that are.
    private static func paths(_ value: JSONValue, _ path: [String] = []) -> [[String]] {
        var result = path.isEmpty ? [] : [path]
        for (key, member) in value.object ?? [:] where key != "name" || path != ["metadata"] { result += paths(member, path + [key]) }
        for (index, element) in (value.array ?? []).enumerated() { result += paths(element, path + [String(index)]) }
        return result
    }

    private static func set(_ value: JSONValue, at path: ArraySlice<String>, to new: JSONValue) -> JSONValue {
        guard let first = path.first else { return new }
        if var elements = value.array, let index = Int(first) {
            elements[index] = set(elements[index], at: path.dropFirst(), to: new)
            return .array(elements)
        }
        var object = value
        object[first] = set(value[first] ?? .null, at: path.dropFirst(), to: new)
        return object
    }

    /// Every field of every kind with every foreign value: created, reconciled by all controllers, updated, deleted. Nothing may trap.
    @Test(arguments: samples.indices) func noForeignValueEndsTheSandbox(sample: Int) throws {
        let (type, good) = Self.samples[sample]
        for path in Self.paths(good) {
            var plane = try ControlPlane()
            let namespace = plane.store.registry[type]?.isNamespaced == true ? "default" : ""
            // So many replicas are another test's.
            for value in Self.foreign where value != 99_999 || path.last != "replicas" {
                let object = Self.set(good, at: path[...], to: value)
                // A service port that is taken, and so on, is another matter: each begins with an empty cluster.
                guard (try? plane.store.create(type, object, namespace: namespace)) != nil else { continue }
                try plane.step()
                _ = ProxyTable(try plane.store.read { $0 })
                let key = ObjectKey(type, namespace: namespace, name: "x")
                _ = try? plane.store.update(key, to: good)
                try plane.step()
                _ = TableForm(type).table(plane.store.list(type), includeObject: nil, at: Date())
                for type in [type, .replicaSets, .pods, .persistentVolumeClaims, .events, .controllerRevisions] {
                    for left in plane.store.list(type) {
                        let key = ObjectKey(type, namespace: left.namespace, name: left.name)
                        _ = try? plane.store.modify(key) { $0.finalizers = [] }
                        _ = try? plane.store.delete(key, DeleteOptions(gracePeriodSeconds: 0))
                    }
                }
            }
        }
    }

    @Test(arguments: ["replicas", "revisionHistoryLimit", "minReadySeconds", "progressDeadlineSeconds"])
    func aNumberBeyond32BitsIsInvalid(field: String) throws {
        let store = try ObjectStore.testing()
        var deployment = Self.samples[1].1
        for value: JSONValue in [.integer(.max), .integer(1 << 31), .double(1e30), .double(0.5)] {
            deployment[path: "spec", field] = value
            let error = #expect(throws: APIError.self) { try store.create(.deployments, deployment, namespace: "default") }
            #expect(error?.code == 422 && error?.message.contains("spec.\(field): Invalid value: ") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aQuantityMayBeOfAnySize() throws {
        #expect(Quantity("1.5Gi")?.thousandths == 1_610_612_736_000)
        #expect(Quantity("100m")?.thousandths == 100)
        #expect(Quantity(.double(0.1))?.thousandths == 100)
        #expect(Quantity("1e3") == Quantity("1k"))
        #expect(Quantity("1n")?.thousandths == 1)
        #expect(Quantity("99999999999999999999Ei") == Quantity("8Ei").map { _ in Quantity(thousandths: Int128(Int64.max) * 1000) })
        for wrong in ["", "1.2.3", "Gi", "1 Gi", "1Xi", "nan", "inf", "1e", "--1"] { #expect(Quantity(.string(wrong)) == nil, "\(wrong)") }
        #expect(Quantity("2048Mi")?.text(isBinary: true) == "2Gi")
        #expect(Quantity("1500m")?.text(isBinary: false) == "1500m")
    }

    @Test(
        arguments: [
            "limit=9223372036854775807", "watch=true&timeoutSeconds=9223372036854775807", "watch=true&timeoutSeconds=-9223372036854775808",
            "resourceVersion=9223372036854775807", "resourceVersion=99999999999999999999", "limit=-9223372036854775808",
        ])
    func noQueryNumberEndsTheSandbox(query: String) async throws {
        let api = try TestAPI()
        let response = await api.service.respond(
            to: APIRequest(method: .GET, uri: "/api/v1/namespaces/default/configmaps?\(query)", headers: [:]))
        #expect([200, 400, 504].contains(response.status))
        guard case .stream(let body) = response.body else { return }
        let task = Task { try await body { _ in } }
        task.cancel()
        _ = await task.result
    }

    @Test func manyValuesAreRefusedBeforeTheyAreDecoded() async throws {
        let api = try TestAPI()
        let list = Array(repeating: "1", count: 100_000).joined(separator: ",")
        let texts = [
            #"{"metadata":{"name":"a"},"data":[\#(list)]}"#, String(repeating: "[", count: 100_000),
            #"{"metadata":{"name":"a"},"data":\#(String(repeating: #"{"a":"#, count: 200))1\#(String(repeating: "}", count: 200))}"#,
        ]
        for text in texts {
            let request = APIRequest(
                method: .POST, uri: "/api/v1/namespaces/default/configmaps", headers: ["Content-Type": "application/json"],
                body: ByteBuffer(string: text))
            #expect([400, 413].contains(await api.service.respond(to: request).status))
        }
    }

    @Test func copiesOfCopiesAreCounted() async throws {
        let api = try TestAPI()
        try api.store.createConfigMap("a")
        var patch: [JSONValue] = [["op": "add", "path": "/data/a", "value": ["x": "y"]]]
        for step in 0..<64 { patch.append(["op": "copy", "from": "/data", "path": .string("/data/\(step)")]) }
        let answer = try await api.send(
            .PATCH, "/api/v1/namespaces/default/configmaps/a", .array(patch), type: "application/json-patch+json")
        #expect(answer.status == 413)
    }

    @Test(arguments: [
        "a: &a [x,x]\n" + (0..<40).map { "b\($0): &b\($0) [*\($0 == 0 ? "a" : "b\($0 - 1)"),*\($0 == 0 ? "a" : "b\($0 - 1)")]\n" }.joined(),
        "a: [b", "a: " + String(repeating: "[", count: 50_000),
    ])
    func aManifestThatCannotBeReadIsRefused(yaml: String) {
        #expect(throws: SandboxError.self) { try Manifest.objects(yaml: "apiVersion: v1\nkind: ConfigMap\n" + yaml, source: "x") }
    }

    @Test func noNumberOfPodsOrEventsIsTooMuch() throws {
        var plane = try ControlPlane()
        try plane.store.create(
            .statefulSets,
            [
                "metadata": ["name": "x"],
                "spec": [
                    "replicas": .integer(Int64(Int32.max)), "podManagementPolicy": "Parallel", "selector": ["matchLabels": ["a": "b"]],
                    "template": ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "i"]]]],
                ],
            ], namespace: "default")
        try plane.step()
        #expect(plane.store.list(.pods).count == ObjectLimits.pods)
        #expect(plane.store.list(.events).count <= ObjectLimits.events)
        #expect(plane.store.list(.events).contains { $0["message"]?.string?.contains("at most \(ObjectLimits.pods) pods") == true })
    }
}
