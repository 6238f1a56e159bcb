public struct Pod: KubernetesResource {
    public static let kind = "Pod"
    public static let plural = "pods"

    public var metadata: ObjectMeta
    public var spec: PodSpec
    public var status: PodStatus?
}

public struct PodSpec: Codable, Sendable, Hashable {
    public var nodeName: String?
    public var hostname: String?
    public var hostPID: Bool?
    public var hostNetwork: Bool?
    public var serviceAccountName: String?
    public var restartPolicy: String?
    public var terminationGracePeriodSeconds: Int?
    public var priorityClassName: String?
    public var containers: [Container]
    public var initContainers: [Container]?
    public var volumes: [Volume]?
    public var tolerations: [Toleration]?
    public var nodeSelector: [String: String]?
    public var securityContext: PodSecurityContext?
}

public struct PodSecurityContext: Codable, Sendable, Hashable {
    public var fsGroup: Int?
    public var runAsUser: Int?
}

public struct Container: Codable, Sendable, Hashable {
    public var name: String
    public var image: String?
    public var command: [String]?
    public var args: [String]?
    public var ports: [ContainerPort]?
    public var env: [EnvironmentVariable]?
    public var volumeMounts: [VolumeMount]?
    public var resources: ResourceRequirements?
    public var readinessProbe: ContainerProbe?
    public var livenessProbe: ContainerProbe?
    public var startupProbe: ContainerProbe?
}

public struct ContainerPort: Codable, Sendable, Hashable {
    public var name: String?
    public var containerPort: Int
    public var `protocol`: String?
}

public struct EnvironmentVariable: Codable, Sendable, Hashable {
    public var name: String
    public var value: String?
    public var valueFrom: Source?

    public struct Source: Codable, Sendable, Hashable {
        public var secretKeyRef: KeyReference?
        public var configMapKeyRef: KeyReference?
    }

    public struct KeyReference: Codable, Sendable, Hashable {
        public var name: String?
        public var key: String
    }
}

public struct VolumeMount: Codable, Sendable, Hashable {
    public var name: String
    public var mountPath: String
    public var subPath: String?
    public var readOnly: Bool?
}

public struct ResourceRequirements: Codable, Sendable, Hashable {
    /// Quantities as written, for example `500m` or `2Gi`.
    public var requests: [String: String]?
    public var limits: [String: String]?
}

/// A kubelet's check of a container. The model knows no more of the check than its kind.
public struct ContainerProbe: Codable, Sendable, Hashable {
    public var initialDelaySeconds: Int?
    public var periodSeconds: Int?
    public var timeoutSeconds: Int?
    public var successThreshold: Int?
    public var failureThreshold: Int?
    public var tcpSocket: TCPSocket?
    public var exec: Exec?

    public struct TCPSocket: Codable, Sendable, Hashable {
        public var port: IntOrString
    }

    public struct Exec: Codable, Sendable, Hashable {
        public var command: [String]?
    }
}

public struct Volume: Codable, Sendable, Hashable {
    public var name: String
    public var persistentVolumeClaim: ClaimReference?
    public var emptyDir: EmptyDirectory?
    public var hostPath: HostPath?

    public struct ClaimReference: Codable, Sendable, Hashable {
        public var claimName: String
        public var readOnly: Bool?
    }

    public struct EmptyDirectory: Codable, Sendable, Hashable {
        public var medium: String?
    }

    public struct HostPath: Codable, Sendable, Hashable {
        public var path: String
        public var type: String?
    }
}

public struct Toleration: Codable, Sendable, Hashable {
    public var key: String?
    public var `operator`: String?
    public var value: String?
    public var effect: String?
    /// The time for which a `NoExecute` taint is tolerated; `nil` means forever.
    public var tolerationSeconds: Int?
}

extension Toleration {
    /// Returns whether it tolerates the taint (`v1helper.TolerationsTolerateTaint`).
    public func tolerates(_ taint: Taint) -> Bool {
        if let effect, !effect.isEmpty, effect != taint.effect { return false }
        if let key, !key.isEmpty, key != taint.key { return false }
        return switch self.operator ?? "Equal" {
        case "", "Equal": (value ?? "") == (taint.value ?? "") && !(key ?? "").isEmpty
        case "Exists": true
        default: false
        }
    }
}
