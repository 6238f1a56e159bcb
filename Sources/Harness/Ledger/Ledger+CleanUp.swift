import Journal
public import NIOCore
import TDS

extension Ledger {
    /// Removes the tables, and the database if it was created for them and holds nothing else. To be called when the verdict is on the
    /// disk, not before: the rows are its evidence.
    ///
    /// Tables that are gone already are no error.
    public func cleanUp(on eventLoop: any EventLoop) async throws(LedgerError) {
        let action = "remove its tables from \(configuration.database)"
        try await Self.connected(to: ledgerServer, on: eventLoop, action: action) { connection throws(LedgerError) in
            for statement in statements.dropTables { try await Self.run(statement, on: connection, action: action) }
            guard prepared.createdDatabase else { return }
            let answer = try await Self.run("SELECT COUNT(*) FROM sys.tables", on: connection, action: "look for other tables")
            guard (try? answer.rows.first?[0].integer) == 0 else { return }
            // Out of the database first: it cannot be dropped under a session, and this is the last.
            let outside = configuration.server.database.isEmpty ? "master" : configuration.server.database
            try await Self.run("USE \(LedgerStatements.quoted(outside))", on: connection, action: "leave its database")
            try await Self.run(
                "DROP DATABASE \(LedgerStatements.quoted(configuration.database))", on: connection,
                action: "drop database \(configuration.database)")
        }
    }
}
