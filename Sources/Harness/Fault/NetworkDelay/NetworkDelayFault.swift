import Experiment
import Journal
import Kubernetes

/// Every packet that the pod sends waits, by the kernel's network emulator in its network namespace.
struct NetworkDelayFault: FaultInjection {
    static let kind = "networkDelay"
    static let summary = "Delays every packet that the pod sends, from its node by a helper pod."
    static let fields: [Format.Field] =
        [
            .optional("delay", .duration(minimum: .milliseconds(1)), .duration(.milliseconds(100)), "The delay of every packet."),
            .optional("jitter", .duration(), .duration(.zero), "The delay varies by so much, up and down."),
            .optional("duration", .positive, .duration(.seconds(30)), "The time after which the delay is taken away."),
        ]
        + HelperPod.fields(
            image: "nicolaka/netshoot:v0.13", needs: "a POSIX shell, nsenter, ping, and tc of iproute2, which busybox has not")
    static let manual = [
        FaultManual(
            "`networkDelay`",
            happens: "every packet that the pod sends waits for `delay`, by netem in its network namespace, for `duration`",
            proof: "a ping from its node takes longer by that much than before",
            restored: "the queue, then the helper pod; by the helper itself a minute after `duration` if nobody else does it",
            restoredProof: "no device of the pod has a delay, or the pod is gone; the helper is gone")
    ]
    static var undoActions: [any UndoAction.Type] { [HealNetwork.self] }

    let delay: Duration
    let jitter: Duration
    let duration: Duration
    let image: String
    let helperNamespace: String?

    init(_ fields: FormatValue, options: FaultOptions) {
        delay = fields.requiredDuration("delay")
        jitter = fields.requiredDuration("jitter")
        duration = fields.requiredDuration("duration")
        image = options.helperImage ?? fields.requiredText("helperImage")
        helperNamespace = fields.text("helperNamespace")
    }

    var sparesInstance: Bool { true }

    var undoAfter: Duration? { duration }

    func plan(_ target: FaultTarget) -> [String] {
        let varying = jitter > .zero ? " ± \(jitter.text)" : ""
        return [
            "create a privileged helper pod (image \(image)) with hostPID on node \(target.node) in namespace \(helperNamespace ?? target.namespace)",
            "delay every packet that pod \(target.namespace)/\(target.pod) sends by \(delay.text)\(varying), by netem in its network namespace",
            "take the delay away after \(duration.text), and delete the helper pod, which otherwise does it by itself \(PodNetwork.margin.text) later",
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
                message:
                    "it would delay pod \(subject.pod.metadata.name); the helper image \(image) needs nsenter, tc and ping, the node's kernel sch_netem"
            )
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
        let helper = HelperPod("delay", for: target, in: helperNamespace, image: image, runID: context.runID)
        return PodNetwork(
            .delay, of: target, at: address, for: duration, delay: Int(delay / .milliseconds(1)), jitter: Int(jitter / .milliseconds(1)),
            by: helper)
    }
}
