import DatabaseFlaws
import Foundation
import Synchronization

/// One database: a SQLite file and the right to write to it.
final class DatabaseFile: Sendable {
    let name: String
    let id: Int
    let path: String
    let writer = WriterLock()
    private let details: Mutex<Details>

    /// As `sys.databases` names it.
    enum Status: String {
        case online = "ONLINE"
        case recovering = "RECOVERING"
        case suspect = "SUSPECT"

        var number: Int64 {
            switch self {
            case .online: 0
            case .recovering: 2
            case .suspect: 4
            }
        }
    }

    private struct Details {
        var created = ""
        var owner = ""
        var status = Status.recovering
        /// By table in lower case: the session that has the whole of it to itself.
        var tableLocks: [String: ObjectIdentifier] = [:]
    }
    /// Held open as long as the server runs: when the last connection to a file goes, SQLite empties and removes its log, which sessions that come and
    /// go would make it do all the time.
    let keeper = Mutex(Keeper())

    /// The compiler cannot see that the connection is touched under the lock alone.
    struct Keeper: Sendable {
        nonisolated(unsafe) var connection: SQLiteConnection?
    }

    init(name: String, id: Int, path: String) {
        self.name = name
        self.id = id
        self.path = path
        details = Mutex(Details())
    }

    var created: String { details.withLock { $0.created } }
    /// The login that made it, in lower case.
    var owner: String { details.withLock { $0.owner } }
    var status: Status { details.withLock { $0.status } }

    func comesOnline(keeper connection: consuming sending SQLiteConnection, created: String, owner: String) {
        let kept = Keeper(connection: connection)
        keeper.withLock { $0 = kept }
        details.withLock { details in
            details.created = created
            details.owner = owner
            if details.status == .recovering { details.status = .online }
        }
    }

    func becomesSuspect() { details.withLock { $0.status = .suspect } }

    /// Bytes of log that no checkpoint has taken into the file, by the index of the write-ahead log.
    ///
    /// Source: https://www.sqlite.org/walformat.html#the_wal_index_header (mxFrame at 16, nBackfill at 96)
    var logSinceCheckpoint: Int64 {
        guard let index = FileHandle(forReadingAtPath: path + "-shm"), let header = try? index.read(upToCount: 100), header.count == 100
        else { return 0 }
        func number(at offset: Int) -> Int64 {
            Int64(header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) })
        }
        return max(0, number(at: 16) - number(at: 96)) * Self.frameSize
    }

    /// A page and the header of its frame.
    private static let frameSize: Int64 = 4096 + 24

    // MARK: Whole tables

    /// Returns whether `session` has the table to itself now.
    func lock(_ table: String, for session: Session) -> Bool {
        let me = ObjectIdentifier(session)
        return details.withLock { details in
            let owner = details.tableLocks[table.lowercased()] ?? me
            details.tableLocks[table.lowercased()] = owner
            return owner == me
        }
    }

    /// Returns whether another session has it to itself.
    func isLocked(_ table: String, against session: Session) -> Bool {
        let me = ObjectIdentifier(session)
        return details.withLock { details in details.tableLocks[table.lowercased()].map { $0 != me } ?? false }
    }

    func unlockTables(of session: Session) {
        let me = ObjectIdentifier(session)
        details.withLock { details in details.tableLocks = details.tableLocks.filter { $0.value != me } }
    }

    var isSystem: Bool { DatabaseDirectory.systemNames.contains(name) }
}

/// The databases of the server: one SQLite file each in the data directory.
final class DatabaseDirectory: Sendable {
    static let systemNames = ["master", "tempdb", "model", "msdb"]
    private static let suffix = ".sqlite"

    let folder: String
    private let flaws: Flaws
    private let state: Mutex<State>

    private struct State {
        var files: [String: DatabaseFile] = [:]
        var nextID = 5
        /// Sessions by the name of the database they are in.
        var users: [String: Int] = [:]
    }

    /// Opens the folder, making it and the system databases where they are missing. tempdb begins empty, as on every start of SQL Server.
    ///
    /// - Parameters:
    ///   - afterCrash: whether the last server here did not stop in order, which some flaws wait for.
    ///   - recoversLater: the users' databases are left to ``recover(_:)``.
    init(folder: String, flaws: Flaws = Flaws(), afterCrash: Bool = false, recoversLater: Bool = false) throws {
        self.folder = folder
        self.flaws = flaws
        self.state = Mutex(State())
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let milliseconds = flaws[.loseLast], afterCrash { try CommitLog.cut(in: folder, lastMilliseconds: milliseconds) }
        try removeFiles(at: path(of: "tempdb"))
        for (index, name) in DatabaseDirectory.systemNames.enumerated() {
            _ = try open(register(name, id: index + 1), afterCrash: afterCrash)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(DatabaseDirectory.suffix) }
        for file in files.sorted() {
            let encoded = String(file.dropLast(DatabaseDirectory.suffix.count))
            guard let name = encoded.removingPercentEncoding, !DatabaseDirectory.systemNames.contains(name) else { continue }
            let file = register(name, id: nil)
            if !recoversLater { _ = try open(file, afterCrash: afterCrash) }
        }
        if afterCrash, flaws.has(.suspectAfterKill) { self["msdb"]?.becomesSuspect() }
    }

    /// Recovers the users' databases after a crash, one after the other; `log` is told of each.
    func recover(_ log: (DatabaseFile, Recovery) -> Void) throws {
        for file in all where !file.isSystem { log(file, try open(file, afterCrash: true)) }
    }

    private func register(_ name: String, id: Int?) -> DatabaseFile {
        state.withLock { state in
            let number = id ?? state.nextID
            if id == nil { state.nextID += 1 }
            let file = DatabaseFile(name: name, id: number, path: path(of: name))
            state.files[name.lowercased()] = file
            return file
        }
    }

    /// The name that the server has had since its first start, as a real one keeps it in master.
    func serverName(first name: String) throws -> String {
        _ = try master("INSERT OR IGNORE INTO master.\(Catalog.metadata) VALUES ('server', '', 'name', \(SQLValue.text(name).literal))")
        let found = try master("SELECT value FROM master.\(Catalog.metadata) WHERE kind = 'server'")
        guard case .text(let kept)? = found.first?.first else { return name }
        return kept
    }

    /// Takes the logs into the files, without keeping a writer waiting.
    func checkpoint() {
        for file in all where file.status == .online {
            // One that does not come through now comes with the next.
            file.keeper.withLock { _ = try? $0.connection?.rows("PRAGMA \(file.name.quotedName).wal_checkpoint(PASSIVE)") }
        }
    }

    private func path(of name: String) -> String {
        let safe = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
        return "\(folder)/\(name.addingPercentEncoding(withAllowedCharacters: safe) ?? name)\(DatabaseDirectory.suffix)"
    }

    private func removeFiles(at path: String) throws {
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.removeItem(atPath: path + suffix)
        }
    }

    /// Opens a database, doing what its log asks for.
    ///
    /// - Parameter owner: of a database that is new.
    private func open(_ file: DatabaseFile, afterCrash: Bool, owner: String = "sa") throws -> Recovery {
        let (name, path) = (file.name, file.path)
        var recovery = Recovery()
        let connection = try SQLiteConnection()
        connection.addCollation(Scalar.collation, Collation.compare)
        let schema = name.quotedName
        // SQLite reads the whole log before it answers the first question.
        try recovery.time(\.analysis) {
            try connection.run("ATTACH \(SQLValue.text(path).literal) AS \(schema)")
            try connection.run("PRAGMA \(schema).wal_autocheckpoint = 0")
            try connection.run("PRAGMA \(schema).journal_mode=WAL")
            try connection.run(Catalog.metadataTable(in: schema))
        }
        // A log kept from here on has to begin empty, and another server's leftovers belong into the file.
        try recovery.time(\.redo) { _ = try connection.rows("PRAGMA \(schema).wal_checkpoint(TRUNCATE)") }
        var undone = 0
        try recovery.time(\.undo) { undone = try Steal.undoAll(in: connection, schema: schema) }
        recovery.undone = undone
        let now = Clock.now().text(as: .datetime)
        try connection.run(
            """
            INSERT OR IGNORE INTO \(schema).\(Catalog.metadata) VALUES ('database', '', 'created', \(SQLValue.text(now).literal)), \
            ('database', '', 'owner', \(SQLValue.text(owner).literal))
            """)
        let rows = try connection.rows(
            "SELECT value FROM \(schema).\(Catalog.metadata) WHERE kind = 'database' AND name IN ('created', 'owner') ORDER BY name")
        guard rows.count == 2, case .text(let created)? = rows[0].first, case .text(let owner)? = rows[1].first else {
            throw SQLiteFailure(code: 1, message: "\(path) is not a database of this server")
        }
        if flaws.has(.staleRegister) { try StaleRegisters.apply(to: connection, schema: name, restoring: afterCrash) }
        _ = try connection.rows("PRAGMA \(schema).wal_checkpoint(TRUNCATE)")
        connection.discardStatements()
        file.comesOnline(keeper: connection, created: created, owner: owner)
        return recovery
    }

    subscript(name: String) -> DatabaseFile? { state.withLock { $0.files[name.lowercased()] } }

    var all: [DatabaseFile] { state.withLock { $0.files.values.sorted { $0.id < $1.id } } }

    func create(_ name: String, owner: String) throws(SQLError) {
        guard self[name] == nil else {
            throw SQLError(
                number: 1801, state: 3,
                message: "Database '\(name)' already exists. Choose a different database name.", scope: .batch)
        }
        do {
            _ = try open(register(name, id: nil), afterCrash: false, owner: owner)
        } catch {
            state.withLock { $0.files[name.lowercased()] = nil }
            throw SQLError(
                number: 5123, message: "CREATE FILE encountered an error while attempting to create the database '\(name)': \(error).",
                scope: .batch)
        }
    }

    func drop(_ name: String) throws(SQLError) {
        let lookup = name.lowercased()
        let removed = state.withLock { state -> Result<DatabaseFile, SQLError> in
            guard let file = state.files[lookup] else {
                return .failure(Self.cannotDrop(name))
            }
            guard !file.isSystem else {
                return .failure(
                    SQLError(number: 3708, state: 3, message: "Cannot drop the database '\(name)' because it is a system database."))
            }
            guard (state.users[lookup] ?? 0) == 0 else {
                return .failure(
                    SQLError(number: 3702, state: 3, message: "Cannot drop database \"\(name)\" because it is currently in use."))
            }
            state.files[lookup] = nil
            return .success(file)
        }
        let file = try removed.get()
        file.keeper.withLock { $0.connection = nil }
        do {
            try removeFiles(at: file.path)
        } catch {
            throw SQLError(number: 3701, level: 11, message: "Cannot remove the files of the database '\(name)': \(error).")
        }
    }

    static func cannotDrop(_ name: String) -> SQLError {
        SQLError(
            number: 3701, level: 11, message: "Cannot drop the database '\(name)', because it does not exist or you do not have permission."
        )
    }

    /// Runs a statement on master, where the server keeps what concerns all databases.
    func master(_ statement: String) throws(SQLiteFailure) -> [[SQLValue]] {
        let outcome = self["master"]?.keeper.withLock { keeper -> Result<[[SQLValue]], SQLiteFailure> in
            do throws(SQLiteFailure) { return .success(try keeper.connection?.rows(statement) ?? []) } catch { return .failure(error) }
        }
        return try outcome?.get() ?? []
    }

    /// Counts a session in or out of a database, for the refusal to drop one in use.
    func enter(_ name: String) { state.withLock { $0.users[name.lowercased(), default: 0] += 1 } }
    func leave(_ name: String) { state.withLock { $0.users[name.lowercased(), default: 1] -= 1 } }

    /// Writes every log back into its file and lets go of the files. Nothing may use the directory afterwards.
    func close() throws(SQLiteFailure) {
        for file in all {
            let outcome = file.keeper.withLock { keeper -> Result<Void, SQLiteFailure> in
                defer { keeper.connection = nil }
                do throws(SQLiteFailure) {
                    _ = try keeper.connection?.rows("PRAGMA \(file.name.quotedName).wal_checkpoint(TRUNCATE)")
                    return .success(())
                } catch {
                    return .failure(error)
                }
            }
            try outcome.get()
        }
    }
}

/// The wall clock of the server, in UTC.
enum Clock {
    static func now() -> Moment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let seconds = time.tv_sec
        // 719162 days lie between 0001-01-01 and 1970-01-01.
        return Moment(
            days: 719_162 + seconds / 86_400,
            ticks: Int64(seconds % 86_400) * Moment.ticksPerSecond + Int64(time.tv_nsec) / 100)
    }
}
