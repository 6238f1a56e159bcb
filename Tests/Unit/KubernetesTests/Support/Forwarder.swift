import NIOCore
import NIOPosix
import Synchronization

/// A TCP forwarder that can be cut, to take an API server away from one client only.
final class Forwarder: Sendable {
    private struct State {
        var listener: (any Channel)?
        var connections: [any Channel] = []
    }

    private let host: String
    private let targetPort: Int
    private let state = Mutex(State())

    init(host: String, port: Int) {
        self.host = host
        targetPort = port
    }

    /// Listens and answers with the port.
    func open(port: Int) async throws -> Int {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { [self] inner in
                state.withLock { $0.connections.append(inner) }
                return ClientBootstrap(group: inner.eventLoop).connect(host: host, port: targetPort).flatMapThrowing { outer in
                    try inner.pipeline.syncOperations.addHandler(Glue(other: outer))
                    try outer.pipeline.syncOperations.addHandler(Glue(other: inner))
                    inner.setOption(.autoRead, value: true).whenComplete { _ in }
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
        return listener.localAddress?.port ?? 0
    }

    /// Closes the port and breaks every connection.
    func cut() async throws {
        let (listener, connections) = state.withLock { state in
            defer { state = State() }
            return (state.listener, state.connections)
        }
        try await listener?.close()
        for connection in connections where connection.isActive { try await connection.close() }
    }
}

private final class Glue: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let other: any Channel

    init(other: any Channel) { self.other = other }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { other.writeAndFlush(unwrapInboundIn(data), promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        other.close(promise: nil)
        context.fireChannelInactive()
    }
}
