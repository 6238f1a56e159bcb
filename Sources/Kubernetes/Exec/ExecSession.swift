import NIOCore
import NIOSSL
import Synchronization

/// The connection of one exec, as far as others than its event loop need it: to end it early, and to know why it ended.
final class ExecSession: Sendable {
    private struct State {
        var channel: (any Channel)?
        var failure: KubernetesError?
        var isUpgraded = false
    }

    private let state = Mutex(State())

    /// Why it was ended from this side, or what broke first.
    var failure: KubernetesError? { state.withLock { $0.failure } }
    var isUpgraded: Bool { state.withLock { $0.isUpgraded } }

    func attach(_ channel: any Channel) {
        let isOver = state.withLock { state in
            state.channel = channel
            return state.failure != nil
        }
        if isOver { channel.close(promise: nil) }
    }

    func upgraded() {
        state.withLock { $0.isUpgraded = true }
    }

    /// Ends the connection; the first reason counts.
    func end(_ failure: KubernetesError) {
        let channel = state.withLock { state in
            if state.failure == nil { state.failure = failure }
            return state.channel
        }
        channel?.close(promise: nil)
    }
}

/// Notes what goes wrong on the connection before the WebSocket stands: TLS, mostly.
final class ExecErrorHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let session: ExecSession
    private let explain: @Sendable (any Error) -> KubernetesError

    init(session: ExecSession, explain: @escaping @Sendable (any Error) -> KubernetesError) {
        self.session = session
        self.explain = explain
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // After the upgrade a server that ends TCP without TLS's goodbye is no error of ours.
        if session.isUpgraded { return context.fireErrorCaught(error) }
        session.end(explain(error))
    }
}
