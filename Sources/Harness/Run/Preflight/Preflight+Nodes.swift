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
        if node.isControlPlane, fault.takesNode, !experiment.safety.allowControlPlane {
            outcome.fail(
                "control-plane", "the pod is on the control-plane node \(name)", hint: "spec.safety.allowControlPlane: true overrides this")
        }
        if schedulable.count < 2, !experiment.safety.allowSingleNode {
            outcome.fail(
                "spare-node", "\(name) is the only schedulable node", hint: "spec.safety.allowSingleNode: true overrides this")
        } else if spare.isEmpty, !experiment.safety.allowSingleNode {
            outcome.fail(
                "spare-node",
                "no other node would take the pod: \(counted(schedulable.count, "schedulable node")), all with taints that it does not tolerate",
                hint: "add a node, or spec.safety.allowSingleNode: true")
        } else {
            outcome.pass("spare-node", "\(counted(spare.count, "other node")) could take the pod")
            try await checkReach(pod, target, spare, &outcome)
        }
        if let own = options.ownNode, own == name, fault.takesNode {
            outcome.fail(
                "own-node", "this harness runs on \(name), the node that the fault takes away",
                hint: "set a nodeSelector or anti-affinity for it")
        }
    }
}
