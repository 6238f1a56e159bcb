import Experiment
import Journal
import Kubernetes

/// Evicts the pod by the Eviction API, which respects PodDisruptionBudgets.
///
/// Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
struct PodEvictFault: FaultInjection {
    static let kind = "podEvict"
    static let summary = "Evicts the pod by the Eviction API."
    static let fields: [Format.Field] = [
        .optional(
            "timeout", .positive, .duration(.seconds(120)), "The time for which a PodDisruptionBudget may refuse the eviction (429)."),
        .optional("gracePeriod", .duration(), "As with podDelete."),
    ]
    static let manual = [
        FaultManual("`podEvict`", happens: "the Eviction API; a 429 is waited for", proof: "as with `podDelete`")
    ]

    let timeout: Duration
    let gracePeriod: Duration?

    init(_ fields: FormatValue, options: FaultOptions) {
        timeout = fields.requiredDuration("timeout")
        gracePeriod = fields.duration("gracePeriod")
    }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "evict pod \(target.namespace)/\(target.pod) (uid \(target.podUID)); a disruption budget is waited for up to \(timeout.text)"
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        [
            ResourceAttributes(verb: "list", group: "policy", resource: "poddisruptionbudgets", namespace: scope.namespace),
            ResourceAttributes(verb: "create", resource: "pods", subresource: "eviction", namespace: scope.namespace),
        ]
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let budgets = try await subject.client.list(PodDisruptionBudget.self, in: .namespace(subject.namespace)).items
        return Eviction.checks(DrainPlan.budgets(holding: subject.pod, budgets))
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let eviction = Eviction(
            client: context.client, namespace: target.namespace, pod: target.pod, uid: target.podUID, gracePeriod: gracePeriod)
        return try await eviction.evict(until: ContinuousClock.now + timeout)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).podReplaced()
    }
}
