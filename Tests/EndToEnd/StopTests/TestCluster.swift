import Checkout
import Fault
import Foundation
import Kubernetes
import NIOPosix
import Programs
import TDS
import Testing

/// A sandbox cluster in a process of its own: it outlives the harnesses that are killed.
struct TestCluster: Sendable {
    static let context = TestSandbox.context
    static let namespace = "sql"

    let kubeconfig: String
    /// For reports and experiment files; goes with the cluster.
    let folder: String
    let client: KubernetesClient

    /// - Parameters:
    ///   - flaws: misbehaviour of the control plane.
    ///   - databaseFlaws: misbehaviour of the server.
    ///   - manifest: changes the target's manifest before it is applied.
    static func with(
        flaws: [String] = [], databaseFlaws: [String] = [], manifest change: (String) -> String = { $0 },
        _ body: @Sendable @escaping (TestCluster) async throws -> Void
    ) async throws {
        let target = Checkout.root.appendingPathComponent("experiments/targets/azure-sql-edge.yaml")
        let manifest = try change(String(contentsOf: target, encoding: .utf8))
        try await TestSandbox.with(manifests: [manifest], flaws: flaws, databaseFlaws: databaseFlaws) { sandbox in
            let client = try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: sandbox.kubeconfig)))
            let cluster = TestCluster(kubeconfig: sandbox.kubeconfig, folder: sandbox.folder, client: client)
            try await cluster.settle()
            try await body(cluster)
        }
    }

    /// Waits until exactly one pod is there, ready, and the Service sends clients to it.
    func settle() async throws {
        let settled = try await firstResult(within: .seconds(60)) { () async throws -> Bool? in
            var pods: [String: Pod] = [:]
            for try await event in client.watch(Pod.self, in: .namespace(Self.namespace)) {
                switch event.change {
                case .added(let pod), .modified(let pod): pods[pod.metadata.uid ?? ""] = pod
                case .deleted(let pod): pods[pod.metadata.uid ?? ""] = nil
                case .synced, .blind, .sighted: break
                }
                if pods.count == 1, pods.values.allSatisfy(\.isReady) { break }
            }
            for try await event in client.watch(EndpointSlice.self, in: .namespace(Self.namespace)) {
                guard case .added(let slice) = event.change.state else { continue }
                if (slice.endpoints ?? []).contains(where: \.isReady) { return true }
            }
            return nil
        }
        #expect(settled == true, "the target was not ready again within 60 s")
    }

    /// The options by which a command finds this cluster.
    var access: [String] { ["--kubeconfig", kubeconfig] }

    /// The password of the server, as its Secret has it.
    func password() async throws -> String {
        let secret = try await client.get(Secret.self, "mssql", in: Self.namespace)
        return String(decoding: try #require(secret.data?["MSSQL_SA_PASSWORD"]), as: UTF8.self)
    }

    /// The token of the kubeconfig's other user.
    func token() throws -> String {
        let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.contains(" token: ") })
        return String(try #require(line.split(separator: " ").last))
    }

    func pod() async throws -> Pod {
        try #require(await client.list(Pod.self, in: .namespace(Self.namespace)).items.first { $0.metadata.deletionTimestamp == nil })
    }

    /// The ledger's tables on the server, and its database, as the server itself lists them.
    func ledgerTables() async throws -> [String] {
        let service = try await client.get(Service.self, "azure-sql-edge", in: Self.namespace)
        let host = try #require(service.status?.loadBalancer?.ingress?.first?.ip ?? service.spec.clusterIP)
        var server = TDSConfiguration(host: host, port: 1433, user: "sa", password: try await password())
        server.certificateTrust = .any
        let connection = try await TDSConnection.connect(server, on: MultiThreadedEventLoopGroup.singleton.next())
        let databases = try await connection.query("SELECT name FROM sys.databases", timeout: .seconds(20)).rows.compactMap {
            try $0[0].string
        }
        var found: [String] = []
        for database in databases where database == "aftershock" {
            found.append(database)
            _ = try await connection.query("USE [\(database)]", timeout: .seconds(20))
            found += try await connection.query("SELECT name FROM sys.tables", timeout: .seconds(20)).rows.compactMap { try $0[0].string }
        }
        await connection.close()
        return found
    }

    /// The number of stopped processes of the server.
    func frozenProcesses() async throws -> Int {
        let states = try await client.exec(
            ["sh", "-c", "cat /proc/[0-9]*/stat"], pod: try await pod().metadata.name, in: Self.namespace, container: "azure-sql-edge",
            deadline: .seconds(10))
        try #require(!states.text.isEmpty)
        return states.text.split(separator: "\n").count { $0.contains(") T ") }
    }
}

extension WatchEvent.Change {
    /// New and changed objects alike, as `added`.
    fileprivate var state: Self {
        if case .modified(let object) = self { return .added(object) }
        return self
    }
}
