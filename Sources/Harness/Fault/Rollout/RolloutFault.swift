import Experiment
import Foundation
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// A restart of the workload, as `kubectl rollout restart` does it: the maintenance that replaces the pod by the workload's own strategy.
///
/// The annotation in the pod template stays, as after kubectl: to remove it would be another rollout.
///
/// Source: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
struct RolloutFault: FaultInjection {
    static let kind = "rollout"
    static let summary = "Restarts the workload as kubectl rollout restart does."
    static let fields: [Format.Field] = []
    static let manual = [
        FaultManual(
            "`rollout`", happens: "the workload is restarted as by `kubectl rollout restart`",
            proof: "the workload has a new generation, and as with `podDelete`",
            restored: "nothing; kubectl's annotation stays in the pod template, to remove it would be another rollout")
    ]

    init(_ fields: FormatValue, options: FaultOptions) {}

    func plan(_ target: FaultTarget) -> [String] {
        [
            "restart \(target.workload) in namespace \(target.namespace): set the annotation \(Self.annotation) of its pod template",
            "leave that annotation, as kubectl does",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        let (resource, name) = Self.parts(scope.workload)
        return ["get", "patch"].map {
            ResourceAttributes(verb: $0, group: "apps", resource: resource, namespace: scope.namespace, name: name)
        }
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let instance = subject.instance
        let found = try await rolling(instance, subject.client)
        guard found.operatorName == nil else {
            throw FaultError(
                .refused, "\(instance.workload) belongs to \(found.operatorName ?? ""), which may revert a change of its pod template",
                hint: "let that operator restart it, by the fault command")
        }
        guard !found.isHeld else {
            throw FaultError(
                .refused, "\(instance.workload) is paused, or replaces its pods only when they are deleted: a rollout would do nothing",
                hint: "see spec.paused of a Deployment and spec.updateStrategy of a StatefulSet")
        }
        return [PreflightCheck(name: "fault", status: .passed, message: "\(instance.workload) rolls out by \(found.strategy)")]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let (resource, name) = Self.parts(target.workload)
        let now = JSONValue.string(Date().formatted(.iso8601))
        let change: JSONValue = ["spec": ["template": ["metadata": ["annotations": [Self.annotation: now]]]]]
        if resource == Deployment.plural {
            try await context.client.patch(Deployment.self, name, in: target.namespace, .merge(change))
        } else {
            try await context.client.patch(StatefulSet.self, name, in: target.namespace, .merge(change))
        }
        return "\(target.workload) restarted"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        var effect = try await Proof(context: context, target: target, timeout: timeout).podReplaced()
        let found = try await rolling(target, context.client)
        effect.evidence.insert("\(target.workload) has generation \(found.generation)", at: 0)
        return effect
    }

    private static let annotation = AnnotationKey.restartedAt

    /// A workload as far as its rollout goes.
    private struct Rolling {
        var generation: Int
        var strategy: String
        /// Nothing would happen to its pods.
        var isHeld: Bool
        /// The controller that owns the workload, if one does.
        var operatorName: String?
    }

    private func rolling(_ target: FaultTarget, _ client: KubernetesClient) async throws -> Rolling {
        let (resource, name) = Self.parts(target.workload)
        switch resource {
        case Deployment.plural:
            let found = try await client.get(Deployment.self, name, in: target.namespace)
            return Rolling(
                generation: found.metadata.generation ?? 0, strategy: found.spec.strategy?.type ?? "RollingUpdate",
                isHeld: found.spec.paused == true, operatorName: found.metadata.controller.map { "\($0.kind) \($0.name)" })
        case StatefulSet.plural:
            let found = try await client.get(StatefulSet.self, name, in: target.namespace)
            let strategy = found.spec.updateStrategy?.type ?? "RollingUpdate"
            return Rolling(
                generation: found.metadata.generation ?? 0, strategy: strategy, isHeld: strategy == "OnDelete",
                operatorName: found.metadata.controller.map { "\($0.kind) \($0.name)" })
        default:
            throw FaultError(
                .refused, "\(target.workload) is no Deployment and no StatefulSet: nobody but its operator can restart it",
                hint: "let that operator restart it, by the fault command")
        }
    }

    /// The resource's plural and the name.
    private static func parts(_ workload: String) -> (resource: String, name: String) {
        let parts = workload.split(separator: "/", maxSplits: 1).map(String.init)
        return ("\(parts.first ?? "")s", parts.last ?? "")
    }
}
