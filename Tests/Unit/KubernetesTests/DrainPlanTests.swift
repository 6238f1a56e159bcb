import Foundation
import Testing

@testable import Kubernetes

@Suite struct DrainPlanTests {
    private func pod(
        _ name: String, owner: String? = "ReplicaSet", phase: String = "Running", metadata: String = "", volumes: String = "[]"
    ) throws -> Pod {
        let owners =
            owner.map { #"[{"apiVersion": "apps/v1", "kind": "\#($0)", "name": "owner", "uid": "o", "controller": true}]"# } ?? "[]"
        return try JSONDecoder().decode(
            Pod.self,
            from: Data(
                """
                {"metadata": {"name": "\(name)", "namespace": "sql", "uid": "\(name)", "labels": {"app": "\(name)"}, "ownerReferences": \(owners)\(metadata)},
                 "spec": {"containers": [], "volumes": \(volumes)}, "status": {"phase": "\(phase)"}}
                """.utf8))
    }

    private func budget(_ name: String, app: String, allowed: Int, desired: Int, expected: Int, current: Int) throws -> PodDisruptionBudget
    {
        try JSONDecoder().decode(
            PodDisruptionBudget.self,
            from: Data(
                """
                {"metadata": {"name": "\(name)", "namespace": "sql"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "\(app)"}}},
                 "status": {"disruptionsAllowed": \(allowed), "currentHealthy": \(current), "desiredHealthy": \(desired), "expectedPods": \(expected)}}
                """.utf8))
    }

    private func daemonSet() throws -> DaemonSet {
        try JSONDecoder().decode(
            DaemonSet.self, from: Data(#"{"metadata": {"name": "owner", "namespace": "sql"}, "spec": {"selector": {}}}"#.utf8))
    }

    private let scratch = #"[{"name": "tmp", "emptyDir": {}}, {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}]"#

    @Test func anOrdinaryPodIsEvicted() throws {
        let plan = DrainPlan(pods: [try pod("sql")], daemonSets: [], budgets: [])
        #expect(plan.evicted.map(\.name) == ["sql/sql"])
        #expect(plan.evicted[0].reasons.isEmpty)
        #expect(plan.isPossible)
    }

    @Test func podsThatStay() throws {
        let plan = DrainPlan(
            pods: [
                try pod("going", metadata: #", "deletionTimestamp": "2026-11-21T08:15:42Z""#), try pod("agent", owner: "DaemonSet"),
                try pod("static", owner: nil, metadata: #", "annotations": {"kubernetes.io/config.mirror": "x"}"#),
            ], daemonSets: [try daemonSet()], budgets: [])
        #expect(plan.skipped.map(\.pod.metadata.name) == ["going", "agent", "static"])
        #expect(plan.evicted.isEmpty && plan.blocking.isEmpty)
    }

    @Test func podsThatForbidIt() throws {
        let pods = [try pod("bare", owner: nil), try pod("scratch", volumes: scratch), try pod("orphan", owner: "DaemonSet")]
        let plan = DrainPlan(pods: pods, daemonSets: [], budgets: [])
        #expect(plan.blocking.map(\.pod.metadata.name) == ["bare", "scratch", "orphan"])
        #expect(plan.blocking[1].reasons.first?.contains("tmp") == true && plan.blocking[1].reasons.first?.contains("data,") == false)
        #expect(!plan.isPossible)
        let forced = DrainPlan(pods: pods, daemonSets: [], budgets: [], options: .init(force: true, deleteEmptyDirData: true))
        #expect(forced.blocking.isEmpty && forced.evicted.count == 3)
        #expect(forced.evicted.allSatisfy { $0.reasons.count == 1 })
    }

    @Test func daemonSetsWithoutPermissionToIgnoreThem() throws {
        let pods = [try pod("agent", owner: "DaemonSet"), try pod("done", owner: "DaemonSet", phase: "Succeeded")]
        let plan = DrainPlan(pods: pods, daemonSets: [try daemonSet()], budgets: [], options: .init(ignoreDaemonSets: false))
        #expect(plan.blocking.map(\.pod.metadata.name) == ["agent"])
        #expect(plan.evicted.map(\.pod.metadata.name) == ["done"])
    }

    @Test func finishedPodsNeedNoForce() throws {
        let plan = DrainPlan(pods: [try pod("job", owner: nil, phase: "Succeeded", volumes: scratch)], daemonSets: [], budgets: [])
        #expect(plan.evicted.count == 1)
    }

    @Test func aBudgetThatNeverAllowsAnEvictionIsNamed() throws {
        let plan = DrainPlan(
            pods: [try pod("sql")], daemonSets: [],
            budgets: [try budget("one", app: "sql", allowed: 0, desired: 1, expected: 1, current: 1)])
        #expect(plan.heldByBudget.map(\.budget) == ["one"])
        #expect(plan.heldByBudget[0].isPermanent)
        #expect(!plan.isPossible)
    }

    @Test func aBudgetThatOnlyHasToBeWaitedFor() throws {
        let waiting = DrainPlan(
            pods: [try pod("sql")], daemonSets: [],
            budgets: [try budget("two", app: "sql", allowed: 0, desired: 2, expected: 3, current: 2)])
        #expect(waiting.heldByBudget.map(\.isPermanent) == [false])
        #expect(waiting.isPossible)
        let free = DrainPlan(
            pods: [try pod("sql")], daemonSets: [],
            budgets: [try budget("two", app: "sql", allowed: 1, desired: 2, expected: 3, current: 3)])
        #expect(free.heldByBudget.isEmpty)
        let others = DrainPlan(
            pods: [try pod("sql")], daemonSets: [], budgets: [try budget("x", app: "web", allowed: 0, desired: 1, expected: 1, current: 1)])
        #expect(others.heldByBudget.isEmpty)
        let pending = DrainPlan(
            pods: [try pod("sql", phase: "Pending")], daemonSets: [],
            budgets: [try budget("one", app: "sql", allowed: 0, desired: 1, expected: 1, current: 0)])
        #expect(pending.heldByBudget.isEmpty)
    }

    @Test func twoBudgetsForOnePodAreAnErrorOfTheServer() throws {
        let budgets = try ["b", "a"].map { try budget($0, app: "sql", allowed: 1, desired: 1, expected: 2, current: 2) }
        let plan = DrainPlan(pods: [try pod("sql")], daemonSets: [], budgets: budgets)
        #expect(plan.heldByBudget.map(\.budget) == ["a, b"])
        #expect(!plan.isPossible)
    }
}
