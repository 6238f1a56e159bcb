import Foundation
import NIOCore
import NIOPosix
import Network
import SandboxStore
import Synchronization

/// Listens on one address of a Service and forwards to its pods.
///
/// While every pod is on a silent node it neither accepts nor refuses: as with packets that are lost, a client's SYN stays unanswered.
final class ServiceListener: Sendable {
    private struct State {
        var backends: [ProxyTable.Backend]
        var isPlugged = false
        var plug: Int32?
    }

    let frontend: ProxyTable.Frontend
    private let proxy: ServiceProxy
    private let state: Mutex<State>
    private let channel: any Channel
    private let socket: NIOBSDSocket.Handle

    private init(
        _ frontend: ProxyTable.Frontend, _ backends: [ProxyTable.Backend], _ proxy: ServiceProxy, _ channel: any Channel,
        _ socket: NIOBSDSocket.Handle
    ) {
        self.frontend = frontend
        self.proxy = proxy
        state = Mutex(State(backends: backends))
        self.channel = channel
        self.socket = socket
    }

    private static let backlog: Int32 = 512

    static func start(
        _ frontend: ProxyTable.Frontend, _ backends: [ProxyTable.Backend], silent: Set<String>, _ proxy: ServiceProxy,
        _ group: any EventLoopGroup
    ) async throws -> ServiceListener {
        // Bound by hand, since the length of its queue is changed later.
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw IOError(errnoCode: errno, reason: "socket") }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(frontend, { bind(socket, $0, $1) }) == 0 else {
            let error = IOError(errnoCode: errno, reason: "bind \(HostPort.text(frontend.address, frontend.port))")
            close(socket)
            throw error
        }
        let listener = Mutex<ServiceListener?>(nil)
        let isDark = backends.allSatisfy { silent.contains($0.node) }
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: isDark ? Int32(0) : backlog)
            .serverChannelOption(.autoRead, value: false)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { child in
                listener.withLock { $0 }?.forward(child)
                return child.eventLoop.makeSucceededVoidFuture()
            }
            .withBoundSocket(socket).get()
        let made = ServiceListener(frontend, backends, proxy, channel, socket)
        listener.withLock { $0 = made }
        await made.apply(silent: silent)
        if !isDark { try await channel.setOption(.autoRead, value: true).get() }
        return made
    }

    /// Closes it: from now on connections are refused.
    func stop() async {
        let plug = state.withLock { state in
            defer { state.plug = nil }
            return state.plug
        }
        if let plug { close(plug) }
        try? await channel.close()
    }

    func update(_ backends: [ProxyTable.Backend], silent: Set<String>) async {
        state.withLock { $0.backends = backends }
        await apply(silent: silent)
    }

    // MARK: Forwarding

    private func forward(_ front: any Channel) {
        // Chance, as with kube-proxy's iptables rules.
        guard let backend = state.withLock({ $0.backends.randomElement() }) else {
            front.closeWithReset()
            return
        }
        proxy.connect(front, to: backend)
    }

    // MARK: Silence

    /// Plugs or unplugs the listener. Plugged, its queue has room for one connection, which is our own.
    func apply(silent: Set<String>) async {
        let shouldPlug = state.withLock { state in
            let all = !state.backends.isEmpty && state.backends.allSatisfy { silent.contains($0.node) }
            guard all != state.isPlugged else { return Bool?.none }
            state.isPlugged = all
            return all
        }
        guard let shouldPlug else { return }
        try? await channel.setOption(.autoRead, value: !shouldPlug).get()
        let plug = try? await channel.eventLoop.submit { [channel, socket, frontend] () -> Int32? in
            guard channel.isActive else { return nil }
            listen(socket, shouldPlug ? 0 : Self.backlog)
            guard shouldPlug else { return nil }
            let plug = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            _ = Self.withAddress(frontend) { connect(plug, $0, $1) }
            return plug
        }.get()
        let old = state.withLock { state in
            defer { state.plug = plug ?? nil }
            return state.plug
        }
        if let old { close(old) }
        if !shouldPlug { channel.read() }
    }

    private static func withAddress(
        _ frontend: ProxyTable.Frontend, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: frontend.port).bigEndian)
        guard inet_pton(AF_INET, frontend.address, &address.sin_addr) == 1 else {
            errno = EADDRNOTAVAIL
            return -1
        }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
