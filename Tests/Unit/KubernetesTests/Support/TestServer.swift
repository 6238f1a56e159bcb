import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Proxies
import Synchronization

@testable import Kubernetes

/// A server on a port of its own on loopback that answers with whatever bytes a test wants, in whatever pieces.
final class TestServer: Sendable {
    struct Request: Sendable {
        var method = ""
        var target = ""
        /// Names in lower case.
        var headers: [String: String] = [:]
        var body = ""

        var path: String { String(target.prefix { $0 != "?" }) }
    }

    /// The side of a connection that a test writes to.
    struct Peer: Sendable {
        let channel: any Channel

        func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        func send(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }
        func close() { channel.close(promise: nil) }

        func answer(_ status: Int = 200, _ body: String = "{}", headers: [String] = [], type: String = "application/json") {
            let lines = ["HTTP/1.1 \(status) Status", "Content-Type: \(type)", "Content-Length: \(body.utf8.count)"] + headers
            send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
        }

        /// Begins an answer without end, to be followed by ``chunk(_:)``.
        func beginStream() { send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n") }
        func chunk(_ text: String) { send("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n") }
        func endStream() { send("0\r\n\r\n") }
    }

    typealias Handler = @Sendable (Request, Peer) -> Void

    let port: Int
    private let channel: any Channel
    private let log: Log

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
        let connections = Mutex<[any Channel]>([])
    }

    var requests: [Request] { log.requests.withLock { $0 } }
    var connections: Int { log.connections.withLock { $0.count } }

    private init(port: Int, channel: any Channel, log: Log) {
        self.port = port
        self.channel = channel
        self.log = log
    }

    /// A port that can be closed and opened again: outside the range from which the system gives ports to others.
    static var reusablePort: Int { Int.random(in: 20_000..<32_000) }

    /// Serves while `body` runs.
    ///
    /// - Parameter raw: gets what comes after a request that asks for another protocol.
    static func run<Result>(
        tls: NIOSSLContext? = nil, port: Int = 0, _ handler: @escaping Handler, raw: (@Sendable ([UInt8], Peer) -> Void)? = nil,
        body: (TestServer) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        return try await LoopbackListener.run(port: port) { connection in
            log.connections.withLock { $0.append(connection) }
            if let tls { try connection.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            try connection.pipeline.syncOperations.addHandler(
                RequestReader { request in
                    log.requests.withLock { $0.append(request) }
                    handler(request, Peer(channel: connection))
                } raw: { bytes in
                    raw?(bytes, Peer(channel: connection))
                })
        } _: { listener in
            let server = TestServer(port: listener.port, channel: listener, log: log)
            do {
                let result = try await body(server)
                try await server.stop()
                return result
            } catch {
                try await server.stop()
                throw error
            }
        }
    }

    /// Closes the port and every connection.
    func stop() async throws {
        if channel.isActive { try await channel.close() }
        for connection in log.connections.withLock({ $0 }) where connection.isActive { try? await connection.close() }
    }
}

/// Just enough HTTP/1.1 to know when a request is complete.
private final class RequestReader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var text = ""
    private var isUpgraded = false
    private let receive: (TestServer.Request) -> Void
    private let raw: ([UInt8]) -> Void

    init(receive: @escaping (TestServer.Request) -> Void, raw: @escaping ([UInt8]) -> Void) {
        self.receive = receive
        self.raw = raw
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if isUpgraded { return raw(Array(buffer.readableBytesView)) }
        // As servers do with other protocols than HTTP, such as TLS.
        if text.isEmpty, buffer.readableBytesView.first.map({ !(65...90).contains($0) }) == true {
            context.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n")), promise: nil)
            return context.close(promise: nil)
        }
        text += String(buffer: buffer)
        while let end = text.range(of: "\r\n\r\n") {
            let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
            var request = TestServer.Request()
            let words = lines[0].split(separator: " ")
            guard words.count == 3 else { return }
            request.method = String(words[0])
            request.target = String(words[1])
            for line in lines.dropFirst() {
                let parts = line.split(separator: ":", maxSplits: 1)
                request.headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
            }
            let length = Int(request.headers["content-length"] ?? "0") ?? 0
            let rest = text[end.upperBound...]
            guard rest.utf8.count >= length else { return }
            request.body = String(rest.prefix(length))
            text = String(rest.dropFirst(length))
            isUpgraded = request.headers["upgrade"] != nil
            receive(request)
        }
    }

    /// A client that goes away is a case of the tests.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension ClusterConfiguration {
    /// Of a test server.
    static func test(
        port: Int, isTLS: Bool = false, trust: Trust = Trust(), authentication: Authentication = Authentication(),
        requestTimeout: Duration? = .seconds(10), impersonation: Impersonation = Impersonation(), proxy: String? = nil, path: String = ""
    ) throws -> ClusterConfiguration {
        ClusterConfiguration(
            server: try APIServerURL("\(isTLS ? "https" : "http")://127.0.0.1:\(port)\(path)", origin: "test"), namespace: "default",
            requestTimeout: requestTimeout, trust: trust, proxy: try proxy.map { try Proxy($0, origin: "proxy-url") },
            authentication: authentication, impersonation: impersonation)
    }
}

/// The error that an operation throws, for tests that look into it.
func failure<Result>(_ body: () async throws -> Result) async throws -> KubernetesError {
    do {
        _ = try await body()
    } catch let error as KubernetesError {
        return error
    }
    throw NoFailure()
}

struct NoFailure: Error {}
