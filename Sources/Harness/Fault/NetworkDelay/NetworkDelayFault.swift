import Experiment
import Journal
import Kubernetes

/// Delays every packet that the pod sends, by the kernel's network emulator in its network namespace.
struct NetworkDelayFault: PodNetworkFault {
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
    static let words = (verb: "delay", needs: "nsenter, tc and ping, the node's kernel sch_netem")

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

    func steps(_ target: FaultTarget) -> (change: String, revert: String) {
        let varying = jitter > .zero ? " ± \(jitter.text)" : ""
        return (
            "delay every packet that pod \(target.namespace)/\(target.pod) sends by \(delay.text)\(varying), by netem in its network namespace",
            "take the delay away"
        )
    }

    func network(of target: FaultTarget, at address: String, by helper: HelperPod) -> PodNetwork {
        PodNetwork(
            .delay, of: target, at: address, for: duration, delay: Int(delay / .milliseconds(1)), jitter: Int(jitter / .milliseconds(1)),
            by: helper)
    }
}
