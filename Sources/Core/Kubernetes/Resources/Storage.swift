import KubernetesAPI

public struct PersistentVolumeClaim: KubernetesResource {
    public static let kind = "PersistentVolumeClaim"
    public static let plural = "persistentvolumeclaims"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: ClaimStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var accessModes: [String]?
        public var volumeName: String?
        public var volumeMode: String?
        public var storageClassName: String?
        public var resources: ResourceRequirements?
    }

    public struct ClaimStatus: Codable, Sendable, Hashable {
        /// `Pending`, `Bound` or `Lost`.
        public var phase: String?
        public var accessModes: [String]?
        public var capacity: [String: String]?
    }
}

public struct PersistentVolume: KubernetesResource {
    public static let kind = "PersistentVolume"
    public static let plural = "persistentvolumes"
    public static let isNamespaced = false

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: VolumeStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var capacity: [String: String]?
        public var accessModes: [String]?
        public var claimRef: ObjectReference?
        public var storageClassName: String?
        public var persistentVolumeReclaimPolicy: String?
        public var csi: CSI?
        public var hostPath: Volume.HostPath?
        public var local: Local?
        public var nodeAffinity: NodeAffinity?
    }

    /// The nodes that can have the volume: those of any of the terms.
    public struct NodeAffinity: Codable, Sendable, Hashable {
        public var required: NodeSelector?
    }

    public struct NodeSelector: Codable, Sendable, Hashable {
        public var nodeSelectorTerms: [Term]?

        /// All of its expressions together.
        public struct Term: Codable, Sendable, Hashable {
            public var matchExpressions: [Expression]?
        }

        public struct Expression: Codable, Sendable, Hashable {
            public var key: String
            public var `operator`: String
            public var values: [String]?
        }
    }

    public struct CSI: Codable, Sendable, Hashable {
        public var driver: String
        public var volumeHandle: String
    }

    public struct Local: Codable, Sendable, Hashable {
        public var path: String
    }

    public struct VolumeStatus: Codable, Sendable, Hashable {
        public var phase: String?
    }

    /// The name of the storage itself, behind the object: the CSI handle or the path.
    public var handle: String? {
        if let csi = spec.csi { return "\(csi.driver)/\(csi.volumeHandle)" }
        return spec.hostPath?.path ?? spec.local?.path
    }
}

public struct StorageClass: KubernetesResource {
    public static let group = "storage.k8s.io"
    public static let kind = "StorageClass"
    public static let plural = "storageclasses"
    public static let isNamespaced = false

    public var metadata: ObjectMeta
    public var provisioner: String
    public var reclaimPolicy: String?
    public var volumeBindingMode: String?
    public var allowVolumeExpansion: Bool?
    public var parameters: [String: String]?

    public var isDefault: Bool { metadata.annotations[AnnotationKey.isDefaultClass] == "true" }
}

public struct VolumeAttachment: KubernetesResource {
    public static let group = "storage.k8s.io"
    public static let kind = "VolumeAttachment"
    public static let plural = "volumeattachments"
    public static let isNamespaced = false

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: AttachmentStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var attacher: String
        public var nodeName: String
        public var source: Source
    }

    public struct Source: Codable, Sendable, Hashable {
        public var persistentVolumeName: String?
    }

    public struct AttachmentStatus: Codable, Sendable, Hashable {
        public var attached: Bool
        public var attachError: VolumeError?
        public var detachError: VolumeError?
    }

    public struct VolumeError: Codable, Sendable, Hashable {
        public var time: KubernetesTime?
        public var message: String?
    }
}
