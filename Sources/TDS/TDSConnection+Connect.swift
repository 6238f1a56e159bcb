public import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension TDSConnection {
    /// Connects and logs in, following the server's redirections.
    ///
    /// - Throws: ``TDSError`` with the phase that failed, how long it lasted, and the times of the phases before it.
    public static func connect(
        _ configuration: TDSConfiguration, on eventLoop: any EventLoop
    ) async throws(TDSError) -> TDSConnection {
        var configuration = configuration
        var phases = TDSPhaseDurations()
        for _ in 0...configuration.maximumRedirections {
            let attempt: Attempt
            do throws(TDSError) {
                attempt = try await Attempt.run(configuration, on: eventLoop)
            } catch {
                var error = error
                error.phases = phases.adding(error.phases)
                throw error
            }
            switch attempt.outcome {
            case .loggedIn(let version, let durations):
                return TDSConnection(
                    channel: attempt.channel, handler: attempt.handler, serverVersion: version, phases: phases.adding(durations))
            case .redirected(let route, let durations):
                phases = phases.adding(durations)
                // An instance name behind the host is for the server's browser service; the port says it all.
                configuration.host = String(route.host.prefix { $0 != "\\" })
                configuration.port = Int(route.port)
            }
        }
        throw TDSError(
            .tooManyRedirections, phase: .login,
            detail: "the server redirected more than \(configuration.maximumRedirections) times, last to "
                + "\(configuration.host):\(configuration.port)",
            phases: phases)
    }
}

extension TDSPhaseDurations {
    fileprivate func adding(_ other: TDSPhaseDurations) -> TDSPhaseDurations {
        var sum = self
        for (phase, duration) in [(TDSPhase.tcp, other.tcp), (.prelogin, other.prelogin), (.tls, other.tls), (.login, other.login)] {
            if let duration { sum.add(duration, to: phase) }
        }
        return sum
    }
}

/// One attempt at one address.
private struct Attempt: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<TDSChannelHandler>
    let outcome: TDSChannelHandler.Outcome

    static func run(_ configuration: TDSConfiguration, on eventLoop: any EventLoop) async throws(TDSError) -> Attempt {
        let tls = configuration.encryption == .off ? nil : try configuration.tls.context(for: configuration)
        let started = eventLoop.now
        let outcome = eventLoop.makePromise(of: TDSChannelHandler.Outcome.self)
        let cancellation = ConnectCancellation(eventLoop: eventLoop)
        do {
            return try await withTaskCancellationHandler {
                let (channel, handler) = try await Self.open(configuration, tls, eventLoop, started, outcome, cancellation)
                return Attempt(channel: channel, handler: handler, outcome: try await outcome.futureResult.get())
            } onCancel: {
                cancellation.cancel()
            }
        } catch {
            if let error = error as? TDSError { throw error }
            // The handler that was told to give up knows more than the channel that it closed.
            if cancellation.isCancelled, let error = await Self.failure(of: outcome.futureResult) { throw error }
            var failure = TDSError(channelError: error, phase: .tcp, isConnected: false)
            if cancellation.isCancelled { failure.code = .cancelled }
            failure.after = Duration(eventLoop.now - started)
            failure.phases.tcp = failure.after
            throw failure
        }
    }

    private static func failure(of outcome: EventLoopFuture<TDSChannelHandler.Outcome>) async -> TDSError? {
        do {
            _ = try await outcome.get()
            return nil
        } catch {
            return error as? TDSError
        }
    }

    private static func open(
        _ configuration: TDSConfiguration, _ tls: NIOSSLContext?, _ eventLoop: any EventLoop, _ started: NIODeadline,
        _ outcome: EventLoopPromise<TDSChannelHandler.Outcome>, _ cancellation: ConnectCancellation
    ) async throws -> (any Channel, NIOLoopBound<TDSChannelHandler>) {
        let bootstrap = Self.socketOptions.reduce(
            ClientBootstrap(group: eventLoop).connectTimeout(TimeAmount(configuration.deadlines.tcp))
        ) { bootstrap, option in
            bootstrap.channelOption(option.0, value: option.1)
        }
        let initialize: @Sendable (any Channel) -> EventLoopFuture<(any Channel, NIOLoopBound<TDSChannelHandler>)> = { channel in
            channel.eventLoop.makeCompletedFuture {
                let handler = TDSChannelHandler(
                    eventLoop: channel.eventLoop, configuration: configuration, tls: tls, started: started, outcome: outcome)
                if configuration.encryption == .strict, let tls {
                    let tlsHandler = try NIOSSLClientHandler(context: tls, serverHostname: configuration.certificateName)
                    handler.adopt(tlsHandler)
                    try channel.pipeline.syncOperations.addHandler(tlsHandler)
                }
                try channel.pipeline.syncOperations.addHandler(handler)
                let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                try cancellation.adopt(bound)
                return (channel, bound)
            }
        }
        do {
            // An address needs no resolver, and no thread to run one on.
            if let address = try? SocketAddress(ipAddress: configuration.host, port: configuration.port) {
                return try await bootstrap.connect(to: address, channelInitializer: initialize)
            }
            return try await bootstrap.connect(host: configuration.host, port: configuration.port, channelInitializer: initialize)
        } catch {
            // Where no channel came to be, nobody else completes the promise.
            outcome.fail(error)
            throw error
        }
    }

    /// A node that dies sends no reset: without these a connection to it would look open for a quarter of an hour
    /// (keepalive for the idle ones, the user timeout for those with unacknowledged data).
    private static var socketOptions: [(ChannelOptions.Types.SocketOption, ChannelOptions.Types.SocketOption.Value)] {
        var options: [(ChannelOptions.Types.SocketOption, ChannelOptions.Types.SocketOption.Value)] = [
            (ChannelOptions.socketOption(.so_keepalive), 1),
            (ChannelOptions.tcpOption(.tcp_nodelay), 1),
        ]
        #if os(Linux)
            for (name, value) in [(TCP_KEEPIDLE, 10), (TCP_KEEPINTVL, 3), (TCP_KEEPCNT, 3), (TCP_USER_TIMEOUT, 10_000)] {
                options.append(
                    (ChannelOptions.tcpOption(NIOBSDSocket.Option(rawValue: CInt(name))), ChannelOptions.Types.SocketOption.Value(value)))
            }
        #endif
        return options
    }
}

/// Ends a connection attempt whose task is cancelled, also when its channel comes to be only afterwards.
private final class ConnectCancellation: Sendable {
    private struct State {
        var isCancelled = false
        var handler: NIOLoopBound<TDSChannelHandler>?
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    func adopt(_ handler: NIOLoopBound<TDSChannelHandler>) throws {
        let isCancelled = self.state.withLock { state in
            state.handler = handler
            return state.isCancelled
        }
        if isCancelled { throw CancellationError() }
    }

    func cancel() {
        let handler = self.state.withLock { state in
            state.isCancelled = true
            return state.handler
        }
        if let handler { self.eventLoop.execute { handler.value.cancelConnecting() } }
    }
}
