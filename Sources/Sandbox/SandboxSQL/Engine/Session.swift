import DatabaseFlaws
import Synchronization

/// One login: its database, its options, its transaction and its variables. Lives on a thread of its own, as SQLite blocks.
final class Session {
    struct Identity: Sendable {
        var id: Int
        var login: String
        var host: String
        var application: String
    }

    struct Options {
        var noCount = false
        var xactAbort = false
        var implicitTransactions = false
        var quotedIdentifier = true
        var rowCount = 0
        /// Milliseconds; -1 waits without end.
        var lockTimeout = -1
        var isolation = IsolationLevel.readCommitted
        var identityInsert: String?
    }

    struct Variable {
        var type: DataType
        var value: SQLValue
    }

    let server: ServerState
    let identity: Identity
    let connection: SQLiteConnection
    var catalog: Catalog
    var options = Options()
    var database: String
    /// By lower-case name with its `@`.
    var variables: [String: Variable] = [:]
    var transaction = TransactionState()
    var lastRowCount = 0
    var lastError: Int32 = 0
    var lastIdentity: Int64?
    var identityCursor: IdentityCursor?
    /// Is `true` when the client gave up on the running request.
    var isCancelled: @Sendable () -> Bool = { false }
    /// Waits; true when it was cut short by an attention or the end of the connection.
    var pause: (_ seconds: Double) -> Bool = { _ in false }
    var prepared: [Int32: PreparedBatch] = [:]
    var nextHandle: Int32 = 1
    private(set) var conversions: [Conversion] = []
    private var conversionNumbers: [Conversion: Int] = [:]
    /// Locks of a commit that was answered and is still to be made (ack-before-commit).
    var deferredLocks: [DatabaseFile] = []
    /// The transaction whose change goes into the file before its end.
    var stealing: Steal?
    /// Set where a flaw wants the connection gone without an answer.
    var dropsConnection = false
    var attached: [(name: String, file: DatabaseFile)] = []

    struct TransactionState {
        /// `@@TRANCOUNT`.
        var count = 0
        var descriptor: UInt64 = 0
        /// The databases whose writer's lock is held until the end.
        var locked: [DatabaseFile] = []
        /// The changes that are in the files already.
        var steals: [Steal] = []
        /// Something was written in it.
        var hasWritten = false
    }

    struct PreparedBatch {
        var declarations: [Declaration]
        var text: String
    }

    struct IdentityCursor {
        var next: Int64
        var increment: Int64
        var last: Int64?
    }

    init(server: ServerState, identity: Identity, database: String) throws(SQLError) {
        self.server = server
        self.identity = identity
        do throws(SQLiteFailure) {
            self.connection = try SQLiteConnection()
            try connection.run("PRAGMA foreign_keys = ON")
        } catch {
            throw SQLError(number: 17189, level: 20, message: "Could not start the session: \(error.message).")
        }
        self.catalog = Catalog(connection)
        self.database = "master"
        connection.isInterrupted = { false }
        addFunctions()
        guard let file = server.databases[database], mayUse(file) else { throw .cannotOpen(database) }
        try attach(file)
        self.database = file.name
        server.databases.enter(file.name)
    }

    /// Rolls back what is open and lets go of the database. Must be the last call.
    func close() {
        endTransaction(commit: false)
        server.databases.leave(database)
    }

    // MARK: Databases

    /// SQLite attaches at most ten files to a connection; the one unused for longest goes.
    private static let attachLimit = 8

    func attach(_ file: DatabaseFile) throws(SQLError) {
        try demandAccess(to: file)
        if let index = attached.firstIndex(where: { $0.name == file.name }) {
            let known = attached.remove(at: index)
            if known.file === file {
                attached.append(known)
                return
            }
            // The database was dropped and created again since.
            try detach(known.name)
        }
        if attached.count >= Session.attachLimit, let oldest = attached.firstIndex(where: { $0.name != database }) {
            try detach(attached.remove(at: oldest).name)
        }
        do throws(SQLiteFailure) {
            let schema = file.name.quotedName
            try connection.run("ATTACH \(SQLValue.text(file.path).literal) AS \(schema)")
            try connection.run("PRAGMA \(schema).synchronous = FULL")
            try connection.run("PRAGMA \(schema).wal_autocheckpoint = 0")
        } catch {
            throw sqlError(error)
        }
        attached.append((file.name, file))
    }

    private func detach(_ name: String) throws(SQLError) {
        connection.discardStatements()
        catalog.forget(name)
        do throws(SQLiteFailure) { try connection.run("DETACH \(name.quotedName)") } catch { throw sqlError(error) }
    }

    func use(_ name: String, _ sink: any ResultSink) throws(SQLError) {
        guard let file = server.databases[name] else { throw .unknownDatabase(name) }
        try server.demandOnline(file)
        try attach(file)
        let old = database
        server.databases.enter(file.name)
        server.databases.leave(old)
        database = file.name
        sink.change(.database(new: file.name, old: old))
        sink.info(SQLError(number: 5701, level: 0, state: 1, message: "Changed database context to '\(file.name)'."))
    }

    /// Back to the state after login, as a pool asks for with the RESETCONNECTION bit.
    func reset(_ sink: any ResultSink, keepingTransaction: Bool) {
        if !keepingTransaction, transaction.count > 0 {
            let descriptor = transaction.descriptor
            endTransaction(commit: false)
            sink.change(.transactionRolledBack(descriptor))
        }
        options = Options()
        variables = [:]
        prepared = [:]
        lastIdentity = nil
    }
}

extension Session: TranslationContext {
    func table(_ name: ObjectName) throws(SQLError) -> TableInfo? {
        let database: DatabaseFile
        if let given = name.database {
            guard let file = server.databases[given] else { throw .invalidObject(name.text) }
            database = file
        } else {
            guard let file = server.databases[self.database] else { throw .invalidObject(name.text) }
            database = file
        }
        try server.demandOnline(database)
        let schema = name.schema?.lowercased() ?? "dbo"
        if schema == "sys" || schema == "information_schema" {
            try attach(database)
            try demandServerState(for: name.object.lowercased())
            return server.systemView(schema, name.object.lowercased(), in: database)
        }
        guard schema == "dbo" else { return nil }
        try attach(database)
        try waitForTable(name.object, of: database)
        let found: TableInfo?
        do throws(SQLiteFailure) { found = try catalog.table(name.object, in: database.name) } catch { throw sqlError(error) }
        if let found { try demandUse(of: found, in: database) }
        return found
    }

    func type(ofVariable name: String) -> DataType? { variables[name.lowercased()]?.type }

    func register(_ conversion: Conversion) -> Int {
        if let number = conversionNumbers[conversion] { return number }
        conversions.append(conversion)
        conversionNumbers[conversion] = conversions.count - 1
        return conversions.count - 1
    }
}

extension SQLError {
    static func cannotOpen(_ database: String) -> SQLError {
        SQLError(number: 4060, level: 11, message: "Cannot open database \"\(database)\" requested by the login. The login failed.")
    }
}
