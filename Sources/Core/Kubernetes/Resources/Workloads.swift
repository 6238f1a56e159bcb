public struct Deployment: KubernetesResource {
    public static let group = "apps"
    public static let kind = "Deployment"
    public static let plural = "deployments"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: WorkloadStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var replicas: Int?
        public var selector: LabelSelector
        public var template: PodTemplate
        public var strategy: Strategy?
        public var paused: Bool?
    }

    public struct Strategy: Codable, Sendable, Hashable {
        /// `RollingUpdate` (the default) or `Recreate`.
        public var type: String?
        public var rollingUpdate: RollingUpdate?
    }

    public struct RollingUpdate: Codable, Sendable, Hashable {
        public var maxUnavailable: IntOrString?
        public var maxSurge: IntOrString?
    }
}

public struct ReplicaSet: KubernetesResource {
    public static let group = "apps"
    public static let kind = "ReplicaSet"
    public static let plural = "replicasets"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: WorkloadStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var replicas: Int?
        public var selector: LabelSelector
    }
}

public struct StatefulSet: KubernetesResource {
    public static let group = "apps"
    public static let kind = "StatefulSet"
    public static let plural = "statefulsets"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: WorkloadStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var replicas: Int?
        public var serviceName: String?
        public var podManagementPolicy: String?
        public var selector: LabelSelector
        public var template: PodTemplate
        public var volumeClaimTemplates: [ClaimTemplate]?
        public var updateStrategy: UpdateStrategy?
        public var ordinals: Ordinals?
    }

    public struct UpdateStrategy: Codable, Sendable, Hashable {
        /// `RollingUpdate` (the default) or `OnDelete`.
        public var type: String?
        public var rollingUpdate: RollingUpdate?
    }

    public struct RollingUpdate: Codable, Sendable, Hashable {
        /// The first ordinal that an update reaches: pods below it keep the template that they have.
        public var partition: Int?
    }

    public struct Ordinals: Codable, Sendable, Hashable {
        public var start: Int?
    }

    public struct ClaimTemplate: Codable, Sendable, Hashable {
        public var metadata: ObjectMeta
        public var spec: PersistentVolumeClaim.Spec
    }
}

public struct DaemonSet: KubernetesResource {
    public static let group = "apps"
    public static let kind = "DaemonSet"
    public static let plural = "daemonsets"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: Counts?

    public struct Spec: Codable, Sendable, Hashable {
        public var selector: LabelSelector
    }

    public struct Counts: Codable, Sendable, Hashable {
        public var desiredNumberScheduled: Int?
        public var numberReady: Int?
    }
}

public struct PodTemplate: Codable, Sendable, Hashable {
    public var metadata: ObjectMeta?
    public var spec: PodSpec
}

/// The counts that Deployments, ReplicaSets and StatefulSets share. The API leaves out what is 0.
public struct WorkloadStatus: Codable, Sendable, Hashable {
    public var observedGeneration: Int?
    public var replicas: Int?
    public var readyReplicas: Int?
    public var availableReplicas: Int?
    public var updatedReplicas: Int?
    public var unavailableReplicas: Int?
    public var currentRevision: String?
    public var updateRevision: String?
    public var conditions: [Condition]?
}
