public import Journal
public import NIOCore
import TDS

extension Ledger {
    /// The rows of one INSERT. SQL Server allows 1000, but compiles the text each time: beyond a few hundred rows, another statement is
    /// cheaper.
    private static let batchSize: Int64 = 250
    /// The timeout of one statement of the preparation, the check or the cleanup.
    static let statementTimeout = Duration.seconds(60)

    /// Creates the database if wanted and missing, the tables, the registers and the baseline rows. Leaves nothing behind if it throws.
    public static func prepare(
        _ configuration: LedgerConfiguration, clock: RunClock, on eventLoop: any EventLoop
    ) async throws(LedgerError) -> Ledger {
        let (connection, created) = try await openDatabase(configuration, on: eventLoop)
        let ledger = Ledger(
            configuration,
            LedgerPrepared(
                database: configuration.database, tableSuffix: configuration.tableSuffix, writers: configuration.writers,
                transfers: configuration.transfers, seedRows: configuration.seedRows, seed: configuration.seed,
                createdDatabase: created, server: "\(connection.serverVersion)"),
            book: LedgerBook(
                writers: configuration.writers, transfers: configuration.transfers, seedRows: configuration.seedRows),
            clock: clock)
        do throws(LedgerError) {
            try await ledger.createTables(connection)
        } catch {
            await connection.close()
            // If the cleanup fails too, the first error is reported.
            try? await ledger.cleanUp(on: eventLoop)
            throw error
        }
        await connection.close()
        return ledger
    }

    private static func openDatabase(
        _ configuration: LedgerConfiguration, on eventLoop: any EventLoop
    ) async throws(LedgerError) -> (TDSConnection, created: Bool) {
        var server = configuration.patientServer
        server.database = configuration.database
        do throws(LedgerError) {
            return (try await connect(to: server, on: eventLoop, action: "open database \(server.database)"), false)
        } catch {
            guard configuration.createDatabase, error.meansNoDatabase else { throw error }
        }
        do throws(LedgerError) {
            _ = try await connected(to: configuration.patientServer, on: eventLoop, action: "connect to create its database") {
                connection throws(LedgerError) in
                try await run(
                    "CREATE DATABASE \(LedgerStatements.quoted(configuration.database))", on: connection,
                    action: "create database \(configuration.database)",
                    hint: "let the login create databases, or name one that exists in spec.ledger.database")
            }
        } catch {
            guard error.numbers.contains(ServerErrorNumber.databaseExists) else { throw error }
            return (try await recovered(server, on: eventLoop), false)
        }
        return (try await connect(to: server, on: eventLoop, action: "open database \(server.database), which it created"), true)
    }

    /// A database that exists and cannot be opened is being recovered, for example after the fault of an earlier experiment. No event says
    /// when it is open, so it is polled.
    static func recovered(_ server: TDSConfiguration, on eventLoop: any EventLoop) async throws(LedgerError) -> TDSConnection {
        let action = "open database \(server.database), which exists"
        let deadline = ContinuousClock.now + statementTimeout
        while true {
            do throws(LedgerError) {
                return try await connect(to: server, on: eventLoop, action: action)
            } catch {
                let isClosed = error.meansNoDatabase
                guard isClosed, ContinuousClock.now < deadline else { throw error }
            }
            do {
                try await Task.sleep(for: .milliseconds(200))
            } catch {
                throw LedgerError(action: action, reason: "cancelled")
            }
        }
    }

    private func createTables(_ connection: TDSConnection) async throws(LedgerError) {
        for statement in statements.createTables {
            try await Self.run(statement, on: connection, action: "create its tables in \(configuration.database)")
        }
        if configuration.writers > 0 {
            try await insert(statements.insertRegisters(writers: configuration.writers), Int64(configuration.writers), connection)
        }
        if configuration.transfers > 0 {
            try await Self.run(statements.createAccounts, on: connection, action: "create its accounts in \(configuration.database)")
            for lane in configuration.writers..<configuration.lanes {
                try await insert(statements.insertAccounts(of: lane), Int64(Transfer.accounts), connection)
            }
        }
        var first: Int64 = 1
        while first <= configuration.seedRows {
            let last = min(first + Self.batchSize - 1, configuration.seedRows)
            try await insert(statements.insertBaseline(first...last, content), last - first + 1, connection)
            first = last + 1
        }
    }

    private func insert(_ statement: String, _ rows: Int64, _ connection: TDSConnection) async throws(LedgerError) {
        let counts = try await Self.run(statement, on: connection, action: "insert its first rows").rowCounts
        guard counts == [UInt64(rows)] else {
            throw LedgerError(action: "insert its first rows", reason: "the server says \(counts) rows were inserted, not \(rows)")
        }
    }

    // MARK: For the other steps too

    @discardableResult
    static func run(
        _ statement: String, on connection: TDSConnection, action: String, hint: String? = nil
    ) async throws(LedgerError) -> TDSResult {
        do throws(TDSError) {
            return try await connection.query(statement, timeout: statementTimeout)
        } catch {
            throw LedgerError(action: action, error, hint: hint)
        }
    }

    private static func connect(
        to server: TDSConfiguration, on eventLoop: any EventLoop, action: String
    ) async throws(LedgerError) -> TDSConnection {
        do throws(TDSError) {
            return try await TDSConnection.connect(server, on: eventLoop)
        } catch {
            throw LedgerError(action: action, error)
        }
    }

    /// Runs `body` on a new connection.
    static func connected<Result: Sendable>(
        to server: TDSConfiguration, on eventLoop: any EventLoop, action: String,
        _ body: (TDSConnection) async throws(LedgerError) -> Result
    ) async throws(LedgerError) -> Result {
        let connection = try await connect(to: server, on: eventLoop, action: action)
        do throws(LedgerError) {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }
}

/// The error numbers of SQL Server that the ledger handles.
enum ServerErrorNumber {
    static let cannotOpenDatabase: Int32 = 4060
    /// The database does not exist: the number from some servers at a login, and from all for a statement.
    static let noSuchDatabase: Int32 = 911
    /// `DROP DATABASE` of a database that a session uses.
    static let databaseInUse: Int32 = 3702
    /// `CREATE DATABASE` of a database that exists.
    static let databaseExists: Int32 = 1801
    /// The login has no permission on the object, so that the catalogue may hide it too.
    static let denied: Set<Int32> = [229, 230, 262, 297, 300, 371, 916]
}
