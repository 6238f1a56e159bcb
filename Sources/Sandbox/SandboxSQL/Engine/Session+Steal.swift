import Foundation

/// Rows that an open transaction has put into a table that it has to itself (`WITH (TABLOCKX)`). They are in the file before the
/// transaction ends, so that it can be large and others can write meanwhile; a record beside them says how to undo it.
struct Steal {
    /// Unique to the transaction.
    var id: String
    var file: DatabaseFile
    var table: String

    private static let records = "\"\(Catalog.internalPrefix)_undo\""

    static func recordTable(in schema: String) -> String {
        "CREATE TABLE IF NOT EXISTS \(schema).\(records) (id TEXT, name TEXT, after INTEGER, PRIMARY KEY (id, name)) WITHOUT ROWID"
    }

    /// The statement that keeps the table's end from before the first of the rows.
    func record(_ schema: String) -> String {
        "INSERT OR IGNORE INTO \(schema).\(Self.records) SELECT \(SQLValue.text(id).literal), \(SQLValue.text(table).literal), "
            + "coalesce(max(rowid), 0) FROM \(schema).\(table.quotedName)"
    }

    var forget: String { "DELETE FROM \(file.name.quotedName).\(Self.records) WHERE id = \(SQLValue.text(id).literal)" }

    /// Removes the rows of every transaction that was open.
    ///
    /// - Parameter id: of one of them alone.
    /// - Returns: the number of transactions.
    static func undoAll(in connection: SQLiteConnection, schema: String, id: String? = nil) throws(SQLiteFailure) -> Int {
        try connection.run(recordTable(in: schema))
        let filter = id.map { " WHERE id = \(SQLValue.text($0).literal)" } ?? ""
        let open = try connection.rows("SELECT id, name, after FROM \(schema).\(records)\(filter)")
        guard !open.isEmpty else { return 0 }
        try connection.run("BEGIN")
        do throws(SQLiteFailure) {
            for row in open {
                guard case .text(let name) = row[1], case .integer(let after) = row[2] else { continue }
                try connection.run("DELETE FROM \(schema).\(name.quotedName) WHERE rowid > \(after)")
            }
            try connection.run("DELETE FROM \(schema).\(records)\(filter)")
            try connection.run("COMMIT")
        } catch {
            try? connection.run("ROLLBACK")
            throw error
        }
        return Set(open.map { $0[0].string }).count
    }
}

extension Session {
    /// Runs an INSERT, in a transaction of its own in the file where the open transaction has locked the table.
    func stealing(_ insert: Insert, _ body: () throws(StatementFailure) -> Int) throws(StatementFailure) -> Int {
        guard insert.hints.contains("TABLOCKX"), transaction.count > 0, !connection.isInTransaction else { return try body() }
        let steal: Steal
        do throws(SQLError) {
            guard let info = try table(insert.table), !info.isReadOnly, let file = server.databases[info.database] else {
                throw .invalidObject(insert.table.text)
            }
            try waitForTable(info.name, of: file)
            guard file.lock(info.name, for: self) else { throw .lockTimeout }
            steal =
                transaction.steals.first { $0.file === file && $0.table == info.name }
                ?? Steal(id: transaction.steals.first?.id ?? UUID().uuidString, file: file, table: info.name)
        } catch {
            throw .error(error)
        }
        var outer = transaction
        if !outer.steals.contains(where: { $0.file === steal.file && $0.table == steal.table }) { outer.steals.append(steal) }
        transaction = TransactionState()
        stealing = steal
        defer {
            stealing = nil
            transaction = outer
        }
        return try body()
    }

    /// Inside of the change that steals.
    func recordSteal(of table: TableInfo) throws(SQLError) {
        guard let stealing else { return }
        do throws(SQLiteFailure) {
            let schema = stealing.file.name.quotedName
            try connection.run(Steal.recordTable(in: schema))
            try connection.run(stealing.record(schema))
        } catch {
            throw sqlError(error)
        }
    }

    /// Keeps the stolen rows: their records go with the commit.
    func keepSteals() throws(SQLiteFailure) {
        for steal in transaction.steals {
            if connection.isInTransaction {
                try connection.run(steal.forget)
            } else {
                _ = steal.file.writer.acquire(for: self, timeout: nil, isCancelled: { false })
                defer { steal.file.writer.release(by: self) }
                try connection.run(steal.forget)
            }
        }
    }

    /// After the end of the transaction.
    func endSteals(_ steals: [Steal], undo: Bool) {
        guard !steals.isEmpty else { return }
        for steal in steals where undo {
            _ = steal.file.writer.acquire(for: self, timeout: nil, isCancelled: { false })
            // Where it does not come through, the next start does it.
            _ = try? Steal.undoAll(in: connection, schema: steal.file.name.quotedName, id: steal.id)
            steal.file.writer.release(by: self)
        }
        for steal in steals { steal.file.unlockTables(of: self) }
    }

    /// Waits while another session has the table to itself.
    func waitForTable(_ name: String, of file: DatabaseFile) throws(SQLError) {
        let deadline = options.lockTimeout < 0 ? nil : ContinuousClock.now + .milliseconds(options.lockTimeout)
        while file.isLocked(name, against: self) {
            if let deadline, ContinuousClock.now >= deadline { throw .lockTimeout }
            guard !pause(0.02) else { throw .lockTimeout }
        }
    }
}

extension SQLError {
    fileprivate static var lockTimeout: SQLError {
        SQLError(number: 1222, state: 51, message: "Lock request time out period exceeded.")
    }
}
