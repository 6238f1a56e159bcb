import JSON
import NIOHTTP1
import SandboxFixtures
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct EvictionRequestTests {
    private func api(budgets: Int, allowed: Int64, observed: Int64 = 1, ready: Bool = true) throws -> TestAPI {
        let api = try TestAPI()
        try api.store.createPod("a", labels: ["app": "web"], node: "node-1", phase: "Running")
        if ready { try api.store.modify(.pod("a")) { $0.setCondition(["type": "Ready", "status": "True"]) } }
        for number in 0..<budgets {
            let name = "budget-\(number)"
            try api.store.create(
                .podDisruptionBudgets,
                [
                    "metadata": ["name": .string(name)],
                    "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "web"]]],
                ], namespace: "default")
            try api.store.modify(ObjectKey(.podDisruptionBudgets, namespace: "default", name: name)) {
                $0["status"] = [
                    "observedGeneration": .integer(observed), "disruptionsAllowed": .integer(allowed), "currentHealthy": 1,
                    "desiredHealthy": 1,
                ]
            }
        }
        return api
    }

    private func evict(_ api: TestAPI, _ options: JSONValue = [:]) async throws -> (status: Int, body: JSONValue) {
        let answer = try await api.send(
            .POST, "/api/v1/namespaces/default/pods/a/eviction",
            ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "a"], "deleteOptions": options])
        return (answer.status, answer.body)
    }

    @Test func anUnprotectedPodGoes() async throws {
        let api = try api(budgets: 0, allowed: 0)
        #expect(try await evict(api).status == 201)
        let pod = try api.store.get(.pod("a"))
        #expect(pod.isBeingDeleted)
        #expect(pod.condition("DisruptionTarget")?["reason"] == "EvictionByEvictionAPI")
    }

    @Test func nothingIsEvictedFromANamespaceThatGoes() async throws {
        let api = try TestAPI()
        try api.store.create(.namespaces, ["metadata": ["name": "sql"]])
        try api.store.create(
            .pods,
            ["metadata": ["name": "p"], "spec": ["nodeName": "node-1", "containers": [["name": "c", "image": "i"]]]], namespace: "sql")
        try api.store.delete(ObjectKey(.namespaces, name: "sql"))
        let answer = try await api.send(
            .POST, "/api/v1/namespaces/sql/pods/p/eviction",
            ["apiVersion": "policy/v1", "kind": "Eviction", "metadata": ["name": "p"]])
        #expect(answer.status == 403)
        #expect(answer.body[path: "details", "causes"]?.array?.first?["reason"] == "NamespaceTerminating")
        #expect(try !api.store.get(ObjectKey(.pods, namespace: "sql", name: "p")).isBeingDeleted)
    }

    @Test func aBudgetIsSpent() async throws {
        let api = try api(budgets: 1, allowed: 1)
        #expect(try await evict(api).status == 201)
        let status = api.store.list(.podDisruptionBudgets)[0]["status"]
        #expect(status?["disruptionsAllowed"] == 0)
        #expect(status?[path: "disruptedPods", "a"] != nil)
    }

    @Test func anExhaustedBudgetAnswers429WithoutRetryAfter() async throws {
        let api = try api(budgets: 1, allowed: 0)
        let answer = try await evict(api)
        #expect(answer.status == 429)
        #expect(answer.body["message"] == "Cannot evict pod as it would violate the pod's disruption budget.")
        #expect(
            answer.body["details"]
                == [
                    "causes": [
                        [
                            "reason": "DisruptionBudget",
                            "message": "The disruption budget budget-0 needs 1 healthy pods and has 1 currently",
                        ]
                    ]
                ])
        #expect(try !api.store.get(.pod("a")).isBeingDeleted)
    }

    @Test func aStaleBudgetAsksForARetry() async throws {
        let answer = try await evict(try api(budgets: 1, allowed: 1, observed: 0))
        #expect(answer.status == 429)
        #expect(answer.body[path: "details", "retryAfterSeconds"] == 10)
    }

    @Test func twoBudgetsAreAnError() async throws {
        #expect(try await evict(try api(budgets: 2, allowed: 1)).status == 500)
    }

    @Test func anUnhealthyPodIsHeldWhenTheHealthyOnesDoNotSuffice() async throws {
        let api = try api(budgets: 1, allowed: 0, ready: false)
        // currentHealthy is still 1 and desiredHealthy 1: the healthy ones suffice without this pod.
        #expect(try await evict(api).status == 201)
    }

    @Test func aPreconditionIsKept() async throws {
        let api = try api(budgets: 0, allowed: 0)
        #expect(try await evict(api, ["preconditions": ["uid": "other"]]).status == 409)
        #expect(try !api.store.get(.pod("a")).isBeingDeleted)
    }

    @Test func anotherVersionIsRefused() async throws {
        let answer = try await api(budgets: 0, allowed: 0).send(
            .POST, "/api/v1/namespaces/default/pods/a/eviction", ["apiVersion": "policy/v1beta1", "kind": "Eviction"])
        #expect(answer.status == 400)
    }

    @Test func aBindingIsMadeOnce() async throws {
        let api = try TestAPI()
        try api.store.createPod("a")
        let uri = "/api/v1/namespaces/default/pods/a/binding"
        #expect(try await api.send(.POST, uri, ["target": ["kind": "Node", "name": "node-1"]]).status == 201)
        #expect(try api.store.get(.pod("a"))[path: "spec", "nodeName"] == "node-1")
        #expect(try await api.send(.POST, uri, ["target": ["kind": "Node", "name": "node-2"]]).status == 409)
    }
}
