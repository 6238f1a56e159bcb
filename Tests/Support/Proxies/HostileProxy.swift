import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Stands between a client and an API server: passes every request on with the server's token, but for watches, which it spoils.
public struct HostileProxy: Sendable {
    /// The treatment of a watch. The proxy passes all other requests on unchanged.
    public enum Behavior: String, Sendable, CaseIterable {
        /// Opens and says nothing.
        case silent
        /// Is never answered.
        case hanging
        /// Opens and sends bytes that are not an event.
        case garbage
        /// Sends events of pods without end, as fast as they are taken.
        case flooding
        /// Passes the server's events on, a byte at a time.
        case dripping
    }

    /// The address to give to clients, without TLS.
    public let server: String

    /// Runs on loopback while `body` does.
    ///
    /// - Parameters:
    ///   - port: the API server's, on loopback, with TLS.
    ///   - token: what the server knows the clients by.
    public static func run<Result>(
        to port: Int, token: String, _ behavior: Behavior, _ body: (HostileProxy) async throws -> Result
    ) async throws -> Result {
        var trust = TLSConfiguration.makeClientConfiguration()
        trust.certificateVerification = .none
        let tls = try NIOSSLContext(configuration: trust)
        return try await LoopbackListener.run { client in
            try client.pipeline.syncOperations.addHandler(Inner(port: port, token: token, tls: tls, behavior: behavior))
        } _: { listener in
            try await body(HostileProxy(server: "http://127.0.0.1:\(listener.port)"))
        }
    }
}

/// The client's side. Every connection carries one request, so that no second one hides behind a stream.
private final class Inner: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private enum State {
        case reading
        case connecting
        case open(any Channel)
        case spoiled
    }

    private let port: Int
    private let token: String
    private let tls: NIOSSLContext
    private let behavior: HostileProxy.Behavior
    private var state = State.reading
    private var bytes = ByteBuffer()
    private var count = 0

    init(port: Int, token: String, tls: NIOSSLContext, behavior: HostileProxy.Behavior) {
        self.port = port
        self.token = token
        self.tls = tls
        self.behavior = behavior
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let piece = unwrapInboundIn(data)
        switch state {
        case .open(let outer): outer.writeAndFlush(piece, promise: nil)
        case .reading, .connecting:
            bytes.writeImmutableBuffer(piece)
            if case .reading = state { begin(context) }
        case .spoiled: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .open(let outer) = state { outer.close(promise: nil) }
        state = .spoiled
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func begin(_ context: ChannelHandlerContext) {
        let text = String(buffer: bytes)
        guard let end = text.range(of: "\r\n\r\n") else { return }
        let lines = text[..<end.lowerBound].split(separator: "\r\n")
        guard let target = lines.first?.split(separator: " ").dropFirst().first else { return context.close(promise: nil) }
        let isWatch = target.contains("watch=true")
        if isWatch, behavior != .dripping, behavior != .flooding || target.contains("/pods?") { return spoil(context) }
        let isUpgrade = lines.contains { $0.lowercased().hasPrefix("upgrade:") }
        var head = lines.filter { line in
            let name = line.prefix { $0 != ":" }.lowercased()
            return name != "authorization" && (name != "connection" || isUpgrade)
        }
        .joined(separator: "\r\n")
        head += "\r\nAuthorization: Bearer \(token)\r\n\(isUpgrade ? "" : "Connection: close\r\n")\r\n"
        bytes.moveReaderIndex(forwardBy: text[..<end.upperBound].utf8.count)
        connect(context, head: head, isUpgrade: isUpgrade, drips: isWatch && behavior == .dripping)
    }

    private func connect(_ context: ChannelHandlerContext, head: String, isUpgrade: Bool, drips: Bool) {
        state = .connecting
        let inner = context.channel
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        let tls = tls
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLClientHandler(context: tls, serverHostname: nil), Outer(inner: inner, isUpgrade: isUpgrade, drips: drips))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .whenComplete { result in
                guard case .success(let outer) = result else { return inner.close(promise: nil) }
                let handler = this.value
                guard case .connecting = handler.state else { return outer.close(promise: nil) }
                handler.state = .open(outer)
                outer.write(ByteBuffer(string: head), promise: nil)
                outer.writeAndFlush(handler.bytes, promise: nil)
            }
    }

    private func spoil(_ context: ChannelHandlerContext) {
        state = .spoiled
        guard behavior != .hanging else { return }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        context.writeAndFlush(NIOAny(ByteBuffer(string: head)), promise: nil)
        if behavior != .silent { send(context) }
    }

    /// The next line of garbage or of the flood, when the one before was taken.
    private func send(_ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        count += 1
        let line = behavior == .garbage ? "}{ \(count) this is no event\n" : flood
        let sent = context.writeAndFlush(NIOAny(ByteBuffer(string: "\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n")))
        let this = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let pause: TimeAmount = behavior == .garbage ? .milliseconds(50) : .zero
        let loop = context.eventLoop
        sent.whenSuccess { loop.scheduleTask(in: pause) { this.value.0.send(this.value.1) } }
    }

    private var flood: String {
        """
        {"type":"ADDED","object":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"flood-\(count)","namespace":"sql","uid":"flood-\(count)",\
        "resourceVersion":"\(1_000_000_000 + count)","annotations":{"ballast":"\(String(repeating: "x", count: 60_000))"}},\
        "spec":{"containers":[{"name":"c","image":"i"}]}}}\n
        """
    }
}

/// The server's side.
private final class Outer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let inner: any Channel
    private let drips: Bool
    private var waiting = ByteBuffer()
    private var isDripping = false
    /// A line that is still to be added to the head of the answer.
    private var closes: String

    init(inner: any Channel, isUpgrade: Bool, drips: Bool) {
        self.inner = inner
        closes = isUpgrade ? "" : "Connection: close\r\n"
        self.drips = drips
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var piece = unwrapInboundIn(data)
        if !closes.isEmpty {
            // The head's first line. A client that does not know that this connection ends would use it again.
            let end = piece.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 - piece.readerIndex } ?? 0
            inner.write(piece.readSlice(length: end) ?? ByteBuffer(), promise: nil)
            inner.write(ByteBuffer(string: closes), promise: nil)
            closes = ""
        }
        guard drips else { return inner.writeAndFlush(piece, promise: nil) }
        waiting.writeImmutableBuffer(piece)
        if !isDripping { drip(context) }
    }

    private func drip(_ context: ChannelHandlerContext) {
        guard let byte = waiting.readSlice(length: 1) else { return isDripping = false }
        isDripping = true
        inner.writeAndFlush(byte, promise: nil)
        let this = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(10)) { this.value.0.drip(this.value.1) }
    }

    func channelInactive(context: ChannelHandlerContext) { inner.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
