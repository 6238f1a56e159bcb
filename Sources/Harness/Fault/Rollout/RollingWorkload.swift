import JSON
import Kubernetes

/// The rollout settings of a workload, a Deployment or a StatefulSet.
struct RollingWorkload: Sendable {
    var generation: Int
    var strategy: String
    /// Is `true` if a rollout would not change its pods.
    var isHeld: Bool
    /// The controller that owns the workload, if any.
    var operatorName: String?
    /// The images of its pod template, by container.
    var images: [String: String]

    /// - Parameter workload: `deployment/NAME` or `statefulset/NAME`.
    init(_ workload: String, in namespace: String, _ client: KubernetesClient) async throws {
        let (resource, name) = Self.parts(workload)
        let template: PodTemplate
        switch resource {
        case Deployment.plural:
            let found = try await client.get(Deployment.self, name, in: namespace)
            generation = found.metadata.generation ?? 0
            strategy = found.spec.strategy?.type ?? "RollingUpdate"
            isHeld = found.spec.paused == true
            operatorName = found.metadata.controller.map { "\($0.kind) \($0.name)" }
            template = found.spec.template
        case StatefulSet.plural:
            let found = try await client.get(StatefulSet.self, name, in: namespace)
            generation = found.metadata.generation ?? 0
            strategy = found.spec.updateStrategy?.type ?? "RollingUpdate"
            isHeld = strategy == "OnDelete" || found.isBelowPartition
            operatorName = found.metadata.controller.map { "\($0.kind) \($0.name)" }
            template = found.spec.template
        default:
            throw FaultError(
                .refused, "\(workload) is neither a Deployment nor a StatefulSet: only its operator can restart it",
                hint: "let that operator restart it, by the fault command")
        }
        images = Dictionary(template.spec.containers.map { ($0.name, $0.image ?? "") }) { first, _ in first }
    }

    /// Changes the pod template by a strategic merge patch, as kubectl does.
    static func change(
        _ workload: String, in namespace: String, template: JSONValue, dryRun: Bool = false, _ client: KubernetesClient
    ) async throws {
        let (resource, name) = parts(workload)
        let patch = Patch.strategic(["spec": ["template": template]])
        if resource == Deployment.plural {
            try await client.patch(Deployment.self, name, in: namespace, patch, dryRun: dryRun)
        } else {
            try await client.patch(StatefulSet.self, name, in: namespace, patch, dryRun: dryRun)
        }
    }

    /// Returns the change of a pod template that gives a container another image.
    static func template(_ container: String, image: String) -> JSONValue {
        ["spec": ["containers": [["name": .string(container), "image": .string(image)]]]]
    }

    /// Returns the resource's plural and the name.
    static func parts(_ workload: String) -> (resource: String, name: String) {
        let parts = workload.split(separator: "/", maxSplits: 1).map(String.init)
        return ("\(parts.first ?? "")s", parts.last ?? "")
    }
}

extension StatefulSet {
    /// Is `true` if an update reaches none of its pods, because it starts with the ordinal of the partition.
    var isBelowPartition: Bool {
        guard let partition = spec.updateStrategy?.rollingUpdate?.partition else { return false }
        let (end, isHuge) = (spec.ordinals?.start ?? 0).addingReportingOverflow(spec.replicas ?? 1)
        return !isHuge && partition >= end
    }
}
