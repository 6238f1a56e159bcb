import Experiment
import Journal
import Kubernetes

/// Deletes the pod with its UID as a precondition. A grace period of 0 forces the deletion.
///
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
struct PodDeleteFault: FaultInjection {
    static let kind = "podDelete"
    static let summary = "Deletes the pod."
    static let fields: [Format.Field] = [
        .optional(
            "gracePeriod", .duration(), "The time that the pod has to end; 0s forces the deletion. Default: the pod's own grace period.")
    ]
    static let manual = [
        FaultManual(
            "`podDelete`", happens: "DELETE, bound to the pod's UID; a grace period of 0 forces it",
            proof: "the pod is Terminating, gone, or another one")
    ]

    let gracePeriod: Duration?

    init(_ fields: FormatValue, options: FaultOptions) {
        gracePeriod = fields.duration("gracePeriod")
    }

    func plan(_ target: FaultTarget) -> [String] {
        let grace = gracePeriod.map { "a grace period of \($0.text)\($0 == .zero ? " (forced)" : "")" } ?? "its own grace period"
        return ["delete pod \(target.namespace)/\(target.pod) (uid \(target.podUID)) with \(grace)"]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        [ResourceAttributes(verb: "delete", resource: "pods", namespace: scope.namespace)]
    }

    private func options(_ target: FaultTarget, dryRun: Bool = false) -> DeleteOptions {
        DeleteOptions(gracePeriodSeconds: gracePeriod.map { Int($0.components.seconds) }, uid: target.podUID, dryRun: dryRun)
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await client.delete(Pod.self, target.pod, in: target.namespace, options: options(target, dryRun: true))
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        try await context.client.delete(Pod.self, target.pod, in: target.namespace, options: options(target))
        return "pod \(target.pod) deleted"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).podReplaced()
    }
}
