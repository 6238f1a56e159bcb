import Foundation
import JSON
import SandboxFixtures
import Subprocess
import Synchronization
import Testing

@testable import Sandbox
@testable import SandboxAPI
@testable import SandboxControllers
@testable import SandboxNodes
@testable import SandboxStore

/// The behaviour that only shows on the wire: TLS, identity and the end of connections.
@Suite struct APIServerTests {
    private static let hasCurl = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/curl") }

    private func curl(_ arguments: [String]) async throws -> (output: String, status: String) {
        let all = ["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"] + arguments
        let result = try await Subprocess.run(
            .name("curl"), arguments: Arguments(all), output: .string(limit: 1 << 20), error: .discarded)
        let parts = result.standardOutput.split(separator: "\n", omittingEmptySubsequences: false)
        return (parts.dropLast().joined(separator: "\n"), String(parts.last ?? ""))
    }

    @Test(.enabled(if: hasCurl, "curl is not installed")) func onlyTheKubeconfigsOwnersAreLetIn() async throws {
        let cluster = try await SandboxCluster.start(SandboxOptions(nodes: 1)) { try FakeBackend($0.store) }
        let folder = cluster.kubeconfigPath + ".tls"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let credentials = cluster.credentials
        let stranger = try ClusterCredentials(now: Date())
        for (name, text) in [
            ("ca", credentials.authority), ("cert", credentials.clientCertificate), ("key", credentials.clientKey),
            ("other-cert", stranger.clientCertificate), ("other-key", stranger.clientKey), ("other-ca", stranger.authority),
        ] {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let trusted = ["--cacert", "\(folder)/ca", "\(cluster.server)/api/v1/pods"]
        #expect(try await curl(trusted).status == "401")
        #expect(try await curl(["-H", "Authorization: Bearer \(credentials.token)"] + trusted).status == "200")
        #expect(try await curl(["-H", "Authorization: Bearer \(stranger.token)"] + trusted).status == "401")
        #expect(try await curl(["--cert", "\(folder)/cert", "--key", "\(folder)/key"] + trusted).status == "200")
        // 000: refused within TLS, before there is any HTTP.
        #expect(try await curl(["--cert", "\(folder)/other-cert", "--key", "\(folder)/other-key"] + trusted).status == "000")
        #expect(try await curl(["--cacert", "\(folder)/other-ca", "\(cluster.server)/api/v1/pods"]).status == "000")
        #expect(try await curl(["--cacert", "\(folder)/ca", "\(cluster.server)/readyz"]).output == "ok")
        // A refused upgrade is answered too, not just cut off.
        let upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: SPDY/3.1", "--http1.1", "-X", "POST", "--cacert", "\(folder)/ca"]
        let pod = "\(cluster.server)/api/v1/namespaces/default/pods/a"
        #expect(try await curl(upgrade + ["\(pod)/exec?command=x"]).status == "401")
        let authorized = upgrade + ["-H", "Authorization: Bearer \(credentials.token)"]
        #expect(try await curl(authorized + ["\(pod)/portforward"]).output.contains("the sandbox forwards no ports"))
        let impersonating = authorized + ["-H", "Impersonate-User: jane", "\(pod)/exec?command=x"]
        #expect(try await curl(impersonating).output.contains("cannot create resource"))
        let permissions = try FileManager.default.attributesOfItem(atPath: cluster.kubeconfigPath)[.posixPermissions] as? Int
        #expect(permissions == 0o600)
        await cluster.stop()
        #expect(!FileManager.default.fileExists(atPath: cluster.kubeconfigPath))
    }

    @Test func aClientThatLeavesEndsItsWatch() async throws {
        try await Kubectl.withCluster { kubectl in
            let store = kubectl.cluster.store
            try await kubectl.follow("get", "configmap", "--field-selector=metadata.name=a", "-w", "-o", "name") { lines in
                try store.createConfigMap("a")
                #expect(try await lines.next() == "configmap/a")
                try store.modify(.configMap("a")) { $0["data"] = [:] }
                // The second line can only come from the watch.
                #expect(try await lines.next() == "configmap/a")
            }
            while store.watchCount(.configMaps) > 0 { await Task.yield() }
        }
    }

    @Test func stoppingEndsWhatIsGoingOn() async throws {
        let cluster = try await SandboxCluster.start(SandboxOptions(nodes: 1)) { try FakeBackend($0.store) }
        let kubectl = try Kubectl(cluster: cluster)
        try await kubectl.follow("get", "configmap", "--field-selector=metadata.name=a", "-w", "-o", "name") { lines in
            try cluster.store.createConfigMap("a")
            #expect(try await lines.next() == "configmap/a")
            try cluster.store.modify(.configMap("a")) { $0["data"] = [:] }
            #expect(try await lines.next() == "configmap/a")
            await cluster.stop()
            #expect(try await lines.next() == nil)
        }
        #expect(cluster.store.watchCount(.configMaps) == 0)
    }

    @Test func aStartThatFailsLeavesNothing() async throws {
        let store = Mutex<ObjectStore?>(nil)
        let error = await #expect(throws: SandboxError.self) {
            let options = SandboxOptions(nodes: 1, kubeconfigPath: "/nonexistent/folder/kubeconfig")
            _ = try await SandboxCluster.start(options) { context in
                store.withLock { $0 = context.store }
                return try FakeBackend(context.store)
            }
        }
        #expect(error?.description.contains("/nonexistent/folder/kubeconfig") == true)
        #expect(store.withLock { $0?.watchCount(.pods) } == 0)
    }

    @Test func twoClustersHaveAddressesOfTheirOwn() async throws {
        let first = try await SandboxCluster.start(SandboxOptions(nodes: 1)) { try FakeBackend($0.store) }
        let second = try await SandboxCluster.start(SandboxOptions(nodes: 1)) { try FakeBackend($0.store) }
        func address(_ cluster: SandboxCluster) -> String? {
            cluster.store[ObjectKey(.services, namespace: "default", name: "kubernetes")]?[path: "spec", "clusterIP"]?.string
        }
        #expect(address(first) != nil)
        #expect(address(first) != address(second))
        await first.stop()
        await second.stop()
    }
}
