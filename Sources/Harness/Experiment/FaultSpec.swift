/// The action on the instance: exactly one kind.
public enum FaultSpec: Sendable, Hashable {
    /// Nothing, for `duration`: the control experiment, whose downtime must be 0.
    case none(duration: Duration)
    case processKill(ProcessKill)
    case containerKill(ContainerKill)
    case podDelete(PodDelete)
    case podEvict(PodEvict)
    case nodeDrain(NodeDrain)
    case nodeTaint(NodeTaint)
    case nodeFailure(NodeFailure)
    case command(Command)

    /// A signal to a process inside the container.
    public struct ProcessKill: Sendable, Hashable {
        public enum Signal: String, Sendable, Hashable, CaseIterable {
            case kill = "KILL"
            case terminate = "TERM"
            /// SIGSTOP, and SIGCONT after `resumeAfter`: the frozen server whose kernel still accepts TCP.
            case stop = "STOP"
        }

        /// The process's name as in `/proc/PID/comm`. Of several, the child of one of the same name is meant, as with sqlservr.
        public var process: String
        public var signal: Signal
        public var resumeAfter: Duration
    }

    /// SIGKILL to the container's init, sent from the node by a helper pod.
    public struct ContainerKill: Sendable, Hashable {
        /// Any image with a POSIX shell.
        public var helperImage: String
        /// Where the helper pod runs; `nil`: the target's namespace.
        public var helperNamespace: String?
    }

    public struct PodDelete: Sendable, Hashable {
        /// `nil`: the pod's own; 0: forced.
        public var gracePeriod: Duration?
    }

    public struct PodEvict: Sendable, Hashable {
        /// The time for which a 429 of a PodDisruptionBudget is waited for.
        public var timeout: Duration
        public var gracePeriod: Duration?
    }

    public struct NodeDrain: Sendable, Hashable {
        public var timeout: Duration
        public var gracePeriod: Duration?
        public var ignoreDaemonSets: Bool
        public var deleteEmptyDirData: Bool
        /// Also pods that nothing re-creates.
        public var force: Bool
    }

    public struct NodeTaint: Sendable, Hashable {
        public var key: String
        public var value: String
    }

    /// Argument vectors for any infrastructure; `{node}` is replaced by the node's name.
    public struct NodeFailure: Sendable, Hashable {
        public var inject: [String]
        public var undo: [String]
        public var timeout: Duration
        /// The time in which the node must show as not ready.
        public var noticedWithin: Duration
        /// The time in which it must be Ready again after `undo`.
        public var readyWithin: Duration
    }

    /// `{node}`, `{pod}` and `{namespace}` are replaced.
    public struct Command: Sendable, Hashable {
        public var inject: [String]
        public var undo: [String]?
        /// Exits 0 when the fault is in effect.
        public var probe: [String]
        public var timeout: Duration
    }

    /// The kind as the file names it.
    public var kind: String {
        switch self {
        case .none: "none"
        case .processKill: "processKill"
        case .containerKill: "containerKill"
        case .podDelete: "podDelete"
        case .podEvict: "podEvict"
        case .nodeDrain: "nodeDrain"
        case .nodeTaint: "nodeTaint"
        case .nodeFailure: "nodeFailure"
        case .command: "command"
        }
    }
}
