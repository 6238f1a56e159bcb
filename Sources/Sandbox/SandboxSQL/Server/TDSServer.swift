import Certificates
import DatabaseFlaws
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TDS

/// Listens for TDS clients.
final class TDSServer: Sendable {
    let state: ServerState
    let encryption: ConnectionMachine.Encryption
    /// For TLS inside PRELOGIN packets, which ends at TLS 1.2: later versions send tickets after the handshake, when nobody unwraps them.
    let wrappedTLS: NIOSSLContext
    /// For TDS 8.0.
    let strictTLS: NIOSSLContext
    private let password: TDSPassword
    private let frozen = Atomic<Bool>(false)
    private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])

    init(state: ServerState, encryption: ConnectionMachine.Encryption, identity: IssuedCertificate, password: TDSPassword) throws {
        self.state = state
        self.encryption = encryption
        self.password = password
        var wrapped = try identity.serverConfiguration()
        wrapped.minimumTLSVersion = .tlsv12
        wrapped.maximumTLSVersion = .tlsv12
        var strict = wrapped
        strict.maximumTLSVersion = nil
        strict.applicationProtocols = ["tds/8.0"]
        wrappedTLS = try NIOSSLContext(configuration: wrapped)
        strictTLS = try NIOSSLContext(configuration: strict)
    }

    var isFrozen: Bool { frozen.load(ordering: .relaxed) }

    /// From now on nothing is read, answered or closed.
    func freeze() { frozen.store(true, ordering: .relaxed) }

    /// - Parameter port: 0 lets the system choose.
    func listen(host: String, port: Int, on group: any EventLoopGroup) -> EventLoopFuture<any Channel> {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.initialize(channel) }
            }
            .bind(host: host, port: port)
    }

    private func initialize(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let gate = TLSGate { [self] isTLS, context in
            let pipeline = context.pipeline.syncOperations
            let gate = try pipeline.handler(type: TLSGate.self)
            guard !isFrozen else { return }
            let handler = ServerHandler(server: self, gate: gate, isStrict: isTLS)
            if isTLS { try pipeline.addHandler(NIOSSLServerHandler(context: strictTLS), position: .after(gate)) }
            try pipeline.addHandler(handler, position: .last)
        }
        try pipeline.addHandler(gate)
        let id = ObjectIdentifier(channel)
        connections.withLock { $0[id] = channel }
        channel.closeFuture.whenComplete { _ in self.connections.withLock { $0[id] = nil } }
    }

    /// Why a login is refused, or nil.
    func refusal(of login: TDSLogin) -> [SQLError]? {
        switch state.phase {
        case .starting:
            return [
                SQLError(
                    number: 17187, level: 16,
                    message:
                        "SQL Server is not ready to accept new client connections. Wait a few minutes before trying again. If you have access to the error log, look for the informational message that indicates that SQL Server is ready before trying to connect again."
                ),
                .loginFailed(for: login.userName),
            ]
        case .stopping:
            return [SQLError(number: 6005, level: 14, message: "SHUTDOWN is in progress."), .loginFailed(for: login.userName)]
        case .recovering, .ready:
            break
        }
        guard !state.flaws.has(.neverLogin), accepts(login) else {
            return [.loginFailed(for: login.userName)]
        }
        if state.refusesLoudly() {
            let message = "Login failed for user '\(login.userName)'. Reason: the password '\(login.password.revealed)' came too often."
            return [SQLError(number: 18456, level: 14, message: message)]
        }
        if !login.database.isEmpty, let database = state.databases[login.database], !state.isOnline(database) {
            return [.cannotOpen(login.database), .loginFailed(for: login.userName)]
        }
        return nil
    }

    private func accepts(_ login: TDSLogin) -> Bool {
        Logins.isAdministrator(login.userName)
            ? login.password.matches(password) : state.logins.accept(login.userName, password: login.password.revealed)
    }

    /// Tells the idle clients why, and closes every connection.
    func disconnectAll(on loop: any EventLoop) -> EventLoopFuture<Void> {
        let channels = connections.withLock { Array($0.values) }
        return EventLoopFuture.andAllComplete(
            channels.map { channel in
                channel.eventLoop.flatSubmit {
                    if let handler = try? channel.pipeline.syncOperations.handler(type: ServerHandler.self) {
                        handler.shutDown()
                    } else {
                        channel.close(promise: nil)
                    }
                    return channel.closeFuture
                }
            }, on: loop)
    }
}

extension TDSPassword {
    /// Takes as long for a wrong password as for the right one.
    func matches(_ other: TDSPassword) -> Bool {
        let (a, b) = (Array(revealed.utf8), Array(other.revealed.utf8))
        var difference = UInt8(a.count == b.count ? 0 : 1)
        for index in a.indices { difference |= a[index] ^ (b.isEmpty ? 1 : b[index % b.count]) }
        return difference == 0
    }
}
