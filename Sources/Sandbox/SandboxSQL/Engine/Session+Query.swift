extension Session {
    func select(_ query: Query, _ sink: any ResultSink) throws(StatementFailure) {
        let translation = try translated { () throws(SQLError) in try Translator.query(query, in: self) }
        if translation.touchesTables { try beforeAccess(sink, wantsLock: translation.wantsLock) }
        let statement = try open(translation)
        defer { statement.reset() }
        let count = translation.assigned.isEmpty ? try rows(of: statement, translation, sink) : try assign(from: statement, translation)
        lastRowCount = count
        done(.select, count: count, sink)
    }

    private func open(_ translation: Translation, table: TableInfo? = nil, verb: String = "") throws(StatementFailure) -> PreparedStatement
    {
        do throws(SQLiteFailure) {
            let statement = try connection.prepare(translation.sql)
            try statement.bind(translation.bindings.map(value(of:)))
            return statement
        } catch {
            throw failure(error, table: table, verb: verb)
        }
    }

    private func step(_ statement: PreparedStatement, table: TableInfo? = nil, verb: String = "") throws(StatementFailure) -> Bool {
        do throws(SQLiteFailure) { return try statement.step() } catch { throw failure(error, table: table, verb: verb) }
    }

    private func rows(of statement: PreparedStatement, _ translation: Translation, _ sink: any ResultSink) throws(StatementFailure) -> Int {
        let width = translation.columns.count
        var count = 0
        do throws(SessionEnd) { try sink.columns(translation.columns) } catch { throw .end(error) }
        while options.rowCount == 0 || count < options.rowCount, try step(statement) {
            var values = (0..<width).map { statement.value(at: $0) }
            if !translation.touchesTables { values = stale(values, types: translation.columns.map(\.type)) }
            do throws(SessionEnd) { try sink.row(values) } catch { throw .end(error) }
            count += 1
        }
        return count
    }

    /// SELECT @a = x FROM t leaves the values of the last row.
    private func assign(from statement: PreparedStatement, _ translation: Translation) throws(StatementFailure) -> Int {
        var count = 0
        while try step(statement) {
            for (index, name) in translation.assigned.enumerated() { variables[name.lowercased()]?.value = statement.value(at: index) }
            count += 1
        }
        return count
    }

    /// The steps before a table is read or written.
    private func beforeAccess(_ sink: any ResultSink, wantsLock: Bool) throws(StatementFailure) {
        do throws(SQLError) {
            if options.implicitTransactions, transaction.count == 0 { try beginTransaction(sink) }
            guard transaction.count > 0 else { return }
            let isStrict = options.isolation == .serializable || options.isolation == .repeatableRead
            guard wantsLock || isStrict, let file = server.databases[database] else { return }
            // The only writer sees nothing change under it, which is what these levels and hints ask for.
            try lock(file)
            do throws(SQLiteFailure) {
                if !connection.isInTransaction { try connection.run("BEGIN") }
            } catch {
                throw sqlError(error)
            }
        } catch {
            throw .error(error)
        }
    }

    /// Runs an INSERT, UPDATE or DELETE and returns the number of rows it changed.
    func change(
        _ verb: String, _ sink: any ResultSink, _ translate: () throws(SQLError) -> (Translation, TableInfo)
    ) throws(StatementFailure) -> Int {
        let translation: Translation
        let table: TableInfo
        do throws(SQLError) { (translation, table) = try translate() } catch { throw .error(error) }
        try beforeAccess(sink, wantsLock: false)
        guard let file = server.databases[table.database] else { throw .error(.invalidObject(table.fullName)) }
        var end: SessionEnd?
        do throws(SQLError) {
            let count = try write(to: file) { () throws(SQLError) -> Int in
                try loadIdentity(of: table)
                try recordSteal(of: table)
                do throws(StatementFailure) {
                    let statement = try open(translation, table: table, verb: verb)
                    defer { statement.reset() }
                    while try step(statement, table: table, verb: verb) {}
                } catch {
                    switch error {
                    case .error(let error): throw error
                    case .end(let reason):
                        end = reason
                        throw SQLError(number: 0, message: "")
                    }
                }
                let count = connection.changes
                try saveIdentity(of: table)
                if verb == "INSERT" { try damage(table, inserted: count) }
                return count
            }
            lastRowCount = count
            return count
        } catch {
            if let end { throw .end(end) }
            throw .error(error)
        }
    }

    // MARK: Identity

    private func loadIdentity(of table: TableInfo) throws(SQLError) {
        identityCursor = nil
        guard let column = table.columns.first(where: { $0.identity != nil }), let identity = column.identity else { return }
        let rows = try metadata(
            "SELECT value FROM \(table.database.quotedName).\(Catalog.metadata) WHERE kind = 'next' AND parent = ? AND name = ?",
            [.text(table.name), .text(column.name)])
        guard case .text(let next)? = rows.first?.first, let number = Int64(next) else { return }
        identityCursor = IdentityCursor(next: number, increment: identity.increment)
    }

    private func saveIdentity(of table: TableInfo) throws(SQLError) {
        guard let cursor = identityCursor, let last = cursor.last, let column = table.columns.first(where: { $0.identity != nil }) else {
            return
        }
        _ = try metadata(
            "UPDATE \(table.database.quotedName).\(Catalog.metadata) SET value = ? WHERE kind = 'next' AND parent = ? AND name = ?",
            [.text(String(cursor.next)), .text(table.name), .text(column.name)])
        lastIdentity = last
    }

    func metadata(_ sql: String, _ parameters: [SQLValue]) throws(SQLError) -> [[SQLValue]] {
        do throws(SQLiteFailure) { return try connection.rows(sql, parameters) } catch { throw sqlError(error) }
    }
}
