import DatabaseFlaws

extension Session {
    private func target(_ name: ObjectName) throws(SQLError) -> DatabaseFile {
        guard let file = server.databases[name.database ?? database] else { throw .unknownDatabase(name.database ?? database) }
        guard name.schema == nil || name.schema?.lowercased() == "dbo" else {
            throw SQLError(
                number: 2760,
                message:
                    "The specified schema name \"\(name.schema ?? "")\" either does not exist or you do not have permission to use it.",
                scope: .batch)
        }
        try server.demandOnline(file)
        try attach(file)
        return file
    }

    private func run(_ sql: String) throws(SQLError) {
        do throws(SQLiteFailure) { try connection.run(sql) } catch { throw sqlError(error) }
    }

    private func existing(_ name: ObjectName, verb: String) throws(SQLError) -> TableInfo {
        guard let table = try table(name), !table.isReadOnly else {
            throw SQLError(
                number: 3701, level: 11, state: 5,
                message: "Cannot \(verb) the table '\(name.text)', because it does not exist or you do not have permission.")
        }
        return table
    }

    func create(_ definition: TableDefinition) throws(SQLError) {
        let name = definition.table
        guard !name.object.hasPrefix("#") else { throw .unsupported("the temporary table \(name.object)") }
        let file = try target(name)
        try demandDefinition(in: file)
        guard try table(name) == nil else {
            throw SQLError(
                number: 2714, state: 6, message: "There is already an object named '\(name.object)' in the database.", scope: .batch)
        }
        for key in definition.foreignKeys where try table(key.parent)?.database != file.name {
            throw SQLError(
                number: 1767, state: 0, message: "Foreign key '\(key.name ?? "")' references invalid table '\(key.parent.text)'.",
                scope: .batch)
        }
        let creation = try definition.creation(in: file.name, context: self, keysAreUnique: server.flaws.keysAreUnique)
        try write(to: file) { () throws(SQLError) in
            for statement in creation.statements { try run(statement) }
            for entry in creation.metadata {
                _ = try metadata(
                    "INSERT INTO \(file.name.quotedName).\(Catalog.metadata) VALUES (?, ?, ?, ?)",
                    [.text(entry.kind), .text(name.object), .text(entry.name), .text(entry.value)])
            }
            if server.flaws.has(.staleRegister), let table = try table(name) {
                for statement in StaleRegisters.statements(for: table) { try run(statement) }
            }
        }
    }

    func drop(_ name: ObjectName, ifExists: Bool) throws(SQLError) {
        let file = try target(name)
        if ifExists, try table(name) == nil { return }
        let table = try existing(name, verb: "drop")
        try write(to: file) { () throws(SQLError) in
            try run("DROP TABLE \(table.sql)")
            _ = try metadata("DELETE FROM \(file.name.quotedName).\(Catalog.metadata) WHERE parent = ?", [.text(table.name)])
        }
        catalog.forget(file.name)
    }

    func truncate(_ name: ObjectName) throws(SQLError) {
        let table = try existing(name, verb: "truncate")
        let file = try target(name)
        try write(to: file) { () throws(SQLError) in
            try run("DELETE FROM \(table.sql)")
            for column in table.columns {
                guard let identity = column.identity else { continue }
                _ = try metadata(
                    "UPDATE \(file.name.quotedName).\(Catalog.metadata) SET value = ? WHERE kind = 'next' AND parent = ? AND name = ?",
                    [.text(String(identity.seed)), .text(table.name), .text(column.name)])
            }
        }
    }

    func create(_ index: IndexDefinition) throws(SQLError) {
        let file = try target(index.table)
        guard let table = try table(index.table), !table.isReadOnly else {
            throw SQLError(
                number: 1088, state: 12,
                message: "Cannot find the object \"\(index.table.text)\" because it does not exist or you do not have permissions.",
                scope: .batch)
        }
        guard !table.keys.contains(where: { $0.name.caseInsensitivelyEquals(index.name) }) else {
            throw SQLError(
                number: 1913,
                message:
                    "The operation failed because an index or statistics with name '\(index.name)' already exists on table '\(index.table.text)'.",
                scope: .batch)
        }
        for column in index.columns where table.column(column.name) == nil {
            throw SQLError(number: 1911, message: "Column name '\(column.name)' does not exist in the target table or view.", scope: .batch)
        }
        let columns = index.columns.map { "\($0.name.quotedName)\($0.descending ? " DESC" : "")" }.joined(separator: ", ")
        let schema = file.name.quotedName
        try write(to: file) { () throws(SQLError) in
            do throws(SQLiteFailure) {
                try connection.run(
                    "CREATE \(index.isUnique && server.flaws.keysAreUnique ? "UNIQUE " : "")INDEX \(schema).\("\(table.name).\(index.name)".quotedName) ON \(table.name.quotedName) (\(columns))"
                )
            } catch {
                guard error.message.hasPrefix("UNIQUE") else { throw sqlError(error) }
                throw SQLError(
                    number: 1505,
                    message:
                        "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '\(table.schemaName)' and the index name '\(index.name)'."
                )
            }
            _ = try metadata(
                "INSERT INTO \(schema).\(Catalog.metadata) VALUES (?, ?, ?, ?)",
                [
                    .text(TableInfo.Key.Kind.index.rawValue), .text(table.name), .text(index.name),
                    .text(index.columns.map(\.name).joined(separator: "\u{1}")),
                ])
        }
    }

    func dropIndex(_ name: String, on tableName: ObjectName, ifExists: Bool) throws(SQLError) {
        let file = try target(tableName)
        guard let table = try table(tableName),
            let key = table.keys.first(where: { $0.name.caseInsensitivelyEquals(name) && $0.kind == .index })
        else {
            if ifExists { return }
            throw SQLError(
                number: 3701, level: 11, state: 7,
                message: "Cannot drop the index '\(tableName.text).\(name)', because it does not exist or you do not have permission.")
        }
        try write(to: file) { () throws(SQLError) in
            try run("DROP INDEX \(file.name.quotedName).\("\(table.name).\(key.name)".quotedName)")
            _ = try metadata(
                "DELETE FROM \(file.name.quotedName).\(Catalog.metadata) WHERE kind = 'index' AND parent = ? AND name = ?",
                [.text(table.name), .text(key.name)])
        }
    }

    func checkpoint() throws(SQLError) {
        guard let file = server.databases[database] else { return }
        try attach(file)
        _ = try metadata("PRAGMA \(file.name.quotedName).wal_checkpoint(TRUNCATE)", [])
    }

    func set(_ option: SessionOption) throws(SQLError) {
        switch option {
        case .noCount(let isOn): options.noCount = isOn
        case .xactAbort(let isOn): options.xactAbort = isOn
        case .implicitTransactions(let isOn): options.implicitTransactions = isOn
        case .quotedIdentifier(let isOn): options.quotedIdentifier = isOn
        case .rowCount(let count): options.rowCount = max(0, count)
        case .lockTimeout(let milliseconds): options.lockTimeout = milliseconds
        case .isolation(let level): options.isolation = level
        case .identityInsert(let name, let isOn):
            guard let table = try table(name) else { throw .invalidObject(name.text) }
            options.identityInsert = isOn ? table.fullName : nil
        case .noEffect: break
        }
    }
}
