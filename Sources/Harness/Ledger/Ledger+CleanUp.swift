import Journal
public import NIOCore
public import TDS

/// The ledger's objects on a server: its tables and, if it was created for them, their database.
public struct LedgerTables: Sendable, Hashable {
    public var database: String
    public var tableSuffix: String
    /// Is `true` if the database was created for the ledger, and is removed with its last table.
    public var ownsDatabase: Bool

    /// - Returns: `nil` if no ledger can have the suffix.
    public init?(database: String, tableSuffix: String, ownsDatabase: Bool) {
        guard !tableSuffix.isEmpty, tableSuffix.utf8.allSatisfy({ $0 < 128 }),
            tableSuffix.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
        else { return nil }
        self.database = database
        self.tableSuffix = tableSuffix
        self.ownsDatabase = ownsDatabase
    }

    /// The objects of the ledger that `configuration` describes, before they exist.
    public init(_ configuration: LedgerConfiguration, on eventLoop: any EventLoop) async throws(LedgerError) {
        database = configuration.database
        tableSuffix = configuration.tableSuffix
        guard configuration.createDatabase else {
            ownsDatabase = false
            return
        }
        ownsDatabase = try await !Self.exists(database, configuration.patientServer, on: eventLoop)
    }

    /// Removes the tables, and the database if it is the ledger's own and has no other table. Then checks that they are gone.
    ///
    /// Missing tables are no error.
    ///
    /// - Parameter server: the login that created them.
    /// - Returns: the evidence.
    public func remove(from server: TDSConfiguration, on eventLoop: any EventLoop) async throws(LedgerError) -> String {
        var server = server
        server.deadlines = .init(each: .seconds(15))
        guard try await Self.exists(database, server, on: eventLoop) else { return "the database \(database) does not exist" }
        let action = "remove its tables from \(database)"
        var inside = server
        inside.database = database
        let connection = try await Ledger.recovered(inside, on: eventLoop)
        let isEmpty: Bool
        do throws(LedgerError) {
            isEmpty = try await removeTables(connection, action: action)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
        let gone = "no table of the suffix \(tableSuffix) is in database \(database)"
        guard isEmpty, ownsDatabase else { return gone }
        try await drop(from: server, on: eventLoop)
        guard try await !Self.exists(database, server, on: eventLoop) else {
            throw LedgerError(action: "drop database \(database)", reason: "it is still there")
        }
        return "the run's own database \(database) is gone"
    }

    /// - Returns: whether the database had no other table.
    private func removeTables(_ connection: TDSConnection, action: String) async throws(LedgerError) -> Bool {
        let statements = LedgerStatements(suffix: tableSuffix)
        for statement in statements.dropTables { try await Ledger.run(statement, on: connection, action: action) }
        let names = try await Ledger.run("SELECT name FROM sys.tables", on: connection, action: "look for its tables").rows
            .map { row in (try? row[0].string) ?? "" }
        guard !names.contains(where: { statements.names.contains($0) }) else {
            throw LedgerError(action: action, reason: "they are still there")
        }
        return names.isEmpty
    }

    /// The timeout for a server to end the session of a closed connection.
    private static let sessionEnd = Duration.seconds(10)

    /// Drops the database on a connection to another database: not every server has USE.
    ///
    /// The server ends the session of a closed connection later, and no event says when.
    private func drop(from server: TDSConfiguration, on eventLoop: any EventLoop) async throws(LedgerError) {
        let action = "drop database \(database)"
        let deadline = ContinuousClock.now + Self.sessionEnd
        try await Ledger.connected(to: server, on: eventLoop, action: action) { connection throws(LedgerError) in
            while true {
                do throws(LedgerError) {
                    try await Ledger.run("DROP DATABASE \(LedgerStatements.quoted(database))", on: connection, action: action)
                    return
                } catch {
                    guard error.numbers.contains(ServerErrorNumber.databaseInUse), ContinuousClock.now < deadline else { throw error }
                }
                do {
                    try await Task.sleep(for: Ledger.settlingPause)
                } catch {
                    throw LedgerError(action: action, reason: "cancelled")
                }
            }
        }
    }

    private static func exists(
        _ database: String, _ server: TDSConfiguration, on eventLoop: any EventLoop
    ) async throws(LedgerError) -> Bool {
        let action = "look for database \(database)"
        return try await Ledger.connected(to: server, on: eventLoop, action: action) { connection throws(LedgerError) in
            let name = database.replacing("'", with: "''")
            let answer = try await Ledger.run("SELECT DB_ID(N'\(name)')", on: connection, action: action)
            do {
                return try answer.rows.first?[0].isNull == false
            } catch {
                throw LedgerError(action: action, reason: "\(error)")
            }
        }
    }
}

extension Ledger {
    /// Removes everything that ``prepare(_:clock:on:)`` created. Call it only after the verdict is on the disk: the rows are its evidence.
    public func cleanUp(on eventLoop: any EventLoop) async throws(LedgerError) {
        let tables = LedgerTables(
            database: configuration.database, tableSuffix: prepared.tableSuffix, ownsDatabase: prepared.createdDatabase)
        _ = try await tables?.remove(from: configuration.server, on: eventLoop)
    }
}
