import KubernetesAPI
package import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import NIOWebSocket
import SandboxStore
import Synchronization

/// The HTTPS server in front of an ``APIService``, on the loopback interface alone.
package final class APIServer: Sendable {
    /// The kind of a connection, known once its first request is there.
    enum Negotiated: Sendable {
        case http(NIOAsyncChannel<HTTPServerRequestPart, HTTPServerResponsePart>, hasCertificate: Bool, refused: HTTPRequestHead?)
        case exec(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>, ExecCall)
    }

    private let service: APIService
    private let credentials: ClusterCredentials
    private let listener: NIOAsyncChannel<EventLoopFuture<Negotiated>, Never>
    private let open: OpenChannels
    /// The port that was bound.
    package let port: Int

    private init(
        service: APIService, credentials: ClusterCredentials, listener: NIOAsyncChannel<EventLoopFuture<Negotiated>, Never>,
        open: OpenChannels, port: Int
    ) {
        self.service = service
        self.credentials = credentials
        self.listener = listener
        self.open = open
        self.port = port
    }

    /// Binds a free port of 127.0.0.1 (or `port`); ``run()`` then serves it.
    package static func bind(
        service: APIService, credentials: ClusterCredentials, port: Int = 0, group: any EventLoopGroup
    ) async throws -> APIServer {
        let tls = try NIOSSLContext(configuration: credentials.serverConfiguration())
        let open = OpenChannels()
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .bind(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    open.add(channel)
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    let keeper = UpgradeHead()
                    let configuration = NIOTypedHTTPServerUpgradeConfiguration(
                        upgraders: [Self.upgrader(service, credentials)],
                        notUpgradingCompletionHandler: { channel in
                            channel.eventLoop.makeCompletedFuture {
                                let hasCertificate = Self.hasCertificate(channel)
                                return .http(
                                    try NIOAsyncChannel(wrappingChannelSynchronously: channel), hasCertificate: hasCertificate,
                                    refused: keeper.head)
                            }
                        })
                    let negotiated = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                        configuration: .init(upgradeConfiguration: configuration))
                    let handler = try channel.pipeline.syncOperations.handler(type: NIOTypedHTTPServerUpgradeHandler<Negotiated>.self)
                    try channel.pipeline.syncOperations.addHandler(keeper, position: .before(handler))
                    return negotiated
                }
            }
        guard let port = listener.channel.localAddress?.port else { throw ChannelError.unknownLocalAddress }
        return APIServer(service: service, credentials: credentials, listener: listener, open: open, port: port)
    }

    /// Serves until the task is cancelled; then every connection is closed.
    package func run() async throws {
        try await withTaskCancellationHandler {
            try await withThrowingDiscardingTaskGroup { group in
                try await listener.executeThenClose { connections in
                    for try await connection in connections {
                        group.addTask { await self.serve(connection) }
                    }
                }
            }
        } onCancel: {
            // A connection that never sent a request is in nobody's hands yet, so cancelling tasks alone would not end it.
            open.closeAll()
            listener.channel.close(promise: nil)
        }
    }

    private func serve(_ connection: EventLoopFuture<Negotiated>) async {
        do {
            switch try await connection.get() {
            case .http(let channel, let hasCertificate, let refused):
                try await HTTPConnection(service: service, credentials: credentials, hasCertificate: hasCertificate).run(
                    channel, refused: refused)
            case .exec(let channel, let call):
                try await ExecConnection(runtime: service.runtime, call: call).run(channel)
            }
        } catch {
            // A client that goes away or speaks no TLS is its own affair: the connection is closed and nothing else is touched.
        }
    }

    /// Is `true` when the client showed a certificate; TLS has already checked that our authority signed it.
    private static func hasCertificate(_ channel: any Channel) -> Bool {
        (try? channel.pipeline.syncOperations.nioSSL_peerCertificate()) != nil
    }

    private static func upgrader(
        _ service: APIService, _ credentials: ClusterCredentials
    ) -> NIOTypedWebSocketServerUpgrader<Negotiated> {
        // A request that is refused here goes on as a plain one, whose answer says what is wrong.
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: ExecFrame.sizeLimit,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    guard let user = service.authenticated(head.headers, hasCertificate: hasCertificate(channel), credentials),
                        let call = try? ExecCall(head, service, user)
                    else { return nil }
                    return ["Sec-WebSocket-Protocol": call.protocol.rawValue]
                }
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 1, maxAccumulatedFrameCount: 1024, maxAccumulatedFrameSize: ExecFrame.sizeLimit))
                    guard let user = service.authenticated(head.headers, hasCertificate: hasCertificate(channel), credentials) else {
                        throw APIService.unauthorized
                    }
                    return .exec(try NIOAsyncChannel(wrappingChannelSynchronously: channel), try ExecCall(head, service, user))
                }
            })
    }
}

/// Keeps the head of a request that asks for an upgrade: NIO's handler drops it when it has no upgrade to offer, and the request could
/// not be answered.
private final class UpgradeHead: ChannelInboundHandler, Sendable {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let kept = Mutex<(hasRead: Bool, head: HTTPRequestHead?)>((false, nil))

    var head: HTTPRequestHead? { kept.withLock { $0.head } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After the first part there may be an upgrade, and then other things than HTTP come by.
        kept.withLock { kept in
            guard !kept.hasRead else { return }
            kept.hasRead = true
            if case .head(let head) = unwrapInboundIn(data), head.headers.contains(name: "Upgrade") { kept.head = head }
        }
        context.fireChannelRead(data)
    }
}

/// The connections that are open now, so that stopping can close each of them.
final class OpenChannels: Sendable {
    private struct State: Sendable {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let isTooLate = state.withLock { state in
            if !state.isClosed { state.channels[id] = channel }
            return state.isClosed
        }
        if isTooLate { return channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in self.state.withLock { $0.channels[id] = nil } }
    }

    func closeAll() {
        let channels = state.withLock { state in
            state.isClosed = true
            defer { state.channels = [:] }
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
