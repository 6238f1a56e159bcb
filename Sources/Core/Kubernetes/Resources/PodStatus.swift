import KubernetesAPI

public struct PodStatus: Codable, Sendable, Hashable {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String?
    public var conditions: [Condition]?
    public var reason: String?
    public var message: String?
    public var podIP: String?
    public var hostIP: String?
    public var startTime: KubernetesTime?
    public var containerStatuses: [ContainerStatus]?
    public var initContainerStatuses: [ContainerStatus]?
    public var qosClass: String?
}

public struct ContainerStatus: Codable, Sendable, Hashable {
    public var name: String
    public var state: ContainerState?
    /// The end of the instance before this one.
    public var lastState: ContainerState?
    public var ready: Bool
    public var restartCount: Int
    public var image: String?
    public var imageID: String?
    /// `containerd://<id>`; changes when the container is started again.
    public var containerID: String?
    public var started: Bool?
}

/// At most one of its members is set.
public struct ContainerState: Codable, Sendable, Hashable {
    public var waiting: Waiting?
    public var running: Running?
    public var terminated: Terminated?

    public struct Waiting: Codable, Sendable, Hashable {
        /// For example `ContainerCreating`, `CrashLoopBackOff`.
        public var reason: String?
        public var message: String?
    }

    public struct Running: Codable, Sendable, Hashable {
        public var startedAt: KubernetesTime?
    }

    public struct Terminated: Codable, Sendable, Hashable {
        /// 137 after SIGKILL, 143 after SIGTERM.
        public var exitCode: Int
        public var signal: Int?
        public var reason: String?
        public var message: String?
        public var startedAt: KubernetesTime?
        public var finishedAt: KubernetesTime?
        public var containerID: String?
    }
}

extension Pod {
    /// The condition `Ready` is `True` and the pod is not being deleted.
    public var isReady: Bool { metadata.deletionTimestamp == nil && status?.conditions?["Ready"]?.status == "True" }

    /// Succeeded or failed: its containers will not run again.
    public var isFinished: Bool { status?.phase == "Succeeded" || status?.phase == "Failed" }

    /// A static pod's image in the API (annotation `kubernetes.io/config.mirror`): deleting it stops nothing.
    public var isMirror: Bool { metadata.annotations[AnnotationKey.configMirror] != nil }

    public func containerStatus(_ name: String) -> ContainerStatus? {
        status?.containerStatuses?.first { $0.name == name }
    }
}
