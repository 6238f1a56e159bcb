public import Foundation

public struct Namespace: KubernetesResource {
    public static let kind = "Namespace"
    public static let plural = "namespaces"
    public static let isNamespaced = false

    public var metadata: ObjectMeta
    public var status: NamespaceStatus?

    public struct NamespaceStatus: Codable, Sendable, Hashable {
        /// `Active` or `Terminating`.
        public var phase: String?
    }
}

/// Its values never belong into a log, journal or report.
public struct Secret: KubernetesResource {
    public static let kind = "Secret"
    public static let plural = "secrets"

    public var metadata: ObjectMeta
    public var type: String?
    /// Decoded values by key.
    public var data: [String: Data]?
}

extension Secret: CustomStringConvertible, CustomReflectable {
    /// Names the keys only.
    public var description: String { "Secret \(metadata.namespace ?? "")/\(metadata.name) \((data ?? [:]).keys.sorted())" }
    public var customMirror: Mirror { Mirror(self, children: ["metadata": metadata, "keys": (data ?? [:]).keys.sorted()]) }
}

public struct ConfigMap: KubernetesResource {
    public static let kind = "ConfigMap"
    public static let plural = "configmaps"

    public var metadata: ObjectMeta
    public var data: [String: String]?
}

/// `v1` Event: what a component reports about an object. Its times have a resolution of one second at best.
public struct ClusterEvent: KubernetesResource {
    public static let kind = "Event"
    public static let plural = "events"

    public var metadata: ObjectMeta
    public var involvedObject: ObjectReference
    public var reason: String?
    public var message: String?
    /// `Normal` or `Warning`.
    public var type: String?
    public var count: Int?
    public var firstTimestamp: KubernetesTime?
    public var lastTimestamp: KubernetesTime?
    public var eventTime: KubernetesTime?
    public var source: Source?
    public var reportingComponent: String?

    public struct Source: Codable, Sendable, Hashable {
        public var component: String?
        public var host: String?
    }
}

public struct Lease: KubernetesResource {
    public static let group = "coordination.k8s.io"
    public static let kind = "Lease"
    public static let plural = "leases"

    public var metadata: ObjectMeta
    public var spec: Spec?

    public struct Spec: Codable, Sendable, Hashable {
        public var holderIdentity: String?
        public var leaseDurationSeconds: Int?
        public var renewTime: KubernetesTime?
        public var acquireTime: KubernetesTime?
    }
}

/// `policy/v1`, and `v1beta1` of servers before 1.21.
public struct PodDisruptionBudget: KubernetesResource {
    public static let group = "policy"
    public static let versions = ["v1", "v1beta1"]
    public static let kind = "PodDisruptionBudget"
    public static let plural = "poddisruptionbudgets"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: BudgetStatus?

    public struct Spec: Codable, Sendable, Hashable {
        public var minAvailable: IntOrString?
        public var maxUnavailable: IntOrString?
        public var selector: LabelSelector?
        public var unhealthyPodEvictionPolicy: String?
    }

    public struct BudgetStatus: Codable, Sendable, Hashable {
        public var observedGeneration: Int?
        public var disruptionsAllowed: Int
        public var currentHealthy: Int
        public var desiredHealthy: Int
        public var expectedPods: Int

        /// A budget that the disruption controller has not looked at yet has an empty status: as in Go, its counts are 0.
        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            observedGeneration = try container.decodeIfPresent(Int.self, forKey: .observedGeneration)
            disruptionsAllowed = try container.decodeIfPresent(Int.self, forKey: .disruptionsAllowed) ?? 0
            currentHealthy = try container.decodeIfPresent(Int.self, forKey: .currentHealthy) ?? 0
            desiredHealthy = try container.decodeIfPresent(Int.self, forKey: .desiredHealthy) ?? 0
            expectedPods = try container.decodeIfPresent(Int.self, forKey: .expectedPods) ?? 0
        }
    }
}

/// A user's permissions, as the server judges them.
public struct SelfSubjectAccessReview: Decodable, Sendable, Hashable {
    public var status: ReviewStatus?

    public struct ReviewStatus: Codable, Sendable, Hashable {
        public var allowed: Bool
        public var denied: Bool?
        public var reason: String?
        public var evaluationError: String?
    }
}

/// A verb on a resource, as RBAC rules name them.
public struct ResourceAttributes: Codable, Sendable, Hashable, CustomStringConvertible {
    public var verb: String
    public var group: String
    public var resource: String
    public var subresource: String?
    public var namespace: String?
    public var name: String?

    public init(
        verb: String, group: String = "", resource: String, subresource: String? = nil, namespace: String? = nil, name: String? = nil
    ) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }

    /// For example `create pods/exec in namespace sql`.
    public var description: String {
        var text = "\(verb) \(resource)"
        if let subresource { text += "/\(subresource)" }
        if !group.isEmpty { text += ".\(group)" }
        if let name { text += " '\(name)'" }
        return text + (namespace.map { " in namespace \($0)" } ?? " in the whole cluster")
    }
}

/// The answer of `/version`.
public struct ServerVersion: Codable, Sendable, Hashable {
    public var major: String
    public var minor: String
    public var gitVersion: String
    public var platform: String?
}
