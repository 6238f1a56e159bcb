import DatabaseFlaws
import Foundation
import NIOCore
import Synchronization

/// The state that the sessions of one server share.
final class ServerState: Sendable {
    let databases: DatabaseDirectory
    let logins: Logins
    let product: ServerProduct
    let flaws: Flaws
    let started: Moment
    let running = SessionCount()
    /// Kept under lose-last-ms.
    let commitLog: CommitLog?
    private let descriptors = Atomic<UInt64>(0)
    private let sessions = Atomic<Int>(50)
    private let state: Mutex<State>

    private struct State {
        var commits = 0
        var transactions = 0
        var logins = 0
        var rows: [Flaws.Name: Int] = [:]
        var firstRows: [[DataType]: [SQLValue]] = [:]
        var phase: Phase
        var shutdownRequested: (@Sendable () -> Void)?
    }

    /// The progress of the server's start.
    enum Phase: Equatable {
        /// Logins are refused with 17187.
        case starting
        /// master is open, the users' databases are being recovered.
        case recovering
        case ready
        case stopping
    }

    init(databases: DatabaseDirectory, product: ServerProduct, flaws: Flaws, phase: Phase = .ready, commitLog: CommitLog? = nil)
        throws(SQLiteFailure)
    {
        self.databases = databases
        self.logins = try Logins(databases)
        self.product = product
        self.flaws = flaws
        self.commitLog = commitLog
        self.started = Clock.now()
        self.state = Mutex(State(phase: phase))
    }

    var phase: Phase { state.withLock { $0.phase } }

    /// The end of a start does not undo the beginning of a stop.
    func advance(to phase: Phase) {
        state.withLock { if $0.phase != .stopping { $0.phase = phase } }
    }

    func isOnline(_ database: DatabaseFile) -> Bool { status(of: database) == .online }

    func status(of database: DatabaseFile) -> DatabaseFile.Status {
        phase == .recovering && !database.isSystem ? .recovering : database.status
    }

    /// Refuses a database that is not online.
    func demandOnline(_ file: DatabaseFile) throws(SQLError) {
        switch status(of: file) {
        case .online: return
        case .recovering:
            throw SQLError(
                number: 922, level: 14, message: "Database '\(file.name)' is being recovered. Waiting until recovery is finished.",
                scope: .batch)
        case .suspect:
            throw SQLError(
                number: 926, level: 14,
                message:
                    "Database '\(file.name)' cannot be opened. It has been marked SUSPECT by recovery. See the SQL Server errorlog for more information.",
                scope: .batch)
        }
    }

    /// User sessions count from 51, as in SQL Server.
    func nextSessionID() -> Int { sessions.add(1, ordering: .relaxed).newValue % 32_000 }

    func nextTransactionDescriptor() -> UInt64 { descriptors.add(1, ordering: .relaxed).newValue }

    // MARK: Flaws

    /// The number of this transaction of several statements, counted from 1.
    func countTransaction() -> Int {
        state.withLock { state in
            state.transactions += 1
            return state.transactions
        }
    }

    /// The number of this commit, counted from 1.
    func countCommit() -> Int {
        state.withLock { state in
            state.commits += 1
            return state.commits
        }
    }

    /// Counts a login, and returns whether tell-password refuses it.
    func refusesLoudly() -> Bool {
        guard let every = flaws[.tellPassword] else { return false }
        return state.withLock { state in
            state.logins += 1
            return state.logins % every == 0
        }
    }

    /// The delay of the next login's answer, which slower-logins makes longer each time.
    func nextLoginDelay() -> TimeAmount? {
        guard let step = flaws[.slowerLogins] else { return nil }
        return .milliseconds(
            Int64(step)
                * state.withLock { state in
                    state.logins += 1
                    return Int64(state.logins)
                })
    }

    /// The number of rows inserted before these, counted for each flaw apart.
    func countRows(_ count: Int, for flaw: Flaws.Name) -> Int {
        state.withLock { state in
            let before = state.rows[flaw] ?? 0
            state.rows[flaw] = before + count
            return before
        }
    }

    func firstRow(for types: [DataType], or row: [SQLValue]) -> [SQLValue] {
        state.withLock { state in
            if let first = state.firstRows[types] { return first }
            state.firstRows[types] = row
            return row
        }
    }

    /// The effect of SHUTDOWN.
    func onShutdownRequest(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.shutdownRequested = action } }
    func requestShutdown() { state.withLock { $0.shutdownRequested }?() }

    func systemView(_ schema: String, _ name: String, in database: DatabaseFile) -> TableInfo? {
        SystemViews(server: self).view(schema, name, in: database)
    }
}

/// The server's description of itself.
struct ServerProduct: Sendable {
    static let collation = "SQL_Latin1_General_CP1_CI_AS"
    static let major: UInt8 = 16
    static let minor: UInt8 = 0
    static let build: UInt16 = 1000

    var serverName: String
    /// MSSQL_PID: Developer, Express, Standard ...
    var edition: String
    /// MSSQL_AGENT_ENABLED; off in the image as well.
    var hasAgent = false
    /// MSSQL_MEMORY_LIMIT_MB, or what the machine has.
    var memoryKilobytes = Int64(ProcessInfo.processInfo.physicalMemory / 1024)

    var version: String { "\(ServerProduct.major).\(ServerProduct.minor).\(ServerProduct.build).6" }

    var versionText: String {
        "Microsoft SQL Server 2022 (Aftershock SandboxSQL, a stand-in over SQLite) - \(version) (X64)\n\t\(edition) Edition (64-bit) on Linux"
    }

    func property(_ name: String) -> String? {
        switch name.lowercased() {
        case "productversion": version
        case "productlevel": "RTM"
        case "productmajorversion": String(ServerProduct.major)
        case "productminorversion": String(ServerProduct.minor)
        case "productbuild": String(ServerProduct.build)
        case "edition": "\(edition) Edition (64-bit)"
        case "editionid": "-2117995310"
        case "engineedition": "3"
        case "servername", "machinename", "computernamephysicalnetbios": serverName
        case "collation": ServerProduct.collation
        case "isclustered", "ishadrenabled", "isintegratedsecurityonly", "issingleuser", "isfulltextinstalled", "isxtpsupported",
            "ispolybaseinstalled":
            "0"
        case "processid": "1"
        default: nil
        }
    }
}
