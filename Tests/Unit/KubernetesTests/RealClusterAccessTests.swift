import Certificates
import Foundation
import JSON
import Testing

@testable import Kubernetes

/// Every way into the API server that a kubeconfig can name, and every way in which it fails.
@Suite(.enabled(if: RealCluster.isGiven, "AFTERSHOCK_CLUSTER_KUBECONFIG is not set"), .timeLimit(.minutes(3)))
struct RealClusterAccessTests {
    /// A kubeconfig for the same server.
    private func kubeconfig(
        _ folder: borrowing TemporaryFolder, user: JSONValue, server: String? = nil, cluster more: [String: JSONValue] = [:]
    ) throws -> KubeconfigOverrides {
        let admin = try RealCluster.configuration()
        var cluster: [String: JSONValue] = ["server": .string(server ?? admin.server.description)]
        if let authority = admin.trust.authority { cluster["certificate-authority-data"] = .string(authority.base64) }
        cluster.merge(more) { _, new in new }
        let config: JSONValue = [
            "current-context": "c", "contexts": [["name": "c", "context": ["cluster": "c", "user": "u"]]],
            "clusters": [["name": "c", "cluster": .object(cluster)]], "users": [["name": "u", "user": user]],
        ]
        return KubeconfigOverrides(kubeconfig: try folder.write(String(decoding: try config.data(), as: UTF8.self), to: "config"))
    }

    /// The token of a ServiceAccount that may list the pods of the namespace and nothing else.
    private func token(_ client: KubernetesClient, _ namespace: String) async throws -> String {
        _ = try await client.create(ServiceAccount.self, ["metadata": ["name": "robot"]], in: namespace)
        _ = try await client.create(
            Role.self,
            ["metadata": ["name": "pods"], "rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["list"]]]], in: namespace)
        _ = try await client.create(
            RoleBinding.self,
            [
                "metadata": ["name": "pods"], "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods"],
                "subjects": [["kind": "ServiceAccount", "name": "robot", "namespace": .string(namespace)]],
            ], in: namespace)
        _ = try await client.create(
            Secret.self,
            [
                "metadata": ["name": "robot", "annotations": ["kubernetes.io/service-account.name": "robot"]],
                "type": "kubernetes.io/service-account-token",
            ], in: namespace)
        for try await event in client.watch(Secret.self, in: .namespace(namespace), fields: "metadata.name=robot") {
            switch event.change {
            case .added(let secret), .modified(let secret):
                if let token = secret.data?["token"] { return String(decoding: token, as: UTF8.self) }
            case .deleted, .synced, .blind, .sighted: break
            }
        }
        throw NoFailure()
    }

    /// May list pods there, may not list secrets, and the errors do not hold the token.
    private func expectRobot(_ overrides: KubeconfigOverrides, _ namespace: String, token: String) async throws {
        let client = try RealCluster.client(overrides)
        #expect(try await client.list(Pod.self, in: .namespace(namespace)).items.isEmpty)
        let error = try await failure { try await client.list(Secret.self, in: .namespace(namespace)) }
        #expect(error.code == .forbidden)
        #expect(error.message.contains("system:serviceaccount:\(namespace):robot") && error.hint != nil)
        #expect(!"\(error)".contains(token) && !String(reflecting: error).contains(token))
        #expect(try await client.review(ResourceAttributes(verb: "list", resource: "pods", namespace: namespace)).allowed)
        #expect(
            try await !client.review(ResourceAttributes(verb: "create", resource: "pods", subresource: "exec", namespace: namespace))
                .allowed)
        let exec = try await failure { try await client.exec(["true"], pod: "p", in: namespace) }
        #expect(exec.code == .forbidden, "\(exec)")
    }

    @Test func tokensOfAllKinds() async throws {
        try await RealCluster.withNamespace { client, namespace in
            let token = try await token(client, namespace)
            let folder = try TemporaryFolder()
            try await expectRobot(try kubeconfig(folder, user: ["token": .string(token)]), namespace, token: token)

            try folder.write(token + "\n", to: "token")
            try await expectRobot(try kubeconfig(folder, user: ["tokenFile": "token"]), namespace, token: token)

            try folder.write(
                """
                #!/bin/sh
                printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "%s"}}' "$(cat \(folder.path)/token)"
                """, to: "plugin", isExecutable: true)
            let exec: JSONValue = [
                "exec": ["apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"]
            ]
            let overrides = try kubeconfig(folder, user: exec)
            try await expectRobot(overrides, namespace, token: token)

            // The flag wins over the file.
            var flag = try kubeconfig(folder, user: ["token": "nonsense"])
            let error = try await failure { try await RealCluster.client(flag).list(Pod.self, in: .namespace(namespace)) }
            #expect(error.code == .unauthorized && error.hint != nil && !"\(error)".contains("nonsense"))
            flag.token = token
            try await expectRobot(flag, namespace, token: token)
        }
    }

    @Test func renewedCredentials() async throws {
        try await RealCluster.withNamespace { client, namespace in
            let token = try await token(client, namespace)
            let folder = try TemporaryFolder()
            try folder.write("not yet", to: "token")
            let client = try RealCluster.client(try kubeconfig(folder, user: ["tokenFile": "token"]))
            #expect(try await failure { try await client.list(Pod.self, in: .namespace(namespace)) }.code == .unauthorized)
            try folder.write(token, to: "token")
            #expect(try await client.list(Pod.self, in: .namespace(namespace)).items.isEmpty)
        }
    }

    @Test func impersonation() async throws {
        let nobody = try RealCluster.client(.init(as: "nobody", asGroup: ["some"]))
        let error = try await failure { try await nobody.list(Node.self) }
        #expect(error.code == .forbidden && error.message.contains("\"nobody\""))
        #expect(try await !RealCluster.client(.init(as: "x", asGroup: ["system:masters"])).list(Node.self).items.isEmpty)
    }

    @Test func certificatesThatDoNotFit() async throws {
        let folder = try TemporaryFolder()
        let authority = try RealCluster.authority()
        func user(_ identity: IssuedCertificate) -> JSONValue {
            [
                "client-certificate-data": .string(Data(identity.certificate.utf8).base64EncodedString()),
                "client-key-data": .string(Data(identity.key.utf8).base64EncodedString()),
            ]
        }
        let fine = try authority.issue(name: "someone", organization: "system:masters")
        #expect(try await !RealCluster.client(try kubeconfig(folder, user: user(fine))).list(Node.self).items.isEmpty)

        let old = try authority.issue(
            name: "someone", organization: "system:masters", validity: Date(timeIntervalSinceNow: -3600)..<Date(timeIntervalSinceNow: -600))
        let expired = try await failure { try await RealCluster.client(try kubeconfig(folder, user: user(old))).list(Node.self) }
        #expect(expired.code == .clientCertificateExpired && expired.message.contains("client-certificate-data"), "\(expired)")

        let foreign = try CertificateAuthority(name: "foreign")
        let stranger = try foreign.issue(name: "someone")
        let refused = try await failure { try await RealCluster.client(try kubeconfig(folder, user: user(stranger))).list(Node.self) }
        #expect(refused.code == .unauthorized || refused.code == .clientCertificateRejected, "\(refused)")

        let other = JSONValue.string(Data(try foreign.pem.utf8).base64EncodedString())
        let overrides = try kubeconfig(folder, user: user(fine), cluster: ["certificate-authority-data": other])
        let untrusted = try await failure { try await RealCluster.client(overrides).list(Node.self) }
        #expect(untrusted.code == .serverCertificateUntrusted && untrusted.hint != nil, "\(untrusted)")
        let exec = try await failure { try await RealCluster.client(overrides).exec(["true"], pod: "p") }
        #expect(exec.code == .serverCertificateUntrusted, "\(exec)")
    }

    @Test func serversThatCannotBeReached() async throws {
        let folder = try TemporaryFolder()
        let host = try RealCluster.configuration().server.host
        let closed = try kubeconfig(folder, user: ["token": "t"], server: "https://\(host):1")
        let error = try await failure { try await RealCluster.client(closed).version() }
        #expect(error.code == .unreachable && error.message.contains("\(host):1") && error.hint != nil, "\(error)")
        let unknown = try kubeconfig(folder, user: ["token": "t"], server: "https://no-such-host.invalid:6443")
        #expect(try await failure { try await RealCluster.client(unknown).version() }.code == .unreachable)
    }

    @Test func namesAndTrust() async throws {
        let admin = try RealCluster.configuration()
        let folder = try TemporaryFolder()
        var overrides = KubeconfigOverrides(tlsServerName: "kubernetes.default.svc")
        #expect(try await !RealCluster.client(overrides).list(Node.self).items.isEmpty)
        overrides.tlsServerName = "not.in.the.certificate"
        let error = try await failure { try await RealCluster.client(overrides).version() }
        #expect(error.code == .serverNameMismatch && error.message.contains("not.in.the.certificate"), "\(error)")
        let file = try folder.write(String(decoding: admin.trust.authority?.bytes ?? [], as: UTF8.self), to: "ca.crt")
        #expect(try await !RealCluster.client(.init(certificateAuthority: file)).list(Node.self).items.isEmpty)
        #expect(try await !RealCluster.client(.init(insecureSkipTLSVerify: true)).list(Node.self).items.isEmpty)
    }
}
