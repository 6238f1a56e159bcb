import JSON
package import NIOCore
import NIOPosix
import Network
package import SandboxStore
import Synchronization

/// Makes Service addresses answer, as kube-proxy does on every node: forwards to ready pods, refuses where there are none, and lets everything
/// to a node that is off the network run into silence.
package final class ServiceProxy: NetworkFaults {
    private struct Connection: Sendable {
        let node: String
        let eventLoop: any EventLoop
        let handler: NIOLoopBound<ForwardingHandler>
    }

    private struct State {
        var silent: Set<String> = []
        var connections: [ObjectIdentifier: Connection] = [:]
        var listeners: [ProxyTable.Frontend: ServiceListener] = [:]
        var failed: Set<ProxyTable.Frontend> = []
    }

    private let state = Mutex(State())
    private let store: ObjectStore
    private let group: any EventLoopGroup
    private let isSlow: Bool

    /// The lag of a proxy that is slow on purpose.
    private static let lag = Duration.seconds(3)

    package init(store: ObjectStore, group: any EventLoopGroup, flaws: Set<SandboxFlaw> = []) {
        self.store = store
        self.group = group
        isSlow = flaws.contains(.slowProxy)
    }

    // MARK: The table

    /// Follows the store until the task is cancelled, and then closes everything.
    package func run() async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withTaskGroup(of: Void.self) { tasks in
            for type in [ResourceType.services, .endpointSlices] {
                tasks.addTask { [store] in
                    while !Task.isCancelled {
                        guard let watch = try? store.watch(type) else { return }
                        // Behind by more than the event window: the next watch begins with what is present.
                        do { for try await _ in watch { change.yield() } } catch {}
                    }
                }
            }
            change.yield()
            // The last backends of every frontend that has had any.
            var known: [ProxyTable.Frontend: [ProxyTable.Backend]] = [:]
            for await _ in changes {
                guard let table = try? store.read({ ProxyTable($0) }) else { continue }
                if isSlow, known.contains(where: { table.backends[$0.key, default: []] != $0.value }) {
                    try? await Task.sleep(for: Self.lag)
                }
                for frontend in known.keys { known[frontend] = [] }
                known.merge(table.backends) { _, new in new }
                await apply(table)
            }
            tasks.cancelAll()
        }
        let (listeners, connections) = state.withLock { state in
            defer {
                state.listeners = [:]
                state.connections = [:]
            }
            return (Array(state.listeners.values), Array(state.connections.values))
        }
        for listener in listeners { await listener.stop() }
        for connection in connections {
            connection.eventLoop.execute { connection.handler.value.end() }
        }
    }

    private func apply(_ table: ProxyTable) async {
        let (present, silent) = state.withLock { ($0.listeners, $0.silent) }
        for (frontend, listener) in present where table.backends[frontend] == nil {
            state.withLock { _ = $0.listeners.removeValue(forKey: frontend) }
            await listener.stop()
        }
        state.withLock { $0.failed.formIntersection(table.backends.keys) }
        for (frontend, backends) in table.backends {
            if let listener = present[frontend] {
                await listener.update(backends, silent: silent)
                continue
            }
            do {
                let listener = try await ServiceListener.start(frontend, backends, silent: silent, self, group)
                state.withLock { $0.listeners[frontend] = listener }
                await listener.apply(silent: state.withLock { $0.silent })
            } catch {
                report(frontend, error)
            }
        }
    }

    /// Says once on the Service why an address does not answer (ports below 1024, say, are not for ordinary users).
    private func report(_ frontend: ProxyTable.Frontend, _ error: any Error) {
        guard state.withLock({ $0.failed.insert(frontend).inserted }) else { return }
        _ = try? store.transaction { state in
            for service in state.list(.services) where service[path: "spec", "clusterIP"]?.string == frontend.address {
                state.recordEvent(
                    service, .warning, "FailedToListen", "cannot listen on \(HostPort.text(frontend.address, frontend.port)): \(error)",
                    from: "sandbox-proxy")
            }
            return true
        }
    }

    // MARK: Connections

    /// Connects a client to a pod, on the client's event loop.
    func connect(_ front: any Channel, to backend: ProxyTable.Backend) {
        let loop = front.eventLoop
        let id = ObjectIdentifier(front)
        let isSilent = state.withLock { $0.silent.contains(backend.node) }
        let (frontSide, backSide) = ForwardingHandler.pair(isSilent: isSilent)
        let bound = NIOLoopBound(frontSide, eventLoop: loop)
        let boundBack = NIOLoopBound(backSide, eventLoop: loop)
        do { try front.pipeline.syncOperations.addHandler(frontSide) } catch {
            front.closeWithReset()
            return
        }
        state.withLock { $0.connections[id] = Connection(node: backend.node, eventLoop: loop, handler: bound) }
        front.closeFuture.whenComplete { _ in self.state.withLock { _ = $0.connections.removeValue(forKey: id) } }
        // To a node without power no connection comes about, nor a refusal.
        guard !isSilent else { return }
        // By address and not by name, which takes a resolver's thread: the pod's side is there at once to be told if the client leaves.
        guard let address = try? SocketAddress(ipAddress: backend.address, port: backend.port) else { return frontSide.refuse() }
        ClientBootstrap(group: loop)
            .channelOption(.autoRead, value: false)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { back in
                back.eventLoop.makeCompletedFuture { try back.pipeline.syncOperations.addHandler(boundBack.value) }
            }
            .connect(to: address)
            .whenComplete { result in
                switch result {
                case .success(let back):
                    // Each side is read from when the other can take it.
                    for channel in [front, back] {
                        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
                    }
                case .failure:
                    bound.value.refuse()
                }
            }
    }

    // MARK: Faults

    package func silence(_ node: String) async {
        let (connections, listeners, silent) = state.withLock { state in
            state.silent.insert(node)
            return (state.connections.values.filter { $0.node == node }, Array(state.listeners.values), state.silent)
        }
        for connection in connections {
            try? await connection.eventLoop.submit { connection.handler.value.silence() }.get()
        }
        for listener in listeners { await listener.apply(silent: silent) }
    }

    package func restore(_ node: String) async {
        let (connections, listeners, silent) = state.withLock { state in
            state.silent.remove(node)
            return (state.connections.values.filter { $0.node == node }, Array(state.listeners.values), state.silent)
        }
        for connection in connections {
            try? await connection.eventLoop.submit { connection.handler.value.restore() }.get()
        }
        for listener in listeners { await listener.apply(silent: silent) }
    }
}
