public import Journal
public import NIOCore
import NIOPosix
import Network

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A TCP forwarder whose path can fail as networks and hosts do.
public final class Forwarder: Sendable {
    /// The path's behaviour from now on.
    public enum Path: Sendable, Hashable, CaseIterable {
        case open
        /// Nothing listens, and open connections are reset, as after the kill of a process.
        case refused
        /// Connections are accepted and reset at once; open ones are reset.
        case reset
        /// Packets are lost. They arrive when the path opens again, because TCP retransmits them.
        case blackHole
        /// Connections are accepted and never answered; open ones get no answer any more, not even later.
        case hanging
        /// The kernel accepts connections until its queue is full and nothing reads, as with a stopped process. All of them continue when the
        /// path opens again.
        case frozen
    }

    public var address: SocketAddress { port.address }
    private let port: LoopbackPort
    private let backlog: CInt
    private let eventLoop: any EventLoop
    private let state: NIOLoopBoundBox<ForwarderState>

    private init(_ port: LoopbackPort, on eventLoop: any EventLoop, to target: SocketAddress, _ backlog: CInt) {
        self.port = port
        self.backlog = backlog
        self.eventLoop = eventLoop
        state = NIOLoopBoundBox.makeBoxSendingValue(ForwarderState(target: target), eventLoop: eventLoop)
    }

    /// - Parameters:
    ///   - host: a loopback address that nothing else uses.
    ///   - target: the address to forward to.
    ///   - backlog: the number of connections that the kernel keeps for a frozen path. The kernel has a limit of its own.
    public static func start(
        host: String, to target: SocketAddress, backlog: CInt = 4096, on eventLoop: any EventLoop
    ) async throws -> Forwarder {
        let forwarder = Forwarder(try LoopbackPort(host: host), on: eventLoop, to: target, backlog)
        try await forwarder.eventLoop.flatSubmit { forwarder.listen() }.get()
        return forwarder
    }

    /// Changes the path. Between the two returned times it was in either state.
    public func set(_ path: Path, clock: RunClock) async throws -> ClosedRange<RunTime> {
        try await eventLoop.flatSubmit {
            let before = clock.now
            return self.change(to: path, clock).map { before...clock.now }
        }.get()
    }

    /// Returns the times in which the kernel refused every connect because the queue of a frozen path was full.
    public func fullQueues() async throws -> [TrueOutage] {
        try await eventLoop.submit { self.state.value.queue?.full ?? [] }.get()
    }

    public func stop() async throws {
        try await eventLoop.flatSubmit {
            self.state.value.path = .refused
            self.resetConnections()
            return self.stopListening()
        }.get()
    }

    // MARK: On the loop

    private func change(to path: Path, _ clock: RunClock) -> EventLoopFuture<Void> {
        state.value.path = path
        switch path {
        case .open:
            state.value.blackHole = nil
            for connection in state.value.connections.values { connection.setReading(true) }
            return listen()
        case .refused:
            return stopListening().map { self.resetConnections() }
        case .reset:
            resetConnections()
            return eventLoop.makeSucceededVoidFuture()
        case .hanging:
            for connection in state.value.connections.values { connection.isDead = true }
            return eventLoop.makeSucceededVoidFuture()
        case .frozen:
            for connection in state.value.connections.values { connection.setReading(false) }
            guard let listener = state.value.listener else { return eventLoop.makeSucceededVoidFuture() }
            return listener.setOption(.autoRead, value: false).map {
                self.state.value.queue = ListenQueue(of: listener, clock: clock)
                self.watchQueue()
            }
        case .blackHole:
            for connection in state.value.connections.values { connection.setReading(false) }
            return stopListening().flatMapThrowing { self.state.value.blackHole = try self.port.blackHole() }
        }
    }

    /// Watches the queue while the path is frozen, and after that until a full queue has room again.
    private func watchQueue() {
        eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: ListenQueue.interval) { task in
            let isFull = self.state.value.queue?.look() ?? false
            if !isFull, self.state.value.path != .frozen { task.cancel() }
        }
    }

    private func listen() -> EventLoopFuture<Void> {
        if let listener = state.value.listener { return listener.setOption(.autoRead, value: true) }
        let state = state
        return ServerBootstrap(group: eventLoop, childGroup: eventLoop)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            // Reading begins only after the partner is connected.
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in Self.accept(channel, state) }
            .bind(to: address)
            .map { state.value.listener = $0 }
    }

    private func stopListening() -> EventLoopFuture<Void> {
        guard let listener = state.value.listener else { return eventLoop.makeSucceededVoidFuture() }
        state.value.listener = nil
        return listener.close()
    }

    private func resetConnections() {
        for connection in state.value.connections.values { connection.reset() }
    }

    private static func accept(_ client: any Channel, _ state: NIOLoopBoundBox<ForwarderState>) -> EventLoopFuture<Void> {
        let path = state.value.path
        return client.eventLoop.makeCompletedFuture {
            let (clientSide, serverSide) = ForwardedConnection.pair(state)
            try client.pipeline.syncOperations.addHandler(clientSide)
            switch path {
            case .reset:
                client.closeWithReset()
            case .hanging:
                clientSide.isDead = true
                clientSide.setReading(true)
            case .open, .refused, .frozen, .blackHole:
                let serverSide = NIOLoopBound(serverSide, eventLoop: client.eventLoop)
                ClientBootstrap(group: client.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelInitializer { server in
                        server.eventLoop.makeCompletedFuture { try server.pipeline.syncOperations.addHandler(serverSide.value) }
                    }
                    .connect(to: state.value.target)
                    .assumeIsolated()
                    .whenComplete { result in
                        switch result {
                        case .success: clientSide.setReading(state.value.path != .frozen && state.value.path != .blackHole)
                        case .failure: clientSide.reset()
                        }
                    }
            }
        }
    }
}

struct ForwarderState {
    let target: SocketAddress
    var path = Forwarder.Path.open
    var listener: (any Channel)?
    var blackHole: BlackHole?
    var queue: ListenQueue?
    var connections: [ObjectIdentifier: ForwardedConnection] = [:]
}
