/// The waits of the control plane and the kubelets in each profile.
///
/// The `kubernetes` values are the defaults of kube-controller-manager and kubelet
/// (https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/, kubelet-config.v1beta1).
package struct SandboxTimings: Sendable {
    /// The interval at which a kubelet renews its node's Lease.
    package var heartbeat: Duration
    /// `--node-monitor-grace-period`: how old the Lease may be before the node counts as unreachable.
    package var nodeMonitorGrace: Duration
    /// `maxWaitForUnmountDuration`: how long a volume stays attached to an unhealthy node that cannot say that it has unmounted it.
    package var forceDetachAfter: Duration
    /// The time for which a pod may be bound to a node that does not exist (PodGC).
    package var orphanQuarantine: Duration
    /// The first wait before a container that has crashed is started again.
    package var crashBackOff: Duration
    /// The longest such wait.
    package var longestCrashBackOff: Duration
    /// The time that a container must have run for its back-off to start again.
    package var crashBackOffReset: Duration
    /// The time for which a request to a node that does not answer waits.
    package var dialTimeout: Duration
}

extension SandboxProfile {
    package var timings: SandboxTimings {
        switch self {
        case .fast:
            SandboxTimings(
                heartbeat: .milliseconds(500), nodeMonitorGrace: .seconds(2), forceDetachAfter: .seconds(2), orphanQuarantine: .seconds(1),
                crashBackOff: .milliseconds(200), longestCrashBackOff: .seconds(5), crashBackOffReset: .seconds(10),
                dialTimeout: .seconds(2))
        case .kubernetes:
            SandboxTimings(
                heartbeat: .seconds(10), nodeMonitorGrace: .seconds(50), forceDetachAfter: .seconds(360), orphanQuarantine: .seconds(40),
                crashBackOff: .seconds(10), longestCrashBackOff: .seconds(300), crashBackOffReset: .seconds(600), dialTimeout: .seconds(30))
        }
    }
}
