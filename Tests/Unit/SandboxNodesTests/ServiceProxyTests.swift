import NIOCore
import NIOPosix
import SandboxFixtures
import Testing

@testable import SandboxNodes
@testable import SandboxStore

@Suite struct ServiceProxyTests {
    /// A probe's connection lasts shorter than it takes to connect to the pod for it.
    @Test(.timeLimit(.minutes(1))) func whoLeavesBeforeThePodAnswersLeavesNothingOpen() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let (ends, ended) = AsyncStream.makeStream(of: Void.self)
        let pod = try await ServerBootstrap(group: group)
            .childChannelInitializer { connection in
                connection.closeFuture.whenComplete { _ in ended.yield() }
                return connection.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let service = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let client = try await ClientBootstrap(group: group).channelOption(.autoRead, value: false)
            .connect(to: try #require(service.localAddress)).get()

        let proxy = ServiceProxy(store: try .testing(), group: group)
        let backend = ProxyTable.Backend(address: "127.0.0.1", port: try #require(pod.localAddress?.port), node: "worker-1")
        try await client.eventLoop.submit {
            proxy.connect(client, to: backend)
            client.close(promise: nil)
        }.get()
        var end = ends.makeAsyncIterator()
        await end.next()
        for listener in [pod, service] { try await listener.close() }
    }

    /// However soon the pod is connected to: also before the loop that accepted the client has handed it over.
    @Test(.timeLimit(.minutes(1))) func whoStaysIsConnected() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let pod = try await ServerBootstrap(group: group)
            .childChannelInitializer { connection in
                connection.eventLoop.makeCompletedFuture { try connection.pipeline.syncOperations.addHandler(Greeting()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = ServiceProxy(store: try .testing(), group: group)
        let backend = ProxyTable.Backend(address: "127.0.0.1", port: try #require(pod.localAddress?.port), node: "worker-1")
        let service = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { client in
                proxy.connect(client, to: backend)
                return client.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        for _ in 0..<500 {
            let client = try await ClientBootstrap(group: group).connect(to: try #require(service.localAddress)) { client in
                client.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: client) }
            }
            let greeting = try await client.executeThenClose { inbound, _ in
                try await inbound.first { $0.readableBytes > 0 }
            }
            #expect(greeting.map(String.init(buffer:)) == Greeting.text)
        }
        for listener in [pod, service] { try await listener.close() }
    }
}

/// Says something to whoever connects.
private final class Greeting: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    static let text = "welcome"

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: Self.text)), promise: nil)
        context.fireChannelActive()
    }
}
