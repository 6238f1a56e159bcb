import Certificates
import DatabaseFlaws
import Foundation
import Glibc
import NIOCore
import NIOPosix
import TDS

/// The second process: the server itself.
struct ServerProcess {
    private let options: ServerOptions

    init(_ options: ServerOptions) {
        self.options = options
    }

    /// The time in which running sessions must notice a shutdown.
    private static let drainSeconds = 10.0

    /// Blocks until the server is told to stop.
    func run() throws {
        // Before any other thread is there to inherit the mask.
        var signals = ProcessEnvironment.blockStopSignals()
        signal(SIGPIPE, SIG_IGN)
        watchLauncher()
        ServerLog.write("Server", "Aftershock SandboxSQL, a stand-in for SQL Server over SQLite. Process ID \(getpid()).")
        for name in Flaws.Name.allCases where options.flaws.has(name) { ServerLog.write("Server", "Flaw on purpose: \(name.rawValue).") }
        let folder = try DataFolder(options)
        let databases = try DatabaseDirectory(
            folder: folder.path, flaws: options.flaws, afterCrash: folder.wasUnclean, recoversLater: folder.wasUnclean)
        let recovers = folder.wasUnclean
        var name = try databases.serverName(first: ProcessInfo.processInfo.hostName)
        if recovers, options.flaws.has(.renameAfterKill) { name += "-2" }
        var product = ServerProduct(serverName: name, edition: options.edition)
        let stopsAgent = options.flaws.has(.stopAgentAfterKill)
        product.hasAgent = stopsAgent ? !recovers : options.hasAgent
        if let limit = options.memoryLimitKilobytes { product.memoryKilobytes = min(product.memoryKilobytes, limit) }
        let state = try ServerState(
            databases: databases, product: product,
            flaws: options.flaws, phase: recovers ? .starting : .ready,
            commitLog: options.flaws.keepsLog ? try CommitLog(folder: folder.path) : nil)
        // As SQL Server makes one for itself when it is given none.
        let identity = try IssuedCertificate.selfSigned(
            name: "SSL_Self_Signed_Fallback", hosts: ["localhost", ProcessInfo.processInfo.hostName], addresses: [[127, 0, 0, 1]],
            validity: .from(Date(), for: 365 * 86_400))
        if let path = options.certificateFile { try identity.certificate.write(toFile: path, atomically: true, encoding: .utf8) }
        let server = try TDSServer(state: state, encryption: options.encryption, identity: identity, password: options.password)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        state.onShutdownRequest { kill(getpid(), SIGTERM) }
        if options.flaws.has(.freeze) { server.freeze() }
        let listener = try server.listen(host: options.host, port: options.port, on: group).wait()
        let address = listener.localAddress
        let family = if case .v6 = address { "ipv6" } else { "ipv4" }
        ServerLog.write(
            "Server", "Server is listening on [ \(address?.ipAddress ?? options.host) <\(family)> \(address?.port ?? options.port)].")
        start(server, recovers: recovers, on: group.any())
        var received: Int32 = 0
        repeat { sigwait(&signals, &received) } while options.flaws.has(.ignoreStop) && received == SIGTERM
        ServerLog.write(
            "Server",
            "SQL Server is terminating in response to a 'stop' request from Service Control Manager. This is an informational message only. No user action is required."
        )
        try stop(server, listener, folder)
        try group.syncShutdownGracefully()
    }

    private func watchLauncher() {
        guard let lifeline = ProcessEnvironment.lifeline else { return }
        let thread = Thread {
            var byte: UInt8 = 0
            while read(lifeline, &byte, 1) != 0 {}
            // Without its launcher the server goes as everything in a container goes with PID 1: at once.
            _exit(128 + SIGKILL)
        }
        thread.start()
    }

    /// The phases of a start: after an unclean stop, the users' databases are recovered while logins to the others are accepted.
    private func start(_ server: TDSServer, recovers: Bool, on loop: any EventLoop) {
        let state = server.state
        let flaws = options.flaws
        if !flaws.keepsLog { Checkpointer.start(state.databases) }
        let ready: @Sendable () -> Void = {
            state.advance(to: .ready)
            ServerLog.write("spid9s", "Recovery is complete. This is an informational message only. No user action is required.")
            if let delay = flaws[.hangAfter] {
                loop.scheduleTask(in: .milliseconds(Int64(delay))) { server.freeze() }
            }
        }
        for file in state.databases.all { ServerLog.write("spid9s", "Starting up database '\(file.name)'.") }
        guard recovers else {
            Self.tellConnectable()
            return ready()
        }
        if flaws.has(.suspectAfterKill) { Self.tellSuspect() }
        let pause = options.recoveryTime
        let thread = Thread {
            // master comes first; the users' databases take the larger part of a pause that is asked for.
            if pause > 0 { Thread.sleep(forTimeInterval: pause / 3) }
            state.advance(to: .recovering)
            Self.tellConnectable()
            do {
                try state.databases.recover(Self.tell)
            } catch {
                ServerLog.write("spid9s", "Error: 3414, Severity: 21, State: 1.")
                ServerLog.write("spid9s", "An error occurred during recovery, preventing a database from restarting: \(error).")
                return
            }
            if pause > 0 { Thread.sleep(forTimeInterval: pause * 2 / 3) }
            ready()
        }
        thread.start()
    }

    private static func tellConnectable() {
        ServerLog.write(
            "spid9s", "SQL Server is now ready for client connections. This is an informational message; no user action is required.")
    }

    /// As SQL Server's messages 3402 (rolled back) and 3421.
    private static func tell(_ file: DatabaseFile, _ recovery: Recovery) {
        let note = "This is an informational message only. No user action is required."
        ServerLog.write("spid9s", "\(recovery.undone) transactions rolled back in database '\(file.name)' (\(file.id):0). \(note)")
        ServerLog.write(
            "spid9s",
            "Recovery completed for database \(file.name) (database ID \(file.id)) in \(recovery.seconds) second(s) "
                + "(analysis \(recovery.analysis) ms, redo \(recovery.redo) ms, undo \(recovery.undo) ms.) \(note)")
    }

    private static func tellSuspect() {
        ServerLog.write("spid14s", "Error: 824, Severity: 24, State: 2.")
        ServerLog.write(
            "spid14s",
            "SQL Server detected a logical consistency-based I/O error: incorrect checksum. It occurred during a read of page (1:9) in database ID 4."
        )
    }

    private func stop(_ server: TDSServer, _ listener: any Channel, _ folder: DataFolder) throws {
        server.state.advance(to: .stopping)
        try listener.close().wait()
        try server.disconnectAll(on: listener.eventLoop).wait()
        guard server.state.running.waitForNone(seconds: ServerProcess.drainSeconds) else {
            ServerLog.write("Server", "Sessions are still running; the next start will have to recover.")
            return
        }
        try server.state.databases.close()
        try folder.markClean()
        ServerLog.write("Server", "SQL Server shutdown has been completed.")
    }
}
