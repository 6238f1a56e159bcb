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

    /// A budget that can never allow the eviction makes a drain or an eviction hopeless; better said now than after its timeout.
    func checkBudgets(_ target: ResolvedTarget, _ outcome: inout Outcome) async throws {
        switch experiment.fault {
        case .podEvict, .nodeDrain: break
        case .none, .processKill, .containerKill, .podDelete, .nodeTaint, .nodeFailure, .command: return
        }
        guard let pod = target.servingPods.first else { return }
        let budgets = try await client.list(PodDisruptionBudget.self, in: .namespace(target.namespace)).items
            .filter { $0.spec.selector?.matches(pod.metadata.labels) ?? false }
        if budgets.count > 1 {
            outcome.fail(
                "budgets",
                "\(budgets.count) PodDisruptionBudgets match the pod (\(budgets.map(\.metadata.name).joined(separator: ", "))); the API refuses every eviction then",
                hint: "leave one of them")
        } else if let budget = budgets.first, let status = budget.status, status.disruptionsAllowed == 0,
            status.desiredHealthy >= status.expectedPods
        {
            outcome.fail(
                "budgets",
                "PodDisruptionBudget \(budget.metadata.name) wants \(status.desiredHealthy) of \(status.expectedPods) pods: it never allows an eviction",
                hint: "a budget for one replica makes every drain wait for ever")
        }
    }
}
