import Experiment
import Fault
import Journal
import Kubernetes

/// Guard rails for faults that take a whole node.
extension Preflight {
    func checkNodes(_ target: ResolvedTarget, _ outcome: inout Outcome) async throws {
        let nodes = try await client.list(Node.self, in: .all).items
        guard let pod = target.servingPods.first, let name = pod.spec.nodeName, let node = nodes.first(where: { $0.metadata.name == name })
        else { return }
        let schedulable = nodes.filter { $0.isReady && !$0.isCordoned }
        let spare = schedulable.filter { candidate in
            candidate.metadata.name != name
                && (candidate.spec?.taints ?? []).filter { $0.effect != "PreferNoSchedule" }
                    .allSatisfy { taint in (pod.spec.tolerations ?? []).contains { $0.tolerates(taint) } }
        }
        if node.isControlPlane, experiment.fault.isNodeFault, !experiment.safety.allowControlPlane {
            outcome.fail(
                "control-plane", "the pod is on the control-plane node \(name)", hint: "spec.safety.allowControlPlane: true overrides this")
        }
        if schedulable.count < 2, !experiment.safety.allowSingleNode {
            outcome.fail(
                "spare-node", "\(name) is the only schedulable node", hint: "spec.safety.allowSingleNode: true overrides this")
        } else if spare.isEmpty, !experiment.safety.allowSingleNode {
            outcome.fail(
                "spare-node",
                "no other node would take the pod: \(schedulable.count) schedulable nodes, all with taints that it does not tolerate",
                hint: "add a node, or spec.safety.allowSingleNode: true")
        } else {
            outcome.pass("spare-node", "\(spare.count) other nodes could take the pod")
        }
        if let own = options.ownNode, own == name, experiment.fault.isNodeFault {
            outcome.fail(
                "own-node", "this harness runs on \(name), the node that it is about to take away",
                hint: "set a nodeSelector or anti-affinity for it")
        }
    }

    /// Finds budgets that never allow an eviction, which would otherwise show only after its timeout.
    func checkEvictions(_ target: ResolvedTarget, _ outcome: inout Outcome) async throws {
        guard let pod = target.servingPods.first else { return }
        let held: [DrainPlan.Budget]
        switch experiment.fault {
        case .podEvict:
            let budgets = try await client.list(PodDisruptionBudget.self, in: .namespace(target.namespace)).items
            held = DrainPlan.budgets(holding: pod, budgets)
        case .nodeDrain(let spec):
            guard let node = pod.spec.nodeName else { return }
            let plan = try await client.drainPlan(node: node, options: spec.planOptions)
            checkDrain(of: node, plan, &outcome)
            held = plan.heldByBudget
        case .none, .processKill, .containerKill, .podDelete, .nodeTaint, .nodeFailure, .command: return
        }
        for budget in held {
            let message = "PodDisruptionBudget \(budget.budget) holds pod \(budget.pod): \(budget.problem)"
            if budget.isPermanent {
                outcome.fail("budgets", message, hint: "an eviction would wait for ever; change the budget, or scale the workload")
            } else {
                outcome.warn("budgets", message, hint: "the eviction waits for it")
            }
        }
    }

    private func checkDrain(of node: String, _ plan: DrainPlan, _ outcome: inout Outcome) {
        func list(_ entries: [DrainPlan.Entry]) -> String {
            entries.map { $0.reasons.isEmpty ? $0.name : "\($0.name) (\($0.reasons.joined(separator: ", ")))" }.joined(separator: "; ")
        }
        guard plan.blocking.isEmpty else {
            return outcome.fail(
                "drain", "node \(node) cannot be drained: \(list(plan.blocking))",
                hint: "see force, deleteEmptyDirData and ignoreDaemonSets of fault.nodeDrain")
        }
        let staying = plan.skipped.isEmpty ? "" : "; these stay: \(list(plan.skipped))"
        outcome.pass("drain", "a drain of node \(node) evicts \(list(plan.evicted))\(staying)")
    }
}
