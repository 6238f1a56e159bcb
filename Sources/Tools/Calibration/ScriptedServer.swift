public import Certificates
public import Journal
public import NIOCore
import NIOPosix
import NIOSSL
public import TDS

/// A TDS server that fails on command, so that the truth is known and measurements can be compared with it.
///
/// It accepts every login, and answers every parameterised statement with its parameters.
public final class ScriptedServer: Sendable {
    /// The server's behaviour towards new and open connections.
    public enum Script: Sendable, Hashable {
        case serve
        /// Answers PRELOGIN and nothing after it. Open connections get no answer any more, not even later.
        case hangAfterPrelogin
        /// Closes connections at the first byte of the TLS handshake, and open ones at once.
        case abortTLS
        /// Refuses logins with this error, and closes open connections.
        case rejectLogins(TDSServerMessage)
        /// Answers each statement with the answer to the statement before it.
        case answerStale
    }

    public let address: SocketAddress
    private let listener: any Channel
    private let state: NIOLoopBoundBox<ScriptedServerState>

    private init(_ listener: any Channel, address: SocketAddress, state: NIOLoopBoundBox<ScriptedServerState>) {
        self.listener = listener
        self.address = address
        self.state = state
    }

    /// - Parameters:
    ///   - host: a loopback address.
    ///   - identity: encrypts everything after PRELOGIN; `nil` says that encryption is not supported.
    public static func start(host: String, identity: IssuedCertificate?, on eventLoop: any EventLoop) async throws -> ScriptedServer {
        let state = NIOLoopBoundBox.makeBoxSendingValue(ScriptedServerState(), eventLoop: eventLoop)
        let tls = try identity.map { identity in
            var configuration = try identity.serverConfiguration()
            // The PRELOGIN wrapping of TDS 7.x ends with the handshake; TLS 1.3 goes on after it.
            configuration.maximumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        }
        let listener = try await ServerBootstrap(group: eventLoop, childGroup: eventLoop)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptedConnection(state, tls: tls))
                }
            }
            .bind(host: host, port: 0).get()
        guard let address = listener.localAddress else { throw ChannelError.unknownLocalAddress }
        return ScriptedServer(listener, address: address, state: state)
    }

    /// Changes the behaviour. Between the two returned times it was either one.
    public func follow(_ script: Script, clock: RunClock) async throws -> ClosedRange<RunTime> {
        try await listener.eventLoop.submit { [state] in
            let before = clock.now
            state.value.script = script
            for connection in state.value.connections.values { connection.scriptChanged(to: script) }
            return before...clock.now
        }.get()
    }

    public func stop() async throws {
        try await listener.close().get()
        try await listener.eventLoop.submit { [state] in
            for connection in state.value.connections.values { connection.abort() }
        }.get()
    }
}

struct ScriptedServerState {
    var script = ScriptedServer.Script.serve
    var connections: [ObjectIdentifier: ScriptedConnection] = [:]
}
