public import NIOCore
import NIOPosix
import NIOSSL
import Network
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
    /// - Parameter deadline: by when all must be done, however long the phases may take by their own deadlines.
    /// - Throws: ``TDSError`` with the phase that failed, how long it lasted, and the times of the phases before it.
    public static func connect(
        _ configuration: TDSConfiguration, on eventLoop: any EventLoop, until deadline: NIODeadline = .distantFuture
    ) async throws(TDSError) -> TDSConnection {
        var configuration = configuration
        var phases = TDSPhaseDurations()
        for _ in 0...configuration.maximumRedirections {
            let attempt: Attempt
            do throws(TDSError) {
                attempt = try await Attempt.run(configuration, on: eventLoop, until: deadline)
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
                phases.isRedirected = true
                // An instance name behind the host is for the server's browser service; the port says it all.
                configuration.host = String(route.host.prefix { $0 != "\\" })
                configuration.port = Int(route.port)
            }
        }
        throw TDSError(
            .tooManyRedirections, phase: .login,
            detail: "the server redirected more than \(configuration.maximumRedirections) times, last to "
                + HostPort.text(configuration.host, configuration.port),
            phases: phases)
    }
}

extension TDSPhaseDurations {
    fileprivate func adding(_ other: TDSPhaseDurations) -> TDSPhaseDurations {
        var sum = self
        sum.begun = self.begun ?? other.begun
        for (phase, duration) in [(TDSPhase.tcp, other.tcp), (.prelogin, other.prelogin), (.tls, other.tls), (.login, other.login)] {
            if let duration { sum.add(duration, to: phase) }
        }
        return sum
    }
}

/// One attempt at one address, or at all those of one name.
private struct Attempt: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<TDSChannelHandler>
    let outcome: TDSChannelHandler.Outcome

    static func run(
        _ configuration: TDSConfiguration, on eventLoop: any EventLoop, until deadline: NIODeadline
    ) async throws(TDSError) -> Attempt {
        let tls = configuration.encryption == .off ? nil : try configuration.tls.context(for: configuration)
        let started = eventLoop.now
        // An address needs no resolver, and no thread to run one on.
        let address = try? SocketAddress(ipAddress: configuration.host, port: configuration.port)
        let opening = Opening(eventLoop: eventLoop)
        do {
            return try await withTaskCancellationHandler {
                let timeout = min(TimeAmount(configuration.deadlines.tcp), deadline - started)
                let initialize: Initializer = { channel in
                    Self.initialize(channel, configuration, tls, resolvingSince: address == nil ? started : nil, deadline, opening)
                }
                guard let address else { return try await Self.connect(configuration, eventLoop, timeout, initialize) }
                return try await Self.connect(address, eventLoop, timeout, initialize)
            } onCancel: {
                opening.cancel()
            }
        } catch {
            if let error = error as? TDSError { throw error }
            // The handler knows more than the channel. Of a name's addresses each has its own, and the error speaks for all of them.
            if opening.isCancelled || address != nil, let error = await opening.failure() { throw error }
            var failure = TDSError(channelError: error, phase: .tcp, isConnected: false)
            if opening.isCancelled { failure.code = .cancelled }
            failure.after = Duration(eventLoop.now - started)
            failure.phases.tcp = failure.after
            throw failure
        }
    }

    private typealias Initializer = @Sendable (any Channel) -> EventLoopFuture<OpenedChannel>

    /// Waits but once, for how it all ends: a probe does little else.
    private static func connect(
        _ address: SocketAddress, _ eventLoop: any EventLoop, _ timeout: TimeAmount, _ initialize: @escaping Initializer
    ) async throws -> Attempt {
        let attempt = eventLoop.makePromise(of: Attempt.self)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelInitializer { channel in
                initialize(channel).map { opened in
                    opened.outcome.map { Attempt(channel: opened.channel, handler: opened.handler, outcome: $0) }.cascade(to: attempt)
                }
            }
            .connect(to: address)
            .whenFailure { attempt.fail($0) }
        return try await attempt.futureResult.get()
    }

    private static func connect(
        _ configuration: TDSConfiguration, _ eventLoop: any EventLoop, _ timeout: TimeAmount, _ initialize: @escaping Initializer
    ) async throws -> Attempt {
        let opened = try await ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .connect(host: configuration.host, port: configuration.port, channelInitializer: initialize)
        return Attempt(channel: opened.channel, handler: opened.handler, outcome: try await opened.outcome.get())
    }

    private static func initialize(
        _ channel: any Channel, _ configuration: TDSConfiguration, _ tls: NIOSSLContext?, resolvingSince: NIODeadline?,
        _ deadline: NIODeadline, _ opening: Opening
    ) -> EventLoopFuture<OpenedChannel> {
        channel.eventLoop.makeCompletedFuture {
            let handler = TDSChannelHandler(
                eventLoop: channel.eventLoop, configuration: configuration, tls: tls, resolvingSince: resolvingSince, deadline: deadline)
            let opened = OpenedChannel(
                channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), outcome: handler.outcome)
            do {
                // Option by option through the channel, each a future of its own, this takes a tenth of a login.
                try channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
                    Self.setOptions(of: $0)
                }
                if configuration.encryption == .strict, let tls {
                    let tlsHandler = try NIOSSLClientHandler(context: tls, serverHostname: configuration.certificateName)
                    handler.adopt(tlsHandler)
                    try channel.pipeline.syncOperations.addHandler(tlsHandler)
                }
                try channel.pipeline.syncOperations.addHandler(handler)
                try opening.adopt(opened)
                return opened
            } catch {
                // So that its outcome is known.
                handler.cancelConnecting()
                throw error
            }
        }
    }

    /// A node that dies sends no reset: without these a connection to it would look open for a quarter of an hour
    /// (keepalive for the idle ones, the user timeout for those with unacknowledged data).
    ///
    /// An option that the system does not take is not worth a connection.
    private static func setOptions(of socket: NIOBSDSocket.Handle) {
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        set(CInt(IPPROTO_TCP), TCP_NODELAY, 1)
        #if os(Linux)
            for (name, value) in [(TCP_KEEPIDLE, 10), (TCP_KEEPINTVL, 3), (TCP_KEEPCNT, 3), (TCP_USER_TIMEOUT, 10_000)] as [(CInt, CInt)] {
                set(CInt(IPPROTO_TCP), name, value)
            }
        #endif

        func set(_ level: CInt, _ name: CInt, _ value: CInt) {
            var value = value
            setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<CInt>.size))
        }
    }
}

private struct OpenedChannel: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<TDSChannelHandler>
    let outcome: EventLoopFuture<TDSChannelHandler.Outcome>
}

/// The channels of an attempt: ends them when its task is cancelled, also those that come to be only afterwards, and tells why they failed.
private final class Opening: Sendable {
    private struct State {
        var isCancelled = false
        var channels: [OpenedChannel] = []
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    func adopt(_ opened: OpenedChannel) throws {
        let isCancelled = self.state.withLock { state in
            state.channels.append(opened)
            return state.isCancelled
        }
        if isCancelled { throw CancellationError() }
    }

    func cancel() {
        let channels = self.state.withLock { state in
            state.isCancelled = true
            return state.channels
        }
        self.eventLoop.execute { for opened in channels { opened.handler.value.cancelConnecting() } }
    }

    /// Why the latest channel, which could not be opened, failed; nil where none came to be.
    func failure() async -> TDSError? {
        let (latest, isCancelled) = self.state.withLock { ($0.channels.last, $0.isCancelled) }
        guard let latest else { return nil }
        do {
            _ = try await latest.outcome.get()
            return nil
        } catch {
            guard var failure = error as? TDSError else { return nil }
            if isCancelled { failure.code = .cancelled }
            return failure
        }
    }
}
