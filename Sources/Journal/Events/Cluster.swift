/// The parts of the promise that can be read off the cluster, before the fault and after the recovery.
public struct Snapshot: Codable, Sendable, Hashable {
    public enum Moment: String, Codable, Sendable {
        case before, after
    }

    public struct Service: Codable, Sendable, Hashable {
        public var name: String
        public var uid: String
        public var type: String
        public var clusterIP: String
        /// `status.loadBalancer.ingress`, IPs and host names, sorted.
        public var ingress: [String]

        public init(name: String, uid: String, type: String, clusterIP: String, ingress: [String]) {
            self.name = name
            self.uid = uid
            self.type = type
            self.clusterIP = clusterIP
            self.ingress = ingress
        }
    }

    /// A volume claim of the target pod and what it is bound to.
    public struct Volume: Codable, Sendable, Hashable {
        public var claim: String
        public var claimUID: String
        public var volume: String
        /// What the storage system calls it: CSI handle, or the path of a hostPath or NFS volume.
        public var handle: String

        public init(claim: String, claimUID: String, volume: String, handle: String) {
            self.claim = claim
            self.claimUID = claimUID
            self.volume = volume
            self.handle = handle
        }
    }

    public struct Pod: Codable, Sendable, Hashable {
        public var name: String
        public var uid: String
        public var node: String
        public var containerID: String
        public var restartCount: Int
        public var ready: Bool
        public var terminating: Bool

        public init(
            name: String, uid: String, node: String, containerID: String, restartCount: Int, ready: Bool, terminating: Bool
        ) {
            self.name = name
            self.uid = uid
            self.node = node
            self.containerID = containerID
            self.restartCount = restartCount
            self.ready = ready
            self.terminating = terminating
        }
    }

    public var moment: Moment
    public var service: Service
    public var volumes: [Volume]
    /// Every pod of the workload, the terminating ones too.
    public var pods: [Pod]
    public var desiredReplicas: Int
    public var readyReplicas: Int
    /// `host:port` that is probed.
    public var address: String

    public init(
        moment: Moment, service: Service, volumes: [Volume], pods: [Pod], desiredReplicas: Int, readyReplicas: Int, address: String
    ) {
        self.moment = moment
        self.service = service
        self.volumes = volumes
        self.pods = pods
        self.desiredReplicas = desiredReplicas
        self.readyReplicas = readyReplicas
        self.address = address
    }

    /// The pod that serves: ready and not on its way out.
    public var servingPod: Pod? { pods.first { $0.ready && !$0.terminating } }
}

/// A change that a watch showed, at the moment when it arrived here.
public struct ClusterObservation: Codable, Sendable, Hashable {
    /// What was seen, as the phases of the downtime need it.
    public enum Kind: String, Codable, Sendable {
        case podCreated, podScheduled, podReady, podNotReady, podTerminating, podGone
        case containerStarted, containerTerminated, volumeAttached
        /// The kubelet waits before it starts the container again: its earlier restarts are too recent.
        case crashLoopBackOff
        case endpointReady, endpointGone
        case nodeReady, nodeNotReady, nodeUnschedulable, nodeSchedulable
        /// A Kubernetes Event about the target (`FailedAttachVolume`, `BackOff`...).
        case event
    }

    public var kind: Kind
    /// `pod/NAME`, `node/NAME`...
    public var object: String
    public var uid: String?
    public var node: String?
    public var detail: String?
    /// The server's own time stamp (RFC 3339, whole seconds): context only, never computed with.
    public var serverTime: String?

    public init(
        kind: Kind, object: String, uid: String? = nil, node: String? = nil, detail: String? = nil, serverTime: String? = nil
    ) {
        self.kind = kind
        self.object = object
        self.uid = uid
        self.node = node
        self.detail = detail
        self.serverTime = serverTime
    }
}

/// A time during which the cluster could not be watched.
public struct BlindInterval: Codable, Sendable, Hashable {
    public var from: RunTime
    public var to: RunTime
    public var reason: String

    public init(from: RunTime, to: RunTime, reason: String) {
        self.from = from
        self.to = to
        self.reason = reason
    }
}
