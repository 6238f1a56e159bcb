/// Misbehaviour of the control plane on purpose, for proving that the harness notices.
package enum SandboxFlaw: String, Sendable, CaseIterable {
    /// A Service gets new addresses when its pod comes back.
    case serviceIPChanges = "service-ip-changes"
    /// A replaced pod finds a fresh claim of the same name.
    case claimSwapped = "pvc-swapped"
    /// A replaced pod goes to another node when it could stay, and stays when it should go.
    case wrongNode = "wrong-node"
    /// A lost pod is not replaced.
    case neverRescheduled = "never-rescheduled"
    /// After a pod was replaced, one replica fewer than wanted is ready.
    case replicaShort = "replica-short"
    /// The deletion of a pod is answered as if it were done, and the pod runs on.
    case deletionIgnored = "deletion-ignored"
    /// The Service proxy forwards to other pods 3 s later than it is told to, as kube-proxy does where its rules are many.
    case slowProxy = "slow-proxy"
}
