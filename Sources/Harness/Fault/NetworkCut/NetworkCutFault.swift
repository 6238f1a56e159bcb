import Experiment
import Journal
import Kubernetes

/// The pod is cut off from every other address, by a helper pod in its network namespace. Connections hang; nothing resets them.
struct NetworkCutFault: FaultInjection {
    static let kind = "networkCut"
    static let summary = "Cuts the pod's network, both ways, from its node by a helper pod."
    static let fields: [Format.Field] =
        [.optional("duration", .positive, .duration(.seconds(30)), "The time after which the network is restored.")]
        + HelperPod.fields(image: "busybox:1.36", needs: "a POSIX shell, nsenter, ip and ping, as busybox has them")
    static let manual = [
        FaultManual(
            "`networkCut`", happens: "the pod's network is cut, both ways, by routing rules in its network namespace, for `duration`",
            proof: "it has no route to others, and answers no ping from its node, which it did before",
            restored: "the rules, then the helper pod; by the helper itself a minute after `duration` if nobody else does it",
            restoredProof: "the pod has its own rules again, or is gone; the helper is gone")
    ]
    static var undoActions: [any UndoAction.Type] { [HealNetwork.self] }

    let duration: Duration
    let image: String
    let helperNamespace: String?

    init(_ fields: FormatValue, options: FaultOptions) {
        duration = fields.requiredDuration("duration")
        image = options.helperImage ?? fields.requiredText("helperImage")
        helperNamespace = fields.text("helperNamespace")
    }

    /// A server that is cut off is the same one afterwards.
    var sparesInstance: Bool { true }

    var undoAfter: Duration? { duration }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "create a privileged helper pod (image \(image)) with hostPID on node \(target.node) in namespace \(helperNamespace ?? target.namespace)",
            "cut the network of pod \(target.namespace)/\(target.pod), by routing rules in its network namespace",
            "remove the rules after \(duration.text), and delete the helper pod, which otherwise does it by itself \(PodNetwork.margin.text) later",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        HelperPod.permissions(in: helperNamespace ?? scope.namespace)
            + ProcessKillFault.execPermissions(FaultScope(namespace: helperNamespace ?? scope.namespace, workload: scope.workload))
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await HelperPod.rehearse(target, in: helperNamespace, image: image, fault: Self.kind, client)
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        try PodNetwork.checkOwnNetwork(subject)
        return [
            PreflightCheck(
                name: "fault", status: .passed,
                message: "it would cut pod \(subject.pod.metadata.name); the helper image \(image) needs nsenter, ip and ping")
        ]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let network = network(of: target, at: try await PodNetwork.address(of: target, context.client), context)
        return try await network.apply(try context.intend(HealNetwork(network: network)), context)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await network(of: target, at: try await PodNetwork.address(of: target, context.client), context).observe(context.client)
    }

    private func network(of target: FaultTarget, at address: String, _ context: FaultContext) -> PodNetwork {
        let helper = HelperPod("cut", for: target, in: helperNamespace, image: image, runID: context.runID)
        return PodNetwork(.cut, of: target, at: address, for: duration, by: helper)
    }
}
