import KubernetesAPI

public struct Service: KubernetesResource {
    public static let kind = "Service"
    public static let plural = "services"

    public var metadata: ObjectMeta
    public var spec: Spec
    public var status: ServiceStatus?

    public struct Spec: Codable, Sendable, Hashable {
        /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
        public var type: String?
        /// `None` for a headless Service.
        public var clusterIP: String?
        public var clusterIPs: [String]?
        public var externalIPs: [String]?
        public var externalName: String?
        public var ports: [Port]?
        public var selector: [String: String]?
        public var sessionAffinity: String?
        public var externalTrafficPolicy: String?
        public var publishNotReadyAddresses: Bool?
    }

    public struct Port: Codable, Sendable, Hashable {
        public var name: String?
        public var port: Int
        public var `protocol`: String?
        public var targetPort: IntOrString?
        public var nodePort: Int?

        public var isTCP: Bool { `protocol` == nil || `protocol` == "TCP" }
    }

    public struct ServiceStatus: Codable, Sendable, Hashable {
        public var loadBalancer: LoadBalancer?
    }

    public struct LoadBalancer: Codable, Sendable, Hashable {
        public var ingress: [Ingress]?
    }

    public struct Ingress: Codable, Sendable, Hashable {
        public var ip: String?
        public var hostname: String?
    }
}

public struct Endpoints: KubernetesResource {
    public static let kind = "Endpoints"
    public static let plural = "endpoints"

    public var metadata: ObjectMeta
    public var subsets: [Subset]?

    public struct Subset: Codable, Sendable, Hashable {
        public var addresses: [Address]?
        public var notReadyAddresses: [Address]?
        public var ports: [Port]?
    }

    public struct Address: Codable, Sendable, Hashable {
        public var ip: String
        public var nodeName: String?
        public var targetRef: ObjectReference?
    }

    public struct Port: Codable, Sendable, Hashable {
        public var name: String?
        public var port: Int
    }
}

/// `discovery.k8s.io/v1`, and `v1beta1` of servers before 1.21, which carries the node's name in ``Endpoint/topology``.
public struct EndpointSlice: KubernetesResource {
    public static let group = "discovery.k8s.io"
    public static let versions = ["v1", "v1beta1"]
    public static let kind = "EndpointSlice"
    public static let plural = "endpointslices"

    public var metadata: ObjectMeta
    public var addressType: String
    public var endpoints: [Endpoint]?
    public var ports: [Port]?

    public struct Endpoint: Codable, Sendable, Hashable {
        public var addresses: [String]
        public var conditions: Conditions?
        public var nodeName: String?
        public var topology: [String: String]?
        public var targetRef: ObjectReference?

        /// No condition means ready.
        public var isReady: Bool { conditions?.ready ?? true }
        public var node: String? { nodeName ?? topology?[LabelKey.hostname] }
    }

    public struct Conditions: Codable, Sendable, Hashable {
        public var ready: Bool?
        public var serving: Bool?
        public var terminating: Bool?
    }

    public struct Port: Codable, Sendable, Hashable {
        public var name: String?
        public var port: Int?
    }
}

public struct ObjectReference: Codable, Sendable, Hashable {
    public var apiVersion: String?
    public var kind: String?
    public var namespace: String?
    public var name: String?
    public var uid: String?
    public var fieldPath: String?
}
