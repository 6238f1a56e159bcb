import Certificates
import Foundation
import JSON
import Testing

@testable import Kubernetes

/// The real cluster that `AFTERSHOCK_CLUSTER_KUBECONFIG` names (`ci/cluster/up` prints one).
enum RealCluster {
    static let kubeconfig = ProcessInfo.processInfo.environment["AFTERSHOCK_CLUSTER_KUBECONFIG"]
    static var isGiven: Bool { kubeconfig != nil }

    static func configuration(_ overrides: KubeconfigOverrides = KubeconfigOverrides()) throws -> ClusterConfiguration {
        var overrides = overrides
        if overrides.kubeconfig == nil { overrides.kubeconfig = kubeconfig }
        return try ClusterConfiguration.load(overrides)
    }

    static func client(_ overrides: KubeconfigOverrides = KubeconfigOverrides()) throws -> KubernetesClient {
        try KubernetesClient(configuration(overrides))
    }

    /// The cluster's own authority, which lies beside its kubeconfig, to issue certificates that have expired.
    static func authority() throws -> CertificateAuthority {
        let folder = URL(fileURLWithPath: kubeconfig ?? "").deletingLastPathComponent().appendingPathComponent("pki")
        return try CertificateAuthority(
            certificate: String(contentsOf: folder.appendingPathComponent("ca.crt"), encoding: .utf8),
            key: String(contentsOf: folder.appendingPathComponent("ca.key"), encoding: .utf8))
    }

    /// A namespace of its own, gone afterwards.
    static func withNamespace(_ body: (KubernetesClient, String) async throws -> Void) async throws {
        let client = try client()
        let name = "kubernetes-tests-\(UInt32.random(in: 0...UInt32.max))"
        _ = try await client.create(Namespace.self, ["metadata": ["name": .string(name)]])
        do {
            try await body(client, name)
        } catch {
            try await client.delete(Namespace.self, name)
            throw error
        }
        try await client.delete(Namespace.self, name)
    }

    /// A pod that does nothing, with a shell.
    static func pod(_ name: String, labels: JSONValue = ["app": "idle"]) -> JSONValue {
        [
            "metadata": ["name": .string(name), "labels": labels],
            "spec": [
                "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": false,
                "containers": [
                    [
                        "name": "idle", "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", "echo started; trap 'exit 0' TERM; while :; do sleep 1; done"],
                    ]
                ],
            ],
        ]
    }

    /// Creates the pod and waits, by watching it, until it is ready.
    @discardableResult
    static func start(_ name: String, labels: JSONValue = ["app": "idle"], in namespace: String, _ client: KubernetesClient) async throws
        -> Pod
    {
        _ = try await client.create(Pod.self, pod(name, labels: labels), in: namespace)
        return try await wait(for: name, in: namespace, client) { $0.isReady }
    }

    static func wait(
        for name: String, in namespace: String, _ client: KubernetesClient, until condition: (Pod) -> Bool
    ) async throws -> Pod {
        for try await event in client.watch(Pod.self, in: .namespace(namespace), fields: "metadata.name=\(name)") {
            switch event.change {
            case .added(let pod), .modified(let pod): if condition(pod) { return pod }
            case .deleted, .synced, .blind, .sighted: break
            }
        }
        throw NoFailure()
    }
}

// Kinds that only the tests need.

struct ServiceAccount: KubernetesResource {
    static let kind = "ServiceAccount"
    static let plural = "serviceaccounts"

    var metadata: ObjectMeta
    var secrets: [ObjectReference]?
}

struct Role: KubernetesResource {
    static let group = "rbac.authorization.k8s.io"
    static let kind = "Role"
    static let plural = "roles"

    var metadata: ObjectMeta
}

struct RoleBinding: KubernetesResource {
    static let group = "rbac.authorization.k8s.io"
    static let kind = "RoleBinding"
    static let plural = "rolebindings"

    var metadata: ObjectMeta
}
