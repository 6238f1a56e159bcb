import Experiment
import Journal
import Kubernetes

/// Cuts the pod off from every other address, by a helper pod in its network namespace. Connections hang; nothing resets them.
struct NetworkCutFault: PodNetworkFault {
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
    static let words = (verb: "cut", needs: "nsenter, ip and ping")

    let duration: Duration
    let image: String
    let helperNamespace: String?

    init(_ fields: FormatValue, options: FaultOptions) {
        duration = fields.requiredDuration("duration")
        image = options.helperImage ?? fields.requiredText("helperImage")
        helperNamespace = fields.text("helperNamespace")
    }

    func steps(_ target: FaultTarget) -> (change: String, revert: String) {
        ("cut the network of pod \(target.namespace)/\(target.pod), by routing rules in its network namespace", "remove the rules")
    }

    func network(of target: FaultTarget, at address: String, by helper: HelperPod) -> PodNetwork {
        PodNetwork(.cut, of: target, at: address, for: duration, by: helper)
    }
}
