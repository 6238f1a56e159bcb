/// The actions on a node of a sandbox, by its path under `/apis/sandbox.aftershock/v1/nodes/NAME/`.
package enum NodeAction: String, Sendable, CaseIterable {
    /// A power cut: every process on it ends at once and its connections fall silent.
    case powerOff = "poweroff"
    /// Power comes back.
    case start
    /// The network is lost; what runs goes on running.
    case cut
    /// The network comes back.
    case heal
    case stopKubelet = "stop-kubelet"
    case startKubelet = "start-kubelet"
}
