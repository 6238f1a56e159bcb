import Experiment
import Journal
import Kubernetes

/// The Eviction API, which respects PodDisruptionBudgets.
///
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
struct PodEvictFault: FaultInjection {
    let spec: FaultSpec.PodEvict

    func plan(_ target: FaultTarget) -> [String] {
        [
            "evict pod \(target.namespace)/\(target.pod) (uid \(target.podUID)); a disruption budget is waited for up to \(spec.timeout.gep2257)"
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        [ResourceAttributes(verb: "create", resource: "pods", subresource: "eviction", namespace: scope.namespace)]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let eviction = Eviction(
            client: context.client, namespace: target.namespace, pod: target.pod, uid: target.podUID, gracePeriod: spec.gracePeriod)
        return try await eviction.evict(until: ContinuousClock.now + spec.timeout)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).podReplaced()
    }
}
