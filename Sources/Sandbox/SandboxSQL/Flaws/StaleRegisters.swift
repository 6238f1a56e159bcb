/// The flaw stale-register: a trigger keeps the first image of every updated row, which returns after an unclean stop.
struct StaleRegisters {
    private static let prefix = "__sandbox_stale_"

    /// The statement that makes a table keep the images; run once per table.
    static func statements(for table: TableInfo) -> [String] {
        let schema = table.database.quotedName
        let shadow = (prefix + table.name).quotedName
        let names = table.columns.map(\.name.quotedName)
        return [
            "CREATE TABLE IF NOT EXISTS \(schema).\(shadow) (__row INTEGER PRIMARY KEY, \(names.joined(separator: ", ")))",
            """
            CREATE TRIGGER IF NOT EXISTS \(schema).\((prefix + "trigger_" + table.name).quotedName) BEFORE UPDATE ON \(table.name.quotedName) BEGIN \
            INSERT OR IGNORE INTO \(shadow) VALUES (old.rowid, \(names.map { "old.\($0)" }.joined(separator: ", "))); END
            """,
        ]
    }

    /// Sets every table up and, after an unclean stop, puts the old rows back.
    static func apply(to connection: SQLiteConnection, schema database: String, restoring: Bool) throws(SQLiteFailure) {
        var catalog = Catalog(connection)
        let schema = database.quotedName
        for row in try connection.rows("SELECT name FROM \(schema).sqlite_master WHERE type = 'table'") {
            guard case .text(let name)? = row.first, let table = try catalog.table(name, in: database) else { continue }
            for statement in statements(for: table) { try connection.run(statement) }
            let shadow = "\(schema).\((prefix + name).quotedName)"
            let names = table.columns.map(\.name.quotedName).joined(separator: ", ")
            let trigger = "\(schema).\((prefix + "trigger_" + name).quotedName)"
            // The trigger would take the damage for another update.
            try connection.run("DROP TRIGGER \(trigger)")
            if restoring {
                try connection.run(
                    "UPDATE \(table.sql) SET (\(names)) = (SELECT \(names) FROM \(shadow) WHERE __row = \(name.quotedName).rowid) WHERE rowid IN (SELECT __row FROM \(shadow))"
                )
            }
            try connection.run("DELETE FROM \(shadow)")
            for statement in statements(for: table) { try connection.run(statement) }
        }
    }
}
