import Experiment
import Foundation
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// Restarts the workload as `kubectl rollout restart` does, or rolls it out to another image as `kubectl set image` does, and back.
/// This is the maintenance in which the workload's own strategy replaces the pod.
///
/// A restart's annotation stays in the pod template, as after kubectl: its removal would be another rollout.
///
/// Source: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
struct RolloutFault: FaultInjection {
    static let kind = "rollout"
    static let summary = "Restarts the workload as kubectl rollout restart does, or rolls it out to another image and back."
    static let fields: [Format.Field] = [
        .optional("image", .text, "The image to roll out to. Default: none, the workload is restarted."),
        .optional("readyWithin", .positive, .duration(.seconds(300)), "The time within which a pod must be ready after the rollout back."),
    ]
    static let manual = [
        FaultManual(
            "`rollout`", happens: "the workload is restarted as by `kubectl rollout restart`",
            proof: "the workload has a new generation, and as with `podDelete`",
            restored: "nothing; kubectl's annotation stays in the pod template, to remove it would be another rollout"),
        FaultManual(
            "`rollout`, `image`", happens: "the workload is rolled out to another image, as by `kubectl set image`",
            proof: "as with `rollout`, and the pod template has the image",
            restored: "the image, by a rollout back; the mark is on the Lease",
            restoredProof: "the pod template has it, and a pod with it is ready"),
    ]
    static var undoActions: [any UndoAction.Type] { [RestoreImage.self] }

    let image: String?
    let readyWithin: Duration

    init(_ fields: FormatValue, options: FaultOptions) {
        image = fields.text("image")
        readyWithin = fields.requiredDuration("readyWithin")
    }

    /// The rollout back replaces the pod once more.
    var undoInterrupts: Bool { image != nil }

    func plan(_ target: FaultTarget) -> [String] {
        if let image {
            return [
                "give container \(target.container) of \(target.workload) in namespace \(target.namespace) the image \(image)",
                "give it back the image that it has now, and wait up to \(readyWithin.text) for a pod with it",
            ]
        }
        return [
            "restart \(target.workload) in namespace \(target.namespace): set the annotation \(Self.annotation) of its pod template",
            "leave that annotation, as kubectl does",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        let (resource, name) = RollingWorkload.parts(scope.workload)
        return ["get", "patch"].map {
            ResourceAttributes(verb: $0, group: "apps", resource: resource, namespace: scope.namespace, name: name)
        }
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let instance = subject.instance
        let found = try await RollingWorkload(instance.workload, in: instance.namespace, subject.client)
        guard found.operatorName == nil else {
            throw FaultError(
                .refused, "\(instance.workload) belongs to \(found.operatorName ?? ""), which may revert a change of its pod template",
                hint: "let that operator restart it, by the fault command")
        }
        guard !found.isHeld else {
            throw FaultError(
                .refused,
                "\(instance.workload) is paused, has a partition above its pods, or replaces them only when they are deleted: a rollout to it would do nothing",
                hint: "see spec.paused of a Deployment and spec.updateStrategy of a StatefulSet")
        }
        if let image, let now = found.images[instance.container] {
            guard now != image else {
                throw FaultError(
                    .refused,
                    "container \(instance.container) of \(instance.workload) has the image \(image) already: a rollout to it would do nothing",
                    hint: "name another one in fault.rollout.image")
            }
        }
        let what = image.map { " to image \($0)" } ?? ""
        return [PreflightCheck(name: "fault", status: .passed, message: "\(instance.workload) rolls out\(what) by \(found.strategy)")]
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        guard let image else { return }
        try await RollingWorkload.change(
            target.workload, in: target.namespace, template: RollingWorkload.template(target.container, image: image), dryRun: true, client)
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        if let image { return try await rollOut(to: image, target, context) }
        let now = JSONValue.string(Date().formatted(.iso8601))
        try await RollingWorkload.change(
            target.workload, in: target.namespace, template: ["metadata": ["annotations": [Self.annotation: now]]], context.client)
        return "\(target.workload) restarted"
    }

    private func rollOut(to image: String, _ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let found = try await RollingWorkload(target.workload, in: target.namespace, context.client)
        guard let before = found.images[target.container] else {
            throw FaultError(.targetNotRunning, "\(target.workload) has no container \(target.container) any more")
        }
        let intent = try context.intend(
            RestoreImage(
                namespace: target.namespace, workload: target.workload, container: target.container, before: before, image: image,
                lease: target.lease, readyWithin: DurationText(readyWithin)))
        try await context.mark(Lease.self, target.lease, in: target.namespace, with: intent)
        try await RollingWorkload.change(
            target.workload, in: target.namespace, template: RollingWorkload.template(target.container, image: image), context.client)
        return "container \(target.container) of \(target.workload) rolled out from image \(before) to \(image)"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        var effect = try await Proof(context: context, target: target, timeout: timeout).podReplaced()
        let found = try await RollingWorkload(target.workload, in: target.namespace, context.client)
        let now = found.images[target.container] ?? "none"
        if let image, now != image {
            return FaultEffect(
                proven: false, evidence: ["container \(target.container) of \(target.workload) has the image \(now), not \(image)"])
        }
        effect.evidence.insert("\(target.workload) has generation \(found.generation)\(image.map { " and the image \($0)" } ?? "")", at: 0)
        return effect
    }

    private static let annotation = AnnotationKey.restartedAt
}
