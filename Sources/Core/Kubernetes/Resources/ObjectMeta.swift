import JSON
import KubernetesAPI

/// `metav1.ObjectMeta`.
public struct ObjectMeta: Codable, Sendable, Hashable {
    public var name: String
    public var generateName: String?
    public var namespace: String?
    public var uid: String?
    public var resourceVersion: String?
    public var generation: Int?
    public var creationTimestamp: KubernetesTime?
    /// Set while the object waits for its graceful deletion: the time at which its grace period is over, which is still to come.
    public var deletionTimestamp: KubernetesTime?
    public var deletionGracePeriodSeconds: Int?
    public var labels: [String: String]
    public var annotations: [String: String]
    public var ownerReferences: [OwnerReference]
    public var finalizers: [String]

    public init(
        name: String = "", generateName: String? = nil, namespace: String? = nil, uid: String? = nil, labels: [String: String] = [:],
        annotations: [String: String] = [:]
    ) {
        self.name = name
        self.generateName = generateName
        self.namespace = namespace
        self.uid = uid
        self.labels = labels
        self.annotations = annotations
        self.ownerReferences = []
        self.finalizers = []
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        generateName = try container.decodeIfPresent(String.self, forKey: .generateName)
        namespace = try container.decodeIfPresent(String.self, forKey: .namespace)
        uid = try container.decodeIfPresent(String.self, forKey: .uid)
        resourceVersion = try container.decodeIfPresent(String.self, forKey: .resourceVersion)
        generation = try container.decodeIfPresent(Int.self, forKey: .generation)
        creationTimestamp = try container.decodeIfPresent(KubernetesTime.self, forKey: .creationTimestamp)
        deletionTimestamp = try container.decodeIfPresent(KubernetesTime.self, forKey: .deletionTimestamp)
        deletionGracePeriodSeconds = try container.decodeIfPresent(Int.self, forKey: .deletionGracePeriodSeconds)
        labels = try container.decodeIfPresent([String: String].self, forKey: .labels) ?? [:]
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations) ?? [:]
        ownerReferences = try container.decodeIfPresent([OwnerReference].self, forKey: .ownerReferences) ?? []
        finalizers = try container.decodeIfPresent([String].self, forKey: .finalizers) ?? []
    }

    /// The time at which the deletion was asked for.
    public var deletionRequested: KubernetesTime? {
        deletionTimestamp?.earlier(bySeconds: deletionGracePeriodSeconds ?? 0)
    }

    /// The owner that manages the object, for a pod its ReplicaSet, StatefulSet, DaemonSet or Job.
    public var controller: OwnerReference? { ownerReferences.first { $0.controller == true } }
}

public struct OwnerReference: Codable, Sendable, Hashable {
    public var apiVersion: String
    public var kind: String
    public var name: String
    public var uid: String
    public var controller: Bool?
}

/// `metav1.LabelSelector`.
public struct LabelSelector: Codable, Sendable, Hashable {
    public var matchLabels: [String: String]?
    public var matchExpressions: [Requirement]?

    public struct Requirement: Codable, Sendable, Hashable {
        public var key: String
        /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
        public var `operator`: String
        public var values: [String]?
    }

    /// Returns whether the labels meet every requirement. An empty selector matches everything, an unknown operator nothing.
    public func matches(_ labels: [String: String]) -> Bool { requirements.allSatisfy { $0?.matches(labels) ?? false } }

    /// The selector in the form of a `labelSelector` query parameter.
    public var query: String { requirements.compactMap { $0?.description }.joined(separator: ",") }

    /// The labels first, by name; `nil` for an expression whose operator is not known.
    private var requirements: [LabelRequirement?] {
        (matchLabels ?? [:]).sorted { $0.key < $1.key }.map { .isIn($0.key, [$0.value]) }
            + (matchExpressions ?? []).map { LabelRequirement(key: $0.key, operator: $0.operator, values: $0.values ?? []) }
    }
}

/// `intstr.IntOrString`: a port or an amount as a number, or a name or a percentage.
public enum IntOrString: Codable, Sendable, Hashable, CustomStringConvertible {
    case int(Int)
    case string(String)

    public init(from decoder: any Decoder) throws {
        switch try JSONValue(from: decoder) {
        case .integer(let value): self = .int(Int(value))
        case .string(let value): self = .string(value)
        case .null, .bool, .double, .array, .object:
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "neither an integer nor a string"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .int(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        }
    }

    public var description: String {
        switch self {
        case .int(let value): "\(value)"
        case .string(let value): value
        }
    }
}

/// The status of one aspect of an object (pods, nodes, deployments, claims, budgets).
public struct Condition: Codable, Sendable, Hashable {
    public var type: String
    /// `True`, `False` or `Unknown`.
    public var status: String
    public var reason: String?
    public var message: String?
    public var lastTransitionTime: KubernetesTime?
    public var lastHeartbeatTime: KubernetesTime?
}

extension Collection where Element == Condition {
    public subscript(type: String) -> Condition? { first { $0.type == type } }
}
