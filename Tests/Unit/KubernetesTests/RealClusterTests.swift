import Calibration
import Foundation
import JSON
import Journal
import NIOCore
import NIOPosix
import Testing

@testable import Kubernetes

@Suite(.enabled(if: RealCluster.isGiven, "AFTERSHOCK_CLUSTER_KUBECONFIG is not set"), .timeLimit(.minutes(3)))
struct RealClusterTests {
    @Test func discovery() async throws {
        let client = try RealCluster.client()
        let minor = try #require(Int(try await client.version().minor.prefix { $0.isNumber }))
        #expect(try await client.evictionVersion() == (minor < 22 ? "v1beta1" : "v1"))
        #expect(try await client.servedVersion(of: EndpointSlice.self) == (minor < 21 ? "v1beta1" : "v1"))
        #expect(try await client.servedVersion(of: PodDisruptionBudget.self) == (minor < 21 ? "v1beta1" : "v1"))
        #expect(try await client.servedVersions(ofGroup: "no.such.group").isEmpty)
    }

    @Test func everyKindIsRead() async throws {
        let client = try RealCluster.client()
        let nodes = try await client.list(Node.self)
        #expect(!nodes.items.isEmpty && nodes.items.allSatisfy { $0.status?.nodeInfo?.kubeletVersion != nil })
        #expect(try await client.list(Node.self, pageSize: 1).items.count == nodes.items.count)
        #expect(try await client.list(Namespace.self).items.contains { $0.metadata.name == "kube-system" })
        #expect(try await client.get(Service.self, "kubernetes", in: "default").spec.clusterIP != nil)
        #expect(try await !client.get(Endpoints.self, "kubernetes", in: "default").subsets.map(\.isEmpty)!)
        #expect(try await !client.list(EndpointSlice.self, in: .namespace("default")).items.isEmpty)
        #expect(try await !client.list(StorageClass.self).items.isEmpty)
        #expect(try await !client.list(Lease.self, in: .namespace("kube-node-lease")).items.isEmpty)
        #expect(try await !client.list(ClusterEvent.self, in: .all).items.isEmpty)
        #expect(try await !client.list(Secret.self, in: .all).items.isEmpty)
        #expect(try await !client.list(ConfigMap.self, in: .all).items.isEmpty)
        _ = try await client.list(Pod.self, in: .all)
        _ = try await client.list(PersistentVolumeClaim.self, in: .all)
        _ = try await client.list(PersistentVolume.self)
        _ = try await client.list(VolumeAttachment.self)
        _ = try await client.list(Deployment.self, in: .all)
        _ = try await client.list(ReplicaSet.self, in: .all)
        _ = try await client.list(StatefulSet.self, in: .all)
        _ = try await client.list(DaemonSet.self, in: .all)
        _ = try await client.list(PodDisruptionBudget.self, in: .all)
        #expect(try await client.find(Pod.self, "no-such-pod") == nil)
    }

    @Test func aPodFromItsCreationToItsEnd() async throws {
        try await RealCluster.withNamespace { client, namespace in
            let watching = Task {
                var told: [String] = []
                for try await event in client.watch(Pod.self, in: .namespace(namespace), labels: "app=idle") {
                    switch event.change {
                    case .synced: told.append("synced")
                    case .added(let pod): told.append("added \(pod.metadata.name)")
                    case .modified(let pod): if pod.isReady, told.last != "ready" { told.append("ready") }
                    case .deleted(let pod): return told + ["deleted \(pod.metadata.name)"]
                    case .blind, .sighted: told.append("blind")
                    }
                }
                return told
            }
            let pod = try await RealCluster.start("one", in: namespace, client)
            #expect(try await failure { try await client.create(Pod.self, RealCluster.pod("one"), in: namespace) }.code == .alreadyExists)
            #expect(try await client.logs(pod: "one", in: namespace) == "started\n")
            try await patches(client, namespace)

            let stale = DeleteOptions(uid: "another-uid")
            #expect(try await failure { try await client.delete(Pod.self, "one", in: namespace, options: stale) }.code == .conflict)
            let rehearsal = DeleteOptions(uid: pod.metadata.uid, dryRun: true)
            try await client.delete(Pod.self, "one", in: namespace, options: rehearsal)
            #expect(try await client.get(Pod.self, "one", in: namespace).metadata.deletionTimestamp == nil)
            let going = try await client.delete(Pod.self, "one", in: namespace, options: DeleteOptions(uid: pod.metadata.uid))
            #expect(going?.metadata.deletionTimestamp != nil)
            let told = try await watching.value
            #expect(told == ["synced", "added one", "ready", "deleted one"] || told == ["added one", "synced", "ready", "deleted one"])
        }
    }

    private func patches(_ client: KubernetesClient, _ namespace: String) async throws {
        let label: JSONValue = ["metadata": ["labels": ["extra": "1"]]]
        #expect(try await client.patch(Pod.self, "one", in: namespace, .strategic(label)).metadata.labels["extra"] == "1")
        let removal: JSONValue = ["metadata": ["labels": ["extra": nil]]]
        #expect(try await client.patch(Pod.self, "one", in: namespace, .merge(removal)).metadata.labels["extra"] == nil)
        let path = "/metadata/labels/app"
        let wrong = Patch.json([.test(path: path, "other"), .replace(path: path, "x")])
        let error = try await failure { try await client.patch(Pod.self, "one", in: namespace, wrong) }
        #expect(error.code == .invalid, "\(error)")
        let right = Patch.json([.test(path: path, "idle"), .replace(path: path, "idle")])
        #expect(try await client.patch(Pod.self, "one", in: namespace, right).metadata.labels["app"] == "idle")
    }

    @Test func commandsInAContainer() async throws {
        try await RealCluster.withNamespace { client, namespace in
            try await RealCluster.start("shell", in: namespace, client)
            func run(_ command: String, input: Data? = nil, deadline: Duration = .seconds(20)) async throws -> ExecResult {
                try await client.exec(["sh", "-c", command], pod: "shell", in: namespace, input: input, deadline: deadline)
            }
            let failed = try await run("echo out; echo err >&2; exit 3")
            #expect(failed.text == "out\n" && failed.errorText == "err\n" && failed.outcome == .exited(3))
            #expect(try await run("true").isSuccess)
            #expect(try await run("kill -9 $$").outcome == .exited(137))
            let large = try await run("head -c 3000000 /dev/zero | tr '\\0' x")
            #expect(large.isSuccess && large.isTruncated && large.standardOutput.count == 1 << 20)
            // v4 cannot tell the end of the input: the command has to know it.
            #expect(try await run("head -c 5", input: Data("hello world".utf8)).text == "hello")
            let missing = try await client.exec(["/no/such/program"], pod: "shell", in: namespace)
            guard case .failed(let reason) = missing.outcome else { throw NoFailure() }
            #expect(reason.contains("no such file"))
            let endless = try await run("echo begun; sleep 60", deadline: .seconds(2))
            guard case .unknown = endless.outcome else { throw NoFailure() }
            #expect(endless.text == "begun\n")
            #expect(try await failure { try await client.exec(["true"], pod: "nobody", in: namespace) }.code == .notFound)
            let container = try await failure { try await client.exec(["true"], pod: "shell", in: namespace, container: "nope") }
            #expect(container.code == .badRequest && container.message.contains("nope"), "\(container)")
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<10 {
                    group.addTask {
                        try await client.exec(["echo", "\(number)"], pod: "shell", in: namespace).text == "\(number)\n"
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func aBudgetHoldsAnEviction() async throws {
        try await RealCluster.withNamespace { client, namespace in
            let pod = try await RealCluster.start("held", in: namespace, client)
            _ = try await client.create(
                PodDisruptionBudget.self,
                ["metadata": ["name": "keep"], "spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "idle"]]]], in: namespace)
            counted: for try await event in client.watch(PodDisruptionBudget.self, in: .namespace(namespace)) {
                switch event.change {
                case .added(let budget), .modified(let budget): if budget.status?.expectedPods == 1 { break counted }
                case .deleted, .synced, .blind, .sighted: break
                }
            }
            let options = DeleteOptions(uid: pod.metadata.uid)
            let error = try await failure { try await client.evict(pod: "held", in: namespace, options: options) }
            #expect(error.code == .tooManyRequests)
            #expect(error.status?.cause("DisruptionBudget")?.message?.contains("keep") == true)
            let node = try #require(pod.spec.nodeName)
            let plan = try await client.drainPlan(node: node, options: .init(force: true, deleteEmptyDirData: true))
            #expect(plan.heldByBudget.contains { $0.pod == "\(namespace)/held" && $0.budget == "keep" && $0.isPermanent })
            #expect(try await client.drainPlan(node: node).blocking.contains { $0.name == "\(namespace)/held" })
            try await client.delete(PodDisruptionBudget.self, "keep", in: namespace)
            try await client.evict(pod: "held", in: namespace, options: options)
            for try await event in client.watch(Pod.self, in: .namespace(namespace)) {
                if case .synced = event.change, try await client.find(Pod.self, "held", in: namespace) == nil { break }
                if case .deleted = event.change { break }
            }
        }
    }

    @Test func anAPIServerThatGoesAway() async throws {
        let admin = try RealCluster.configuration()
        let forwarder = try await Forwarder.start(
            host: "127.0.0.1", to: SocketAddress.makeAddressResolvingHost(admin.server.host, port: admin.server.port),
            on: MultiThreadedEventLoopGroup.singleton.next())
        let port = try #require(forwarder.address.port)
        var configuration = admin
        configuration.server = try APIServerURL("https://127.0.0.1:\(port)", origin: "test")
        configuration.trust.serverName = "kubernetes.default.svc"
        let watched = try KubernetesClient(configuration)
        try await RealCluster.withNamespace { client, namespace in
            var iterator = watched.watch(ConfigMap.self, in: .namespace(namespace)).makeAsyncIterator()
            func create(_ name: String) async throws {
                _ = try await client.create(ConfigMap.self, ["metadata": ["name": .string(name)]], in: namespace)
            }
            func next(_ isMeant: (WatchEvent<ConfigMap>.Change) -> Bool) async throws {
                while let event = try await iterator.next() { if isMeant(event.change) { return } }
                throw NoFailure()
            }
            try await next { if case .synced = $0 { true } else { false } }
            try await create("before")
            try await next { if case .added(let map) = $0 { map.metadata.name == "before" } else { false } }
            _ = try await forwarder.set(.refused, clock: RunClock())
            try await next { if case .blind = $0 { true } else { false } }
            try await create("meanwhile")
            _ = try await forwarder.set(.open, clock: RunClock())
            try await next { if case .sighted(let interval) = $0 { interval.until != nil } else { false } }
            try await next { if case .added(let map) = $0 { map.metadata.name == "meanwhile" } else { false } }
        }
        try await forwarder.stop()
    }

    /// The server drops old versions within minutes; one that never was is refused at once, and the watch lists again.
    @Test func aVersionThatIsTooOld() async throws {
        let client = try RealCluster.client()
        var request = try await client.collection(Node.self, .all, labels: nil, fields: nil)
        request.query += [("limit", "1"), ("continue", "bm9uc2Vuc2U")]
        let error = try await failure { try await client.data(request) }
        #expect(error.code == .badRequest || error.code == .gone)
    }
}
