import NIOCore
import Synchronization

/// The connection of one exec, as far as others than its event loop need it: to end it early, and to know why it ended.
final class ExecSession: Sendable {
    private struct State {
        var channel: (any Channel)?
        var failure: KubernetesError?
    }

    private let state = Mutex(State())

    /// Why it was ended from this side, or what broke first.
    var failure: KubernetesError? { state.withLock { $0.failure } }

    func attach(_ channel: any Channel) {
        let isOver = state.withLock { state in
            state.channel = channel
            return state.failure != nil
        }
        if isOver { channel.close(promise: nil) }
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
