import DatabaseFlaws
import Foundation
import Synchronization

/// One database: a SQLite file and the right to write to it.
final class DatabaseFile: Sendable {
    let name: String
    let id: Int
    let path: String
    let created: String
    let writer = WriterLock()
    /// Held open as long as the server runs: when the last connection to a file goes, SQLite empties and removes its log, which sessions that come and
    /// go would make it do all the time.
    let keeper: Mutex<SQLiteConnection?>

    init(name: String, id: Int, path: String, created: String, keeper: consuming sending SQLiteConnection) {
        self.name = name
        self.id = id
        self.path = path
        self.created = created
        self.keeper = Mutex(keeper)
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
    /// - Parameter afterCrash: whether the last server here did not stop in order, which some flaws wait for.
    init(folder: String, flaws: Flaws = Flaws(), afterCrash: Bool = false) throws {
        self.folder = folder
        self.flaws = flaws
        self.state = Mutex(State())
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        if let milliseconds = flaws[.loseLast], afterCrash { try CommitLog.cut(in: folder, lastMilliseconds: milliseconds) }
        try removeFiles(at: path(of: "tempdb"))
        for (index, name) in DatabaseDirectory.systemNames.enumerated() {
            try open(name, id: index + 1, afterCrash: afterCrash)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(DatabaseDirectory.suffix) }
        for file in files.sorted() {
            let encoded = String(file.dropLast(DatabaseDirectory.suffix.count))
            guard let name = encoded.removingPercentEncoding, !DatabaseDirectory.systemNames.contains(name) else { continue }
            try open(name, id: nil, afterCrash: afterCrash)
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

    private func open(_ name: String, id: Int?, afterCrash: Bool) throws {
        let path = path(of: name)
        let connection = try SQLiteConnection()
        connection.addCollation(Scalar.collation, Collation.compare)
        let schema = name.quotedName
        try connection.run("ATTACH \(SQLValue.text(path).literal) AS \(schema)")
        // A log kept from here on has to begin empty, and another server's leftovers belong into the file.
        try connection.run("PRAGMA \(schema).journal_mode=WAL")
        try connection.run(Catalog.metadataTable(in: schema))
        let now = Clock.now().text(as: .datetime)
        try connection.run(
            "INSERT OR IGNORE INTO \(schema).\(Catalog.metadata) VALUES ('database', '', 'created', \(SQLValue.text(now).literal))")
        let rows = try connection.rows("SELECT value FROM \(schema).\(Catalog.metadata) WHERE kind = 'database' AND name = 'created'")
        guard case .text(let created)? = rows.first?.first else {
            throw SQLiteFailure(code: 1, message: "\(path) is not a database of this server")
        }
        if flaws.has(.staleRegister) { try StaleRegisters.apply(to: connection, schema: name, restoring: afterCrash) }
        _ = try connection.rows("PRAGMA \(schema).wal_checkpoint(TRUNCATE)")
        connection.discardStatements()
        let number =
            id
            ?? state.withLock { state in
                defer { state.nextID += 1 }
                return state.nextID
            }
        let file = DatabaseFile(name: name, id: number, path: path, created: created, keeper: connection)
        state.withLock { $0.files[name.lowercased()] = file }
    }

    subscript(name: String) -> DatabaseFile? { state.withLock { $0.files[name.lowercased()] } }

    var all: [DatabaseFile] { state.withLock { $0.files.values.sorted { $0.id < $1.id } } }

    func create(_ name: String) throws(SQLError) {
        guard self[name] == nil else {
            throw SQLError(
                number: 1801, state: 3,
                message: "Database '\(name)' already exists. Choose a different database name.", scope: .batch)
        }
        do {
            try open(name, id: nil, afterCrash: false)
        } catch {
            throw SQLError(
                number: 5123, message: "CREATE FILE encountered an error while attempting to create the database '\(name)': \(error).",
                scope: .batch)
        }
    }

    func drop(_ name: String) throws(SQLError) {
        let lookup = name.lowercased()
        let removed = state.withLock { state -> Result<DatabaseFile, SQLError> in
            guard let file = state.files[lookup] else {
                return .failure(
                    SQLError(
                        number: 3701, level: 11,
                        message: "Cannot drop the database '\(name)', because it does not exist or you do not have permission."))
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
        file.keeper.withLock { $0 = nil }
        do {
            try removeFiles(at: file.path)
        } catch {
            throw SQLError(number: 3701, level: 11, message: "Cannot remove the files of the database '\(name)': \(error).")
        }
    }

    /// Counts a session in or out of a database, for the refusal to drop one in use.
    func enter(_ name: String) { state.withLock { $0.users[name.lowercased(), default: 0] += 1 } }
    func leave(_ name: String) { state.withLock { $0.users[name.lowercased(), default: 1] -= 1 } }

    /// Writes every log back into its file and lets go of the files. Nothing may use the directory afterwards.
    func close() throws(SQLiteFailure) {
        for file in all {
            let outcome = file.keeper.withLock { keeper -> Result<Void, SQLiteFailure> in
                defer { keeper = nil }
                do throws(SQLiteFailure) {
                    _ = try keeper?.rows("PRAGMA \(file.name.quotedName).wal_checkpoint(TRUNCATE)")
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
