/// The cluster's objects that the promise is about, before the fault and after the recovery.
public struct Snapshot: Codable, Sendable, Hashable {
    /// The time of a snapshot in its repeat.
    public enum Moment: String, Codable, Sendable, CaseIterable {
        case before
        /// After a node fault and the recovery or its timeout, before the undo.
        case faulted
        case after
    }

    /// The probed Service.
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

    /// A volume claim of the target pod and its volume.
    public struct Volume: Codable, Sendable, Hashable {
        public var claim: String
        public var claimUID: String
        public var volume: String
        /// The storage system's own name for it: CSI handle, or the path of a hostPath or NFS volume.
        public var handle: String
        /// `nil` if the claim names none.
        public var storageClass: String?

        public init(claim: String, claimUID: String, volume: String, handle: String, storageClass: String? = nil) {
            self.claim = claim
            self.claimUID = claimUID
            self.volume = volume
            self.handle = handle
            self.storageClass = storageClass
        }
    }

    /// A pod of the workload.
    public struct Pod: Codable, Sendable, Hashable {
        public var name: String
        public var uid: String
        public var node: String
        public var containerID: String
        public var restartCount: Int
        public var ready: Bool
        public var terminating: Bool
        /// The time that the pod stays on a node with a taint (`node.kubernetes.io/unreachable`, `node.kubernetes.io/not-ready`), by taint.
        public var tolerationSeconds: [String: Int]?
        public var image: String?
        /// The image with its digest, as the node resolved it.
        public var imageID: String?

        public init(
            name: String, uid: String, node: String, containerID: String, restartCount: Int, ready: Bool, terminating: Bool,
            tolerationSeconds: [String: Int]? = nil, image: String? = nil, imageID: String? = nil
        ) {
            self.name = name
            self.uid = uid
            self.node = node
            self.containerID = containerID
            self.restartCount = restartCount
            self.ready = ready
            self.terminating = terminating
            self.tolerationSeconds = tolerationSeconds
            self.image = image
            self.imageID = imageID
        }
    }

    /// A VolumeAttachment of one of the volumes.
    public struct Attachment: Codable, Sendable, Hashable {
        public var volume: String
        public var node: String
        public var attached: Bool

        public init(volume: String, node: String, attached: Bool) {
            self.volume = volume
            self.node = node
            self.attached = attached
        }
    }

    /// The state of a node after the fault.
    public struct Node: Codable, Sendable, Hashable {
        public var name: String
        /// The status of its condition Ready: `True`, `False` or `Unknown`.
        public var ready: String
        /// The taints as `key:effect`.
        public var taints: [String]

        public init(name: String, ready: String, taints: [String]) {
            self.name = name
            self.ready = ready
            self.taints = taints
        }
    }

    public var moment: Moment
    public var service: Service
    public var volumes: [Volume]
    /// The pods of the workload, with the terminating ones.
    public var pods: [Pod]
    public var desiredReplicas: Int
    public var readyReplicas: Int
    /// `host:port` that is probed.
    public var address: String
    /// The attachments if ``moment`` is `faulted`; `nil` if they could not be read.
    public var attachments: [Attachment]?
    /// The node that the fault has taken away, if ``moment`` is `faulted`; `nil` if it could not be read.
    public var nodes: [Node]?

    public init(
        moment: Moment, service: Service, volumes: [Volume], pods: [Pod], desiredReplicas: Int, readyReplicas: Int, address: String,
        attachments: [Attachment]? = nil, nodes: [Node]? = nil
    ) {
        self.moment = moment
        self.service = service
        self.volumes = volumes
        self.pods = pods
        self.desiredReplicas = desiredReplicas
        self.readyReplicas = readyReplicas
        self.address = address
        self.attachments = attachments
        self.nodes = nodes
    }

    /// The pod that serves: ready and not terminating.
    public var servingPod: Pod? { pods.first { $0.ready && !$0.terminating } }
}

/// A change that a watch showed, with the time of its arrival.
public struct ClusterObservation: Codable, Sendable, Hashable {
    /// The kind of an observation, for the phases of the downtime.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case podCreated, podScheduled, podReady, podNotReady, podTerminating, podGone
        case containerStarted, containerTerminated, volumeAttached, volumeDetached
        /// The kubelet delays the restart of the container because of earlier restarts.
        case crashLoopBackOff
        case endpointReady, endpointGone
        /// The Service leads to more than one ready server.
        case severalBackends
        /// The harness has applied the experiment's remedy, because the service did not recover by itself.
        case remedy
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
    /// The exit of a ``Kind/containerTerminated``.
    public var exit: ContainerExit?
    /// The seconds that the containers have to stop, of a ``Kind/podTerminating``; 0 is forced.
    public var gracePeriod: Int?

    public init(
        kind: Kind, object: String, uid: String? = nil, node: String? = nil, detail: String? = nil, serverTime: String? = nil,
        exit: ContainerExit? = nil, gracePeriod: Int? = nil
    ) {
        self.kind = kind
        self.object = object
        self.uid = uid
        self.node = node
        self.detail = detail
        self.serverTime = serverTime
        self.exit = exit
        self.gracePeriod = gracePeriod
    }
}

/// The end of one instance of a container, as the kubelet reports it.
///
/// Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-state-terminated
public struct ContainerExit: Codable, Sendable, Hashable {
    public var container: String
    /// The ID of the instance that ended.
    public var containerID: String?
    /// 0 after an orderly stop, 137 after SIGKILL.
    public var code: Int
    /// `Completed`, `Error`, `OOMKilled`...
    public var reason: String?

    public init(container: String, containerID: String? = nil, code: Int, reason: String? = nil) {
        self.container = container
        self.containerID = containerID
        self.code = code
        self.reason = reason
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
