public import NIOCore
import NIOPosix

/// A port on loopback that listens while a test needs it.
public enum LoopbackListener {
    /// Listens while `body` runs. It gets the listening channel and may close it.
    ///
    /// - Parameters:
    ///   - port: 0 is any free one.
    ///   - accept: adds the handlers of a new connection.
    public static func run<Result>(
        port: Int = 0, accept: @escaping @Sendable (any Channel) throws -> Void, _ body: (any Channel) async throws -> Result
    ) async throws -> Result {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in channel.eventLoop.makeCompletedFuture { try accept(channel) } }
            .bind(host: "127.0.0.1", port: port).get()
        let result: Result
        do { result = try await body(listener) } catch {
            if listener.isActive { try await listener.close() }
            throw error
        }
        if listener.isActive { try await listener.close() }
        return result
    }
}

extension Channel {
    /// The port of a listening channel.
    public var port: Int { localAddress?.port ?? 0 }
}

/// The far side of a proxied connection: hands bytes and the end back to the client.
final class Backward: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let client: any Channel

    init(to client: any Channel) { self.client = client }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { client.writeAndFlush(unwrapInboundIn(data), promise: nil) }
    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
