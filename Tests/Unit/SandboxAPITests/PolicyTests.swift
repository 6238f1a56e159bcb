import JSON
import NIOHTTP1
import SandboxFixtures
import Testing

@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxStore

/// Pod Security, quotas, limit ranges and admission policies.
@Suite struct PolicyTests {
    private static let pods = "/api/v1/namespaces/default/pods"

    private func pod(_ name: String = "a", _ spec: JSONValue = [:], _ container: JSONValue = [:]) -> JSONValue {
        var pod: JSONValue = ["metadata": ["name": .string(name)], "spec": spec]
        var main: JSONValue = ["name": "c", "image": "i"]
        for (key, value) in container.object ?? [:] { main[key] = value }
        pod[path: "spec", "containers"] = [main]
        return pod
    }

    private func label(_ store: ObjectStore, _ labels: [String: String]) throws {
        try store.modify(ObjectKey(.namespaces, name: "default")) { namespace in
            for (name, level) in labels { namespace[path: "metadata", "labels", "pod-security.kubernetes.io/\(name)"] = .string(level) }
        }
    }

    // MARK: Pod Security

    @Test func baselineRefusesTheHelperPod() async throws {
        let api = try TestAPI()
        try label(api.store, ["enforce": "baseline"])
        let helper = pod("a", ["hostPID": true, "hostNetwork": true], ["securityContext": ["privileged": true]])
        for uri in [Self.pods, "\(Self.pods)?dryRun=All"] {
            let answer = try await api.send(.POST, uri, helper)
            #expect(answer.status == 403)
            #expect(
                answer.body["message"] == """
                    pods "a" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true, hostPID=true), \
                    privileged (container "c" must not set securityContext.privileged=true)
                    """)
        }
        #expect(try await api.send(.POST, Self.pods, pod()).status == 201)
    }

    @Test func restrictedSaysAllThatIsMissing() async throws {
        let api = try TestAPI()
        try label(api.store, ["enforce": "restricted", "enforce-version": "v1.30"])
        let answer = try await api.send(.POST, Self.pods, pod())
        #expect(
            answer.body["message"] == """
                pods "a" is forbidden: violates PodSecurity "restricted:v1.30": allowPrivilegeEscalation != false (container "c" must set \
                securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set \
                securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set \
                securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to \
                "RuntimeDefault" or "Localhost")
                """)
        let good = pod(
            "a", ["securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]]],
            ["securityContext": ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]]])
        #expect(try await api.send(.POST, Self.pods, good).status == 201)
    }

    @Test func aWarningComesWithTheAnswer() async throws {
        let api = try TestAPI()
        try label(api.store, ["warn": "baseline"])
        let answer = try await api.send(.POST, Self.pods, pod("a", ["hostIPC": true]))
        #expect(answer.status == 201)
        #expect(answer.headers["Warning"] == [#"299 - "would violate PodSecurity \"baseline:latest\": host namespaces (hostIPC=true)""#])
    }

    // MARK: Quotas and limit ranges

    private func quota(_ store: ObjectStore, _ hard: JSONValue) throws {
        try store.create(.resourceQuotas, ["metadata": ["name": "q"], "spec": ["hard": hard]], namespace: "default")
    }

    @Test func aQuotaCountsAndAdds() throws {
        let store = try ObjectStore.testing()
        try quota(store, ["pods": "2", "limits.memory": "1Gi"])
        let silent = #expect(throws: APIError.self) { try store.create(.pods, pod(), namespace: "default") }
        #expect(silent?.message == #"pods "a" is forbidden: failed quota: q: must specify limits.memory for: c"#)
        let sized: JSONValue = ["resources": ["limits": ["memory": "600Mi"]]]
        try store.create(.pods, pod("a", [:], sized), namespace: "default")
        let second = #expect(throws: APIError.self) { try store.create(.pods, pod("b", [:], sized), namespace: "default") }
        #expect(
            second?.message
                == #"pods "b" is forbidden: exceeded quota: q, requested: limits.memory=600Mi, used: limits.memory=600Mi, limited: limits.memory=1Gi"#
        )
        #expect(second?.code == 403)
        _ = try store.transaction { state in
            var controller = ResourceQuotaController()
            return controller.reconcile(&state, at: .zero)
        }
        let status = try store.get(ObjectKey(.resourceQuotas, namespace: "default", name: "q"))["status"]
        #expect(status?["used"] == ["pods": "1", "limits.memory": "600Mi"])
        // A pod that goes gives its share back.
        try store.delete(.pod("a"))
        try store.create(.pods, pod("b", [:], sized), namespace: "default")
    }

    @Test func aQuotaOfObjectsCountsAnyKind() throws {
        let store = try ObjectStore.testing()
        try quota(store, ["count/leases.coordination.k8s.io": "0", "services.loadbalancers": "0"])
        #expect(throws: APIError.self) { try store.create(.leases, ["metadata": ["name": "l"]], namespace: "default") }
        let service: JSONValue = ["metadata": ["name": "s"], "spec": ["type": "LoadBalancer", "ports": [["port": 80]]]]
        #expect(throws: APIError.self) { try store.create(.services, service, namespace: "default") }
        var plain = service
        plain[path: "spec", "type"] = "ClusterIP"
        try store.create(.services, plain, namespace: "default")
    }

    @Test func aLimitRangeCompletesAndBounds() throws {
        let store = try ObjectStore.testing()
        let limits: JSONValue = [
            "type": "Container", "default": ["memory": "512Mi"], "defaultRequest": ["memory": "256Mi"], "min": ["memory": "100Mi"],
            "max": ["memory": "1Gi"],
        ]
        try store.create(.limitRanges, ["metadata": ["name": "l"], "spec": ["limits": [limits]]], namespace: "default")
        let made = try store.create(.pods, pod(), namespace: "default")
        #expect(made[path: "spec", "containers"]?[0]?["resources"] == ["limits": ["memory": "512Mi"], "requests": ["memory": "256Mi"]])
        let large = #expect(throws: APIError.self) {
            try store.create(.pods, pod("b", [:], ["resources": ["limits": ["memory": "2Gi"]]]), namespace: "default")
        }
        #expect(
            large?.message
                == #"pods "b" is forbidden: [maximum memory usage per Container is 1Gi, but limit is 2Gi, maximum memory usage per Container is 1Gi, but request is 2Gi]"#
        )
        let small = #expect(throws: APIError.self) {
            try store.create(.pods, pod("b", [:], ["resources": ["requests": ["memory": "50Mi"]]]), namespace: "default")
        }
        #expect(small?.message == #"pods "b" is forbidden: minimum memory usage per Container is 100Mi, but request is 50Mi"#)
    }

    // MARK: Admission policies

    private func policy(_ api: TestAPI, _ expression: String, resources: [JSONValue] = ["*"]) async throws -> (status: Int, body: JSONValue)
    {
        let rule: JSONValue = [
            "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": .array(resources),
        ]
        let policy: JSONValue = [
            "metadata": ["name": "p"],
            "spec": ["matchConstraints": ["resourceRules": [rule]], "validations": [["expression": .string(expression)]]],
        ]
        let group = "/apis/admissionregistration.k8s.io/v1"
        let answer = try await api.send(.POST, "\(group)/validatingadmissionpolicies", policy)
        let binding: JSONValue = ["metadata": ["name": "b"], "spec": ["policyName": "p", "validationActions": ["Deny"]]]
        try api.store.create(.admissionPolicyBindings, binding)
        return (answer.status, answer.body)
    }

    @Test func aPolicyDeniesLeases() async throws {
        let api = try TestAPI()
        #expect(try await policy(api, "false", resources: ["leases"]).status == 201)
        let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
        let denied = try await api.send(.POST, "\(leases)?dryRun=All", ["metadata": ["name": "l"]])
        #expect(denied.status == 422)
        #expect(
            denied.body["message"]
                == #"leases.coordination.k8s.io "" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: false"#
        )
        #expect(try await api.send(.POST, Self.pods, pod()).status == 201)
    }

    @Test(
        arguments: [
            ("object.spec.containers.all(c, c.image.startsWith('i'))", true), ("object.metadata.name == 'b' || false", false),
            ("has(object.spec.hostPID) && object.spec.hostPID", false), ("!has(object.spec.hostPID)", true),
            ("size(object.spec.containers) <= 1", true), ("request.operation in ['CREATE'] ? true : oldObject != null", true),
            ("object.missing.field == 1", false), ("object.missing == 1 || true", true),
            ("1 + 9223372036854775807 > 0", false), ("1 / 0 == 1", false),
        ])
    func anExpressionDecides(expression: String, isAllowed: Bool) async throws {
        let api = try TestAPI()
        #expect(try await policy(api, expression, resources: ["pods"]).status == 201)
        #expect(try await api.send(.POST, Self.pods, pod()).status == (isAllowed ? 201 : 422))
    }

    @Test(arguments: ["object.spec.matches('x')", "1.5 > 1.0", "object.", "a ? b", String(repeating: "(", count: 2000), "[1,2", "'x"])
    func anExpressionBeyondThePartIsRefused(expression: String) async throws {
        let answer = try await policy(try TestAPI(), expression)
        #expect(answer.status == 422)
        #expect(answer.body["message"]?.string?.contains("spec.validations[0].expression: Invalid value") == true)
    }
}
