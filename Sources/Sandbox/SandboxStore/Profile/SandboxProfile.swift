/// The speed of the sandbox's control plane.
package enum SandboxProfile: String, Sendable, CaseIterable {
    /// A second or two where Kubernetes takes a minute or more, so that a node failure can be watched in seconds.
    case fast
    /// Kubernetes' own defaults.
    case kubernetes

    /// The time for which a pod stays on a node that is not ready or unreachable before it is deleted (the
    /// `DefaultTolerationSeconds` admission plugin).
    package var defaultTolerationSeconds: Int64 {
        switch self {
        case .fast: 2
        case .kubernetes: 300
        }
    }

    /// The time for which a deleted namespace keeps its content (Kubernetes: `namespaceDeletionGracePeriod`).
    package var namespaceSettling: Duration {
        switch self {
        case .fast: .seconds(1)
        case .kubernetes: .seconds(5)
        }
    }
}
