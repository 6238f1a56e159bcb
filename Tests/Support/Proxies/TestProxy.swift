import Foundation
import NIOCore
import NIOPosix
public import NIOSSL
import Synchronization

/// A proxy on loopback that leads every name to loopback: HTTP (with `CONNECT`) and SOCKS 5, with or without a login.
public final class TestProxy: Sendable {
    public let port: Int
    /// The targets that were asked for, `host:port` as they were written.
    public var targets: [String] { log.withLock { $0 } }

    private let log: Log

    fileprivate final class Log: Sendable {
        private let lines = Mutex<[String]>([])

        func withLock<Result>(_ body: (inout [String]) -> sending Result) -> Result { lines.withLock(body) }
    }

    private init(port: Int, log: Log) {
        self.port = port
        self.log = log
    }

    /// Proxies while `body` runs.
    ///
    /// - Parameter login: `user:password`, when one is needed.
    public static func run<Result>(
        tls: NIOSSLContext? = nil, login: String? = nil, _ body: (TestProxy) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        return try await LoopbackListener.run { client in
            if let tls { try client.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
            try client.pipeline.syncOperations.addHandler(ProxyHandler(login: login, log: log))
        } _: { listener in
            try await body(TestProxy(port: listener.port, log: log))
        }
    }

    public func forget() { log.withLock { $0 = [] } }
}

/// Reads what the client wants, connects, and from then on only passes bytes.
private final class ProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum State {
        case beginning
        case socksLogin
        case socksRequest
        case connecting
        case open(any Channel)
    }

    private let login: String?
    private let log: TestProxy.Log
    private var state = State.beginning
    private var bytes: [UInt8] = []

    init(login: String?, log: TestProxy.Log) {
        self.login = login
        self.log = log
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = unwrapInboundIn(data)
        if case .open(let outer) = state { return outer.writeAndFlush(piece, promise: nil) }
        bytes += piece.readableBytesView
        while step(context) {}
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .open(let outer) = state { outer.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Returns whether more may be done with the bytes that are there.
    private func step(_ context: ChannelHandlerContext) -> Bool {
        switch state {
        case .beginning where bytes.first == 5:
            guard bytes.count >= 2, bytes.count >= 2 + Int(bytes[1]) else { return false }
            bytes.removeFirst(2 + Int(bytes[1]))
            send([5, login == nil ? 0 : 2], context)
            state = login == nil ? .socksRequest : .socksLogin
            return true
        case .beginning: return http(context)
        case .socksLogin:
            guard bytes.count >= 2, bytes.count >= 3 + Int(bytes[1]) else { return false }
            let user = Int(bytes[1])
            let password = Int(bytes[2 + user])
            guard bytes.count >= 3 + user + password else { return false }
            let given =
                String(decoding: bytes[2..<2 + user], as: UTF8.self) + ":"
                + String(decoding: bytes[(3 + user)..<(3 + user + password)], as: UTF8.self)
            bytes.removeFirst(3 + user + password)
            send([1, given == login ? 0 : 1], context)
            state = .socksRequest
            return given == login
        case .socksRequest:
            guard bytes.count >= 5 else { return false }
            let size = bytes[3] == 3 ? 1 + Int(bytes[4]) : bytes[3] == 1 ? 4 : 16
            guard bytes.count >= 6 + size else { return false }
            let address = bytes[4..<4 + size]
            let host = bytes[3] == 3 ? String(decoding: address.dropFirst(), as: UTF8.self) : address.map { "\($0)" }.joined(separator: ".")
            let port = Int(bytes[4 + size]) << 8 | Int(bytes[5 + size])
            bytes.removeFirst(6 + size)
            connect(context, host: host, port: port, greeting: [5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            return false
        case .connecting, .open: return false
        }
    }

    private func http(_ context: ChannelHandlerContext) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return false }
        let words = text.prefix { $0 != "\r\n" }.split(separator: " ")
        let head = text[..<end.lowerBound]
        if let login {
            let expected = "proxy-authorization: basic \(Data(login.utf8).base64EncodedString())".lowercased()
            guard head.lowercased().contains(expected) else {
                send(Array("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8), context)
                context.close(promise: nil)
                return false
            }
        }
        let target =
            words[0] == "CONNECT" ? String(words[1]) : URLComponents(string: String(words[1])).map { "\($0.host ?? ""):\($0.port ?? 80)" }
        let colon = target?.lastIndex(of: ":")
        guard let target, let colon, let port = Int(target[target.index(after: colon)...]) else { return false }
        if words[0] == "CONNECT" {
            bytes.removeFirst(text[..<end.upperBound].utf8.count)
            connect(
                context, host: String(target[..<colon]), port: port, greeting: Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))
        } else {
            // A server takes the whole URL as well.
            connect(context, host: String(target[..<colon]), port: port, greeting: [])
        }
        return false
    }

    private func connect(_ context: ChannelHandlerContext, host: String, port: Int, greeting: [UInt8]) {
        log.withLock { $0.append("\(host):\(port)") }
        state = .connecting
        let inner = context.channel
        let loop = context.eventLoop
        let this = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Backward(to: inner)) }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenComplete { result in
                guard case .success(let outer) = result else { return inner.close(promise: nil) }
                let handler = this.value
                handler.state = .open(outer)
                inner.writeAndFlush(ByteBuffer(bytes: greeting), promise: nil)
                if !handler.bytes.isEmpty { outer.writeAndFlush(ByteBuffer(bytes: handler.bytes), promise: nil) }
                handler.bytes = []
            }
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(bytes: bytes)), promise: nil)
    }
}
