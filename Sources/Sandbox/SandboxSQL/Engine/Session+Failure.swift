import CSQLite

extension Session {
    /// SQLite's failure under the number and text that SQL Server gives it.
    ///
    /// - Parameters:
    ///   - table: the table that was written to, if one was.
    ///   - verb: INSERT, UPDATE or DELETE.
    func sqlError(_ failure: SQLiteFailure, table: TableInfo? = nil, verb: String = "") -> SQLError {
        if let error = connection.functionError {
            connection.functionError = nil
            return error
        }
        let detail = failure.message.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? ""
        switch failure.code {
        case SQLiteFailure.notNull:
            let column = detail.split(separator: ".").last.map(String.init) ?? detail
            return SQLError(
                number: 515, state: 2,
                message:
                    "Cannot insert the value NULL into column '\(column)', table '\(table?.fullName ?? "")'; column does not allow nulls. \(verb) fails."
            )
        case SQLiteFailure.unique, SQLiteFailure.primaryKey:
            return duplicate(detail, table)
        case SQLiteFailure.check:
            return SQLError(
                number: 547,
                message:
                    "The \(verb) statement conflicted with the CHECK constraint \"\(detail)\". The conflict occurred in database \"\(table?.database ?? database)\", table \"\(table?.schemaName ?? "")\"."
            )
        case SQLiteFailure.foreignKey:
            let kind = verb == "DELETE" ? "REFERENCE" : "FOREIGN KEY"
            return SQLError(
                number: 547,
                message:
                    "The \(verb) statement conflicted with a \(kind) constraint. The conflict occurred in database \"\(table?.database ?? database)\", table \"\(table?.schemaName ?? "")\"."
            )
        default:
            return general(failure)
        }
    }

    /// - Parameter detail: what SQLite names: `t.a, t.b`.
    private func duplicate(_ detail: String, _ table: TableInfo?) -> SQLError {
        let columns = detail.split(separator: ",").compactMap { $0.split(separator: ".").last.map { String($0).trimmed.lowercased() } }
        let object = table?.schemaName ?? ""
        guard let key = table?.keys.first(where: { $0.columns.map { $0.lowercased() } == columns }), key.kind != .index else {
            let name = table?.keys.first { $0.columns.map { $0.lowercased() } == columns }?.name ?? detail
            return SQLError(
                number: 2601, level: 14, message: "Cannot insert duplicate key row in object '\(object)' with unique index '\(name)'.")
        }
        return SQLError(
            number: 2627, level: 14,
            message:
                "Violation of \(key.kind == .primary ? "PRIMARY KEY" : "UNIQUE KEY") constraint '\(key.name)'. Cannot insert duplicate key in object '\(object)'."
        )
    }

    private func general(_ failure: SQLiteFailure) -> SQLError {
        switch failure.code & 0xFF {
        case SQLITE_BUSY, SQLITE_LOCKED:
            SQLError(
                number: 1205, level: 13, state: 51,
                message:
                    "Transaction (Process ID \(identity.id)) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.",
                scope: .transaction)
        case SQLITE_FULL:
            SQLError(
                number: 1105, level: 17, state: 2,
                message: "Could not allocate space for object in database '\(database)': \(failure.message).")
        case SQLITE_READONLY:
            SQLError(number: 3906, message: "Failed to update database \"\(database)\" because the database is read-only.")
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            SQLError(
                number: 824, level: 24, state: 2,
                message: "SQL Server detected a logical consistency-based I/O error in database '\(database)': \(failure.message).",
                scope: .transaction)
        case SQLITE_IOERR, SQLITE_CANTOPEN:
            SQLError(
                number: 823, level: 24, state: 2,
                message: "The operating system returned an error in database '\(database)': \(failure.message) (\(failure.code)).",
                scope: .transaction)
        case SQLITE_ERROR where failure.message == "integer overflow":
            .overflow(to: .bigint)
        default:
            SQLError(
                number: 8624, state: 1, message: "Internal Query Processor Error: SQLite says \"\(failure.message)\" (\(failure.code)).",
                scope: .batch)
        }
    }
}
