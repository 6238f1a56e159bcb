public import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Channel {
    /// Closes with a reset (socket(7): SO_LINGER of zero), as the kernel does for a process that has died, and leaves no socket in TIME_WAIT.
    ///
    /// The result fails only where the peer was faster.
    @discardableResult
    public func closeWithReset() -> EventLoopFuture<Void> {
        let closed = eventLoop.makePromise(of: Void.self)
        resetOnClose().whenComplete { _ in self.close(promise: closed) }
        return closed.futureResult
    }

    /// Makes the next close, whoever calls it, a reset.
    public func resetOnClose() -> EventLoopFuture<Void> {
        (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0)) ?? eventLoop.makeSucceededVoidFuture()
    }
}
