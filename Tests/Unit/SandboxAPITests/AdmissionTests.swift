import Foundation
import JSON
import SandboxFixtures
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct AdmissionTests {
    private let claim: JSONValue = [
        "metadata": ["name": "data"],
        "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
    ]

    @Test func aPodGetsItsDefaults() throws {
        let pod = try ObjectStore.testing().createPod("a")
        let spec = try #require(pod["spec"])
        #expect(spec["restartPolicy"] == "Always")
        #expect(spec["terminationGracePeriodSeconds"] == 30)
        #expect(spec["serviceAccountName"] == "default")
        #expect(spec["containers"]?[0]?["imagePullPolicy"] == "IfNotPresent")
        #expect(pod[path: "status", "phase"] == "Pending")
        #expect(pod[path: "status", "qosClass"] == "BestEffort")
        #expect(pod[path: "metadata", "generation"] == nil)
        let tolerations = spec["tolerations"]?.array ?? []
        #expect(tolerations.compactMap { $0["key"]?.string } == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        #expect(tolerations.allSatisfy { $0["tolerationSeconds"] == .integer(SandboxProfile.fast.defaultTolerationSeconds) })
    }

    @Test func aPodsOwnTolerationWins() throws {
        let own: JSONValue = [
            "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 77,
        ]
        let pod = try ObjectStore.testing().create(
            .pods,
            ["metadata": ["name": "a"], "spec": ["tolerations": [own], "containers": [["name": "c", "image": "i"]]]], namespace: "default")
        let tolerations = pod[path: "spec", "tolerations"]?.array ?? []
        #expect(tolerations.count == 2)
        #expect(tolerations.contains(own))
    }

    @Test(
        arguments: [
            (nil, nil, "BestEffort"), ("1", "1", "Guaranteed"), ("1", nil, "Burstable"), ("2", "1", "Burstable"),
        ] as [(String?, String?, String)])
    func theQualityOfServiceFollowsTheResources(limit: String?, request: String?, quality: String) {
        var container: JSONValue = ["name": "c", "image": "i", "resources": [:]]
        for resource in ["cpu", "memory"] {
            container[path: "resources", "limits", resource] = limit.map(JSONValue.string)
            container[path: "resources", "requests", resource] = request.map(JSONValue.string)
        }
        #expect((["spec": ["containers": .array([container])]] as JSONValue).qualityOfService == quality)
    }

    @Test func aServiceGetsAnAddressForLife() throws {
        let store = try ObjectStore.testing()
        let service: JSONValue = ["metadata": ["name": "web"], "spec": ["type": "LoadBalancer", "ports": [["port": 80]]]]
        let created = try store.create(.services, service, namespace: "default")
        let address = try #require(created[path: "spec", "clusterIP"]?.string)
        #expect(address.hasPrefix("127.96."))
        #expect(created[path: "spec", "ports"]?[0]?["targetPort"] == 80)
        let nodePort = created[path: "spec", "ports"]?[0]?["nodePort"]
        #expect(nodePort?.integer.map { (30000...32767).contains($0) } == true)
        // A client that sends its manifest again names no address.
        let updated = try store.update(ObjectKey(.services, namespace: "default", name: "web"), to: service)
        #expect(updated[path: "spec", "clusterIP"]?.string == address)
        #expect(updated[path: "spec", "ports"]?[0]?["nodePort"] == nodePort)
        var other = service
        other[path: "metadata", "name"] = "other"
        #expect(try store.create(.services, other, namespace: "default")[path: "spec", "clusterIP"]?.string != address)
        #expect(throws: APIError.self) {
            try store.modify(ObjectKey(.services, namespace: "default", name: "web")) { $0[path: "spec", "clusterIP"] = "127.96.9.9" }
        }
    }

    /// As a cluster answers that is not configured for two address families.
    @Test(
        arguments: [
            (["ipFamilyPolicy": "RequireDualStack"], "not configured for dual-stack"), (["ipFamilies": ["IPv6"]], "not configured on this"),
            (["ipFamilies": ["IPv4", "IPv6"]], "spec.ipFamilies[1]"), (["ipFamilyPolicy": "Both"], "supported values"),
            (["ipFamilyPolicy": "PreferDualStack"], nil), (["ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]], nil),
        ] as [(JSONValue, String?)])
    func aSecondAddressFamilyIsRefused(spec: JSONValue, refused: String?) throws {
        var service: JSONValue = ["metadata": ["name": "web"], "spec": spec]
        service[path: "spec", "ports"] = [["port": 80]]
        do {
            _ = try ObjectStore.testing().create(.services, service, namespace: "default")
            #expect(refused == nil)
        } catch let error as APIError {
            #expect(error.code == 422)
            #expect(error.message.contains(refused ?? "nothing"), "\(error.message)")
        }
    }

    @Test func aHeadlessServiceHasNoAddress() throws {
        let created = try ObjectStore.testing().create(
            .services, ["metadata": ["name": "web"], "spec": ["clusterIP": "None", "ports": [["port": 80]]]], namespace: "default")
        #expect(created[path: "spec", "clusterIP"] == "None")
    }

    @Test func anAddressOutsideTheBlockIsRefused() throws {
        let error = #expect(throws: APIError.self) {
            try ObjectStore.testing().create(
                .services, ["metadata": ["name": "web"], "spec": ["clusterIP": "10.0.0.1", "ports": [["port": 80]]]], namespace: "default")
        }
        #expect(error?.code == 422)
        #expect(error?.message.contains("127.96.0.0/16") == true)
    }

    @Test func aClaimTakesTheDefaultClass() throws {
        let store = try ObjectStore.testing()
        #expect(
            try store.create(.persistentVolumeClaims, claim, namespace: "default", dryRun: true)[path: "spec", "storageClassName"] == nil)
        try store.create(
            .storageClasses,
            ["metadata": ["name": "standard", "annotations": ["storageclass.kubernetes.io/is-default-class": "true"]], "provisioner": "x"])
        let created = try store.create(.persistentVolumeClaims, claim, namespace: "default")
        #expect(created[path: "spec", "storageClassName"] == "standard")
        #expect(created[path: "status", "phase"] == "Pending")
        #expect(created.finalizers == ["kubernetes.io/pvc-protection"])
    }

    @Test func secretTextBecomesData() throws {
        let store = try ObjectStore.testing()
        let secret = try store.create(.secrets, ["metadata": ["name": "s"], "stringData": ["k": "v"]], namespace: "default")
        #expect(secret["data"] == ["k": .string(Data("v".utf8).base64EncodedString())])
        #expect(secret["stringData"] == nil)
        let error = #expect(throws: APIError.self) {
            try store.create(.secrets, ["metadata": ["name": "t"], "data": ["k": "hunter2!"]], namespace: "default")
        }
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test func everyWrongFieldIsNamed() throws {
        let error = #expect(throws: APIError.self) {
            try ObjectStore.testing().create(
                .deployments,
                [
                    "metadata": ["name": "Web_1"],
                    "spec": [
                        "replicas": -1, "selector": ["matchLabels": ["app": "a"]], "strategy": ["type": "Sometimes"],
                        "template": [
                            "metadata": ["labels": ["app": "b"]],
                            "spec": [
                                "containers": [["name": "c", "volumeMounts": [["name": "data", "mountPath": "/data"]]]],
                                "restartPolicy": "Never",
                            ],
                        ],
                    ],
                ], namespace: "default")
        }
        #expect(error?.code == 422)
        #expect(error?.message.hasPrefix("Deployment.apps \"Web_1\" is invalid: [") == true)
        #expect(
            error?.causes.compactMap(\.field) == [
                "metadata.name", "spec.replicas", "spec.template.metadata.labels", "spec.template.spec.containers[0].image",
                "spec.template.spec.containers[0].volumeMounts[0].name", "spec.template.spec.restartPolicy", "spec.strategy.type",
            ])
    }

    @Test func aPodsSpecCannotBeChanged() throws {
        let store = try ObjectStore.testing()
        try store.createPod("a")
        try store.modify(.pod("a")) { $0.editEach("spec", "containers") { $0["image"] = "busybox:2" } }
        let error = #expect(throws: APIError.self) { try store.modify(.pod("a")) { $0[path: "spec", "restartPolicy"] = "Never" } }
        #expect(error?.message.contains("pod updates may not change fields other than") == true)
    }

    @Test func aSelectorIsImmutable() throws {
        let store = try ObjectStore.testing()
        try store.create(.deployments, Fixture.deployment, namespace: "default")
        let error = #expect(throws: APIError.self) {
            try store.modify(ObjectKey(.deployments, namespace: "default", name: "web")) { deployment in
                deployment[path: "spec", "selector", "matchLabels"] = ["app": "db"]
                deployment[path: "spec", "template", "metadata", "labels"] = ["app": "db"]
            }
        }
        #expect(error?.causes.map(\.field) == ["spec.selector"])
    }
}
