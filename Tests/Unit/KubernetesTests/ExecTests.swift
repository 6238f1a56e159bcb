import Certificates
import Crypto
import Foundation
import NIOCore
import Programs
import Synchronization
import Testing

@testable import Kubernetes

@Suite struct ExecTests {
    /// The 101 that a server answers, for one of the offered protocols.
    private static func accept(_ request: TestServer.Request, _ version: String) -> String {
        let key = (request.headers["sec-websocket-key"] ?? "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        let digest = Data(Insecure.SHA1.hash(data: Data(key.utf8))).base64EncodedString()
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: \(digest)\r\n"
            + "Sec-WebSocket-Protocol: \(version)\r\n\r\n"
    }

    /// A server's frame, without a mask.
    private static func frame(_ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        let length: [UInt8] =
            payload.count < 126 ? [UInt8(payload.count)] : [126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        return [(isFinal ? 0x80 : 0) | opcode] + length + payload
    }

    private static func message(_ channel: UInt8, _ text: String) -> [UInt8] { frame(2, [channel] + Array(text.utf8)) }

    private static let success = message(3, #"{"metadata":{},"status":"Success"}"#)

    private func exec(
        _ handler: @escaping TestServer.Handler, input: Data? = nil, deadline: Duration = .seconds(10)
    ) async throws -> (ExecResult, TestServer.Request) {
        try await TestServer.run(handler) { server in
            let client = try KubernetesClient(.test(port: server.port, authentication: .init(token: "tok")))
            let result = try await client.exec(
                ["sh", "-c", "a & b"], pod: "sql-0", in: "sql", container: "mssql", input: input, deadline: deadline)
            return (result, try #require(server.requests.first))
        }
    }

    @Test func theRequestOffersBothVersions() async throws {
        let (result, request) = try await exec { request, peer in
            peer.send(Array(Self.accept(request, "v4.channel.k8s.io").utf8) + Self.message(1, "out") + Self.success)
        }
        #expect(result.isSuccess && result.text == "out")
        #expect(
            request.target
                == "/api/v1/namespaces/sql/pods/sql-0/exec?container=mssql&command=sh&command=-c&command=a%20%26%20b&stdout=true&stderr=true"
        )
        #expect(request.headers["sec-websocket-protocol"] == "v5.channel.k8s.io, v4.channel.k8s.io")
        #expect(request.headers["authorization"] == "Bearer tok")
    }

    /// The first output comes in the same segment as the 101; NIO drops what follows a 101 unless it is told otherwise.
    @Test func outputRightBehindTheUpgradeIsKept() async throws {
        for _ in 0..<20 {
            let (result, _) = try await exec { request, peer in
                peer.send(Array(Self.accept(request, "v5.channel.k8s.io").utf8) + Self.message(2, "early") + Self.success)
            }
            #expect(result.errorText == "early" && result.isSuccess)
        }
    }

    @Test func fragmentsPingsAndLargeFrames() async throws {
        let large = String(repeating: "x", count: 60_000)
        let (result, _) = try await exec { request, peer in
            peer.send(Self.accept(request, "v4.channel.k8s.io"))
            peer.send(Self.frame(2, [1] + Array("par".utf8), isFinal: false) + Self.frame(9, [1, 2]) + Self.frame(0, Array("ts".utf8)))
            peer.send(Self.message(1, large))
            peer.send(Self.success)
        }
        #expect(result.text == "parts" + large)
    }

    /// Often enough that the end also comes while the upgrade is under way.
    @Test func aConnectionThatEndsWithoutAStatusIsUnknown() async throws {
        for ending in Array(repeating: [Self.frame(8, [3, 232]), []], count: 20).flatMap({ $0 }) {
            let (result, _) = try await exec { request, peer in
                peer.send(Array(Self.accept(request, "v4.channel.k8s.io").utf8) + Self.message(1, "half") + ending)
                peer.close()
            }
            guard case .unknown = result.outcome else { throw NoFailure() }
            #expect(result.text == "half" && !result.isSuccess)
        }
    }

    @Test func theDeadlineHoldsForACommandThatDoesNotEnd() async throws {
        let (result, _) = try await exec(
            { request, peer in peer.send(Array(Self.accept(request, "v4.channel.k8s.io").utf8) + Self.message(1, "so far")) },
            deadline: .seconds(3))
        guard case .unknown(let reason) = result.outcome else { throw NoFailure() }
        #expect(result.text == "so far" && reason.contains("3.0 seconds"))
    }

    /// As for a pod on a dead node: the server waits for the kubelet and answers nothing.
    @Test func theDeadlineHoldsForAServerThatDoesNotAnswer() async throws {
        let error = try await failure { try await exec({ _, _ in }, deadline: .seconds(2)) }
        #expect(error.code == .timeout)
    }

    @Test func aRefusalIsTheServersStatus() async throws {
        let body = String(decoding: try Fixture.body("404.http"), as: UTF8.self)
        let error = try await failure { try await exec { $1.answer(404, body) } }
        #expect(error.code == .notFound && error.status?.reason == "NotFound")
        #expect(error.request?.contains("/pods/sql-0/exec") == true && !"\(error)".contains("a & b"))
        // The answer of Kubernetes 1.20 to a protocol it does not know: no body at all.
        #expect(
            try await failure {
                try await exec {
                    $1.send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"); $1.close()
                }
            }.code == .forbidden)
    }

    @Test func aConnectionThatEndsBeforeTheUpgrade() async throws {
        #expect(try await failure { try await exec { $1.close() } }.code == .connectionLost)
        let port = try ClosedPort()
        let client = try KubernetesClient(.test(port: port.number))
        #expect(try await failure { try await client.exec(["true"], pod: "p") }.code == .unreachable)
    }

    /// NIO's upgrade handler drops what is written before the upgrade is complete.
    @Test(arguments: [("v5.channel.k8s.io", "\u{0}hello|\u{FF}\u{0}"), ("v4.channel.k8s.io", "\u{0}hello")])
    func standardInput(_ version: String, _ expected: String) async throws {
        let received = Mutex<[UInt8]>([])
        let messages = expected.split(separator: "|").map { $0.unicodeScalars.map { UInt8($0.value) } }
        let result = try await TestServer.run { request, peer in
            peer.send(Self.accept(request, version))
        } raw: { bytes, peer in
            let all = received.withLock {
                $0 += bytes
                return $0
            }
            if Self.unmask(all) == messages { peer.send(Self.success) }
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port))
            let result = try await client.exec(["cat"], pod: "p", input: Data("hello".utf8))
            #expect(server.requests.first?.target.hasSuffix("&stdin=true") == true)
            return result
        }
        #expect(result.isSuccess)
    }

    /// The payloads of a client's short frames.
    private static func unmask(_ bytes: [UInt8]) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        var rest = bytes[...]
        while rest.count >= 6 {
            let frame = Array(rest)
            let length = Int(frame[1] & 127)
            guard frame.count >= 6 + length else { break }
            messages.append((0..<length).map { frame[6 + $0] ^ frame[2 + $0 % 4] })
            rest = rest.dropFirst(6 + length)
        }
        return messages
    }

    @Test func aCancelledCommand() async throws {
        let (arrived, arrival) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { _, _ in
            arrival.yield()
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port))
            let task = Task { try await client.exec(["sleep"], pod: "p", deadline: .seconds(60)) }
            for await _ in arrived { break }
            task.cancel()
            #expect(try await failure { try await task.value }.code == .cancelled)
        }
    }

    @Test func trustIsTheSameAsForEveryOtherRequest() async throws {
        let authority = try CertificateAuthority(name: "test authority")
        let identity = try authority.issue(name: "s", addresses: [], hosts: ["inner"])
        func run(_ trust: ClusterConfiguration.Trust) async throws -> ExecResult {
            try await TestServer.run(tls: try identity.serverTLS()) { request, peer in
                peer.send(Array(Self.accept(request, "v4.channel.k8s.io").utf8) + Self.success)
            } body: { server in
                let configuration = try ClusterConfiguration.test(port: server.port, isTLS: true, trust: trust)
                return try await KubernetesClient(configuration).exec(["true"], pod: "p")
            }
        }
        let pem = PEM(bytes: Array(try authority.pem.utf8), origin: "/etc/ca.crt")
        #expect(try await run(.init(authority: pem, serverName: "inner")).isSuccess)
        #expect(try await run(.init(isVerified: false)).isSuccess)
        let mismatch = try await failure { try await run(.init(authority: pem, serverName: "outer")) }
        #expect(mismatch.code == .serverNameMismatch, "\(mismatch)")
        let other = PEM(bytes: Array(try CertificateAuthority(name: "other").pem.utf8), origin: "/etc/other.crt")
        let untrusted = try await failure { try await run(.init(authority: other, serverName: "inner")) }
        #expect(untrusted.code == .serverCertificateUntrusted && untrusted.message.contains("/etc/other.crt"), "\(untrusted)")
    }

    @Test func throughAProxy() async throws {
        let (result, tunnel) = try await TestServer.run { request, peer in
            if request.method == "CONNECT" {
                peer.send("HTTP/1.1 200 Connection established\r\n\r\n")
            } else {
                peer.send(Array(Self.accept(request, "v4.channel.k8s.io").utf8) + Self.success)
            }
        } body: { server in
            let configuration = try ClusterConfiguration.test(port: 1, proxy: "http://127.0.0.1:\(server.port)")
            let result = try await KubernetesClient(configuration).exec(["true"], pod: "p")
            return (result, try #require(server.requests.first))
        }
        #expect(result.isSuccess)
        #expect(tunnel.method == "CONNECT" && tunnel.target == "127.0.0.1:1")
        try await TestServer.run {
            $1.answer(407, "")
        } body: { server in
            let configuration = try ClusterConfiguration.test(port: 1, proxy: "http://127.0.0.1:\(server.port)")
            let client = try KubernetesClient(configuration)
            let error = try await failure { try await client.exec(["true"], pod: "p") }
            #expect(error.code == .proxyFailed && error.message.contains("407"))
        }
    }
}
