import KubernetesAPI

public struct Node: KubernetesResource {
    public static let kind = "Node"
    public static let plural = "nodes"
    public static let isNamespaced = false

    public var metadata: ObjectMeta
    public var spec: Spec?
    public var status: NodeStatus?

    public struct Spec: Codable, Sendable, Hashable {
        /// Cordoned.
        public var unschedulable: Bool?
        public var taints: [Taint]?
        public var podCIDR: String?
        public var providerID: String?
    }

    public struct NodeStatus: Codable, Sendable, Hashable {
        public var conditions: [Condition]?
        public var addresses: [Address]?
        public var nodeInfo: Info?
        /// Quantities as written.
        public var allocatable: [String: String]?
        public var capacity: [String: String]?
        public var volumesInUse: [String]?
        public var volumesAttached: [AttachedVolume]?
    }

    public struct Address: Codable, Sendable, Hashable {
        public var type: String
        public var address: String
    }

    public struct AttachedVolume: Codable, Sendable, Hashable {
        public var name: String
        public var devicePath: String?
    }

    public struct Info: Codable, Sendable, Hashable {
        public var kubeletVersion: String?
        public var containerRuntimeVersion: String?
        public var kernelVersion: String?
        public var osImage: String?
        public var architecture: String?
        /// Changes with each boot.
        public var bootID: String?
    }
}

public struct Taint: Codable, Sendable, Hashable {
    public var key: String
    public var value: String?
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    public var effect: String
    public var timeAdded: KubernetesTime?

    public init(key: String, value: String? = nil, effect: String) {
        self.key = key
        self.value = value
        self.effect = effect
    }
}

extension Node {
    /// The condition `Ready`: `True`, `False`, or `Unknown` when its kubelet is not heard any more.
    public var readiness: String { status?.conditions?["Ready"]?.status ?? "Unknown" }
    public var isReady: Bool { readiness == "True" }
    public var isCordoned: Bool { spec?.unschedulable == true }

    /// Labelled as a control plane node, by today's label or the one of before 1.20.
    public var isControlPlane: Bool {
        ["control-plane", "master"].contains { metadata.labels[LabelKey.nodeRolePrefix + $0] != nil }
    }
}
