import Foundation
import JSON
import NIOCore
import Programs
import Synchronization
import Testing

@testable import Kubernetes

@Suite struct TransportTests {
    private func client(_ server: TestServer, timeout: Duration? = .seconds(10)) throws -> KubernetesClient {
        try KubernetesClient(.test(port: server.port, requestTimeout: timeout))
    }

    private let version = #"{"major": "1", "minor": "20", "gitVersion": "v1.20.2"}"#

    @Test func readsAnAnswer() async throws {
        try await TestServer.run { [version] in
            $1.answer(200, version)
        } body: { server in
            let client = try client(server)
            #expect(try await client.version().gitVersion == "v1.20.2")
            #expect(server.requests[0].target == "/version")
            #expect(server.requests[0].headers["accept"] == "application/json")
            #expect(server.requests[0].headers["authorization"] == nil)
        }
    }

    @Test func anAnswerInSingleBytes() async throws {
        let version = version
        try await TestServer.run { _, peer in
            let text = "HTTP/1.1 200 OK\r\nContent-Length: \(version.utf8.count)\r\n\r\n\(version)"
            for byte in text.utf8 { peer.send([byte]) }
        } body: { server in
            let client = try client(server)
            #expect(try await client.version().minor == "20")
        }
    }

    /// Otherwise it could be carried out after the harness has looked for it, and stay forever.
    @Test func aMutationUnderWayIsNotBrokenOff() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: TestServer.Peer.self)
        try await TestServer.run { request, peer in
            if request.method == "POST" { arrival.yield(peer) } else { peer.answer(404) }
        } body: { server in
            let client = try client(server)
            let creation = Task { try await client.create(Lease.self, ["metadata": ["name": "l"]]) }
            for await peer in arrived {
                creation.cancel()
                peer.answer(201, #"{"metadata": {"name": "l"}}"#)
                break
            }
            #expect(try await creation.value.metadata.name == "l")
            let late = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.create(Lease.self, ["metadata": ["name": "late"]])
            }
            #expect(try await failure { try await late.value }.code == .cancelled)
            #expect(server.requests.filter { $0.method == "POST" }.count == 1)
        }
    }

    @Test func aPathBeforeTheAPIAndImpersonation() async throws {
        try await TestServer.run { [version] in
            $1.answer(200, version)
        } body: { server in
            let configuration = try ClusterConfiguration.test(
                port: server.port, impersonation: .init(user: "alice", uid: "7", groups: ["a", "b"], extra: ["scopes/x": ["y"]]),
                path: "/k8s/c-1/")
            _ = try await KubernetesClient(configuration).version()
            let request = server.requests[0]
            #expect(request.target == "/k8s/c-1/version")
            #expect(request.headers["impersonate-user"] == "alice" && request.headers["impersonate-uid"] == "7")
            #expect(request.headers["impersonate-group"] != nil)
            #expect(request.headers["impersonate-extra-scopes%2fx"] == "y")
        }
    }

    @Test func aCredentialCannotSmuggleAHeader() async throws {
        try await TestServer.run { [version] in
            $1.answer(200, version)
        } body: { server in
            let configuration = try ClusterConfiguration.test(port: server.port, authentication: .init(token: "t\r\nX-Evil: 1"))
            _ = try await KubernetesClient(configuration).version()
            #expect(server.requests[0].headers["authorization"] == "Bearer tX-Evil: 1")
            #expect(server.requests[0].headers["x-evil"] == nil)
        }
    }

    @Test func redirectsAreNotFollowed() async throws {
        try await TestServer.run {
            $1.answer(302, "", headers: ["Location: https://login.example.org/"])
        } body: { server in
            let error = try await failure { try await client(server).version() }
            #expect(error.code == .unexpectedAnswer && error.message.contains("login.example.org"))
            #expect(server.requests.count == 1)
        }
    }

    @Test func garbageInPlaceOfHTTP() async throws {
        try await TestServer.run {
            $1.send("SSH-2.0-OpenSSH_9.2\r\n"); $1.close()
        } body: { server in
            let client = try client(server)
            #expect(try await failure { try await client.version() }.code == .unexpectedAnswer)
        }
    }

    @Test func htmlInPlaceOfJSON() async throws {
        try await TestServer.run {
            $1.answer(200, "<html>Welcome</html>", type: "text/html")
        } body: { server in
            let error = try await failure { try await client(server).version() }
            #expect(error.code == .unexpectedAnswer && !"\(error)".contains("Welcome"))
        }
    }

    @Test func aServerThatNeverAnswers() async throws {
        try await TestServer.run { _, _ in
        } body: { server in
            let error = try await failure { try await client(server, timeout: .seconds(2)).version() }
            #expect(error.code == .timeout)
        }
    }

    @Test func aServerThatStopsInTheMiddle() async throws {
        try await TestServer.run {
            $1.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"major\""); $1.close()
        } body: { server in
            let client = try client(server)
            #expect(try await failure { try await client.version() }.code == .connectionLost)
        }
        try await TestServer.run {
            $1.close()
        } body: { server in
            let client = try client(server)
            #expect(try await failure { try await client.version() }.code == .connectionLost)
        }
    }

    @Test func nobodyListens() async throws {
        let port = try ClosedPort()
        let number = port.number
        let error = try await failure { try await KubernetesClient(.test(port: number)).version() }
        #expect(error.code == .unreachable && error.message.contains("127.0.0.1:\(number)"))
        #expect(error.hint != nil)
    }

    @Test func aCancelledRequestReturnsAtOnce() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { _, _ in
            arrival.yield()
        } body: { server in
            let client = try client(server, timeout: nil)
            let task = Task { try await client.version() }
            for await _ in arrived { break }
            task.cancel()
            #expect(try await failure { try await task.value }.code == .cancelled)
        }
    }

    @Test func aLargeAnswer() async throws {
        let items = (0..<20_000).map { #"{"metadata": {"name": "pod-\#($0)", "uid": "\#($0)"}, "spec": {"containers": []}}"# }
        let body = #"{"metadata": {"resourceVersion": "7"}, "items": [\#(items.joined(separator: ","))]}"#
        try await TestServer.run {
            $1.answer(200, body)
        } body: { server in
            let list = try await client(server).list(Pod.self)
            #expect(list.items.count == 20_000 && list.items[19_999].metadata.name == "pod-19999")
            #expect(list.resourceVersion == "7")
        }
    }

    /// A body that nobody reads stops at the socket; it does not pile up in memory.
    @Test func aSlowReaderStopsTheServer() async throws {
        let sent = Mutex(0)
        let total = 64 << 20
        let (stuck, stall) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { _, peer in
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
            @Sendable func send(_ left: Int) {
                guard left > 0 else { return }
                let piece = peer.channel.writeAndFlush(ByteBuffer(repeating: 65, count: 1 << 20))
                // The write is done when the kernel has taken it: with a full socket it is not.
                let timer = peer.channel.eventLoop.scheduleTask(in: .milliseconds(500)) { stall.yield() }
                piece.whenSuccess {
                    timer.cancel()
                    sent.withLock { $0 += 1 << 20 }
                    send(left - (1 << 20))
                }
            }
            send(total)
        } body: { server in
            let client = try client(server)
            let response = try await client.open(KubernetesRequest(path: "/big"))
            for await _ in stuck { break }
            #expect(sent.withLock { $0 } < total)
            var count = 0
            var iterator = response.body.makeAsyncIterator()
            while let chunk = try await iterator.next() { count += chunk.bytes.count }
            #expect(count == total)
        }
    }

    @Test func manyRequestsAtOnce() async throws {
        try await TestServer.run { request, peer in
            peer.answer(200, #"{"metadata": {"name": "\#(request.path.split(separator: "/").last ?? "")"}}"#)
        } body: { server in
            let client = try client(server)
            try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for number in 0..<100 {
                    group.addTask { (number, try await client.get(ConfigMap.self, "c\(number)").metadata.name) }
                }
                for try await (number, name) in group { #expect(name == "c\(number)") }
            }
        }
    }

    /// libcurl repeats a request by itself when a kept connection turns out dead; a mutation must reach the server once at most.
    @Test func aMutationOnADyingConnectionIsSentOnce() async throws {
        try await TestServer.run { request, peer in
            if request.method == "GET" { peer.answer(200, #"{"metadata": {"name": "n"}}"#) } else { peer.close() }
        } body: { server in
            let client = try client(server)
            _ = try await client.get(ConfigMap.self, "n")
            let error = try await failure { try await client.patch(ConfigMap.self, "n", .merge(["data": ["a": "b"]])) }
            #expect(error.code == .connectionLost && error.isOutcomeUnknown)
            #expect(server.requests.filter { $0.method == "PATCH" }.count == 1)
        }
    }

    // MARK: Answers of the API

    @Test func aListInPagesStartsAgainWhenItsVersionIsGone() async throws {
        let pages = Mutex(0)
        @Sendable func item(_ name: String) -> String { #"{"metadata": {"name": "\#(name)"}}"# }
        try await TestServer.run { request, peer in
            let page = pages.withLock {
                $0 += 1
                return $0
            }
            switch page {
            case 1: peer.answer(200, #"{"metadata": {"resourceVersion": "5", "continue": "c1"}, "items": [\#(item("old"))]}"#)
            case 2: peer.answer(410, #"{"status": "Failure", "reason": "Expired", "code": 410}"#)
            case 3: peer.answer(200, #"{"metadata": {"resourceVersion": "9", "continue": "c2"}, "items": [\#(item("a"))]}"#)
            default: peer.answer(200, #"{"metadata": {"resourceVersion": "9"}, "items": [\#(item("b"))]}"#)
            }
        } body: { server in
            let list = try await client(server).list(ConfigMap.self, in: .all, labels: "app=x", pageSize: 1)
            #expect(list.items.map(\.metadata.name) == ["a", "b"])
            #expect(list.resourceVersion == "9")
            #expect(
                server.requests.map(\.target) == [
                    "/api/v1/configmaps?labelSelector=app%3Dx&limit=1", "/api/v1/configmaps?labelSelector=app%3Dx&limit=1&continue=c1",
                    "/api/v1/configmaps?labelSelector=app%3Dx&limit=1", "/api/v1/configmaps?labelSelector=app%3Dx&limit=1&continue=c2",
                ])
        }
    }

    @Test func aReadWaitsWhenTheServerSaysHowLongAndAMutationDoesNot() async throws {
        let attempts = Mutex(0)
        try await TestServer.run { request, peer in
            let isFirst = attempts.withLock {
                $0 += 1
                return $0 == 1
            }
            if isFirst || request.method != "GET" {
                peer.answer(429, #"{"status": "Failure", "reason": "TooManyRequests", "code": 429}"#, headers: ["Retry-After: 1"])
            } else {
                peer.answer(200, #"{"metadata": {"name": "n"}}"#)
            }
        } body: { server in
            let client = try client(server)
            #expect(try await client.get(ConfigMap.self, "n").metadata.name == "n")
            #expect(server.requests.count == 2)
            let error = try await failure { try await client.delete(ConfigMap.self, "n") }
            #expect(error.code == .tooManyRequests && error.retryAfterSeconds == 1)
            #expect(server.requests.count == 3)
        }
    }

    @Test func evictionsUseTheVersionThatTheServerNames() async throws {
        let resources = String(decoding: try Fixture.data("api-v1-resources.json"), as: UTF8.self)
        let budget = String(decoding: try Fixture.body("eviction-429.http"), as: UTF8.self)
        try await TestServer.run { request, peer in
            request.path == "/api/v1" ? peer.answer(200, resources) : peer.answer(429, budget)
        } body: { server in
            let error = try await failure {
                try await client(server).evict(pod: "sql-0", in: "sql", options: DeleteOptions(gracePeriodSeconds: 5, uid: "u"))
            }
            #expect(error.code == .tooManyRequests && error.status?.cause("DisruptionBudget") != nil)
            #expect(server.requests[1].target == "/api/v1/namespaces/sql/pods/sql-0/eviction")
            #expect(server.requests[1].body.contains(#""apiVersion":"policy/v1beta1""#))
            #expect(server.requests[1].body.contains(#""preconditions":{"uid":"u"}"#))
        }
    }

    @Test func aVersionThatBothSidesKnow() async throws {
        try await TestServer.run { request, peer in
            switch request.path {
            case "/apis/policy": peer.answer(200, #"{"versions": [{"version": "v1beta1"}]}"#)
            case "/apis/discovery.k8s.io": peer.answer(200, #"{"versions": [{"version": "v2"}]}"#)
            default: peer.answer(200, #"{"metadata": {"resourceVersion": "1"}, "items": null}"#)
            }
        } body: { server in
            let client = try client(server)
            #expect(try await client.list(PodDisruptionBudget.self, in: .namespace("sql")).items.isEmpty)
            _ = try await client.list(PodDisruptionBudget.self)
            #expect(
                server.requests.map(\.path) == [
                    "/apis/policy", "/apis/policy/v1beta1/namespaces/sql/poddisruptionbudgets",
                    "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets",
                ])
            #expect(try await failure { try await client.list(EndpointSlice.self) }.code == .unsupported)
        }
    }
}
