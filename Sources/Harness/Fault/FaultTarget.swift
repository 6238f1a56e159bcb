public import Kubernetes

/// The instance that a fault is aimed at, as it was when the fault was planned. Every mutation is bound to these identities.
public struct FaultTarget: Sendable, Hashable {
    public var namespace: String
    /// `deployment/NAME`, or of another kind: what keeps the pod there.
    public var workload: String
    public var pod: String
    public var podUID: String
    public var node: String
    public var container: String
    /// As the pod's status has it, `containerd://<64 hex digits>`.
    public var containerID: String
    public var restartCount: Int
    /// By which the run holds the target. It carries the mark of a fault that changes nobody knows what.
    public var lease: String

    public init(
        namespace: String, workload: String = "", pod: String, podUID: String, node: String, container: String, containerID: String,
        restartCount: Int,
        lease: String
    ) {
        self.namespace = namespace
        self.workload = workload
        self.pod = pod
        self.podUID = podUID
        self.node = node
        self.container = container
        self.containerID = containerID
        self.restartCount = restartCount
        self.lease = lease
    }

    /// The container's ID without the runtime's name, as control groups have it.
    var containerDigits: String { containerID.split(separator: "/").last.map(String.init) ?? containerID }

    /// The target that a running pod is.
    ///
    /// - Throws: when the pod is not running on a node, or has no such container.
    public init(pod: Pod, container: String, workload: String, lease: String) throws(FaultError) {
        let name = pod.metadata.name
        guard let uid = pod.metadata.uid, let node = pod.spec.nodeName else {
            throw FaultError(.targetNotRunning, "pod \(name) is not on a node yet")
        }
        guard let status = pod.containerStatus(container), let id = status.containerID, status.state?.running != nil else {
            throw FaultError(.targetNotRunning, "container \(container) of pod \(name) is not running")
        }
        self.init(
            namespace: pod.metadata.namespace ?? "default", workload: workload, pod: name, podUID: uid, node: node, container: container,
            containerID: id,
            restartCount: status.restartCount, lease: lease)
    }
}

/// A fault that could not be planned, injected or undone.
public struct FaultError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of a fault's error.
    public enum Code: String, Sendable {
        /// There is nothing to act on, or it is not in the state that the fault needs.
        case targetNotRunning
        /// The fault was refused or did not come through.
        case notInjected
        /// A guard rail forbids it.
        case refused
    }

    public var code: Code
    public var message: String
    /// The next step for the user.
    public var hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
