/// INSERT, UPDATE and DELETE.
extension Translator {
    private func writable(_ name: ObjectName) throws(SQLError) -> TableInfo {
        guard let table = try context.table(name) else { throw .invalidObject(name.text) }
        guard !table.isReadOnly else {
            throw SQLError(number: 259, message: "Ad hoc updates to system catalogs are not allowed.", scope: .batch)
        }
        return table
    }

    /// - Parameter insertsIdentity: whether `SET IDENTITY_INSERT` is on for the table.
    static func insert(_ insert: Insert, into context: any TranslationContext, insertsIdentity: Bool) throws(SQLError) -> (
        Translation, TableInfo
    ) {
        var translator = Translator(context)
        translator.touchesTables = true
        let table = try translator.writable(insert.table)
        let identity = table.columns.first { $0.identity != nil }
        var targets: [TableInfo.Column] = []
        if let names = insert.columns {
            for name in names {
                guard let column = table.column(name) else { throw .invalidColumn(name) }
                guard !targets.contains(column) else {
                    throw SQLError(
                        number: 264,
                        message: "The column name '\(name)' is specified more than once in the SET clause or column list of an INSERT.",
                        scope: .batch)
                }
                targets.append(column)
            }
        } else {
            targets = table.columns.filter { $0.identity == nil }
        }
        let namesIdentity = identity.map { targets.contains($0) } ?? false
        guard namesIdentity == (insertsIdentity && identity != nil) else {
            throw insertsIdentity
                ? SQLError(
                    number: 545,
                    message:
                        "Explicit value must be specified for identity column in table '\(table.name)' when IDENTITY_INSERT is set to ON.",
                    scope: .batch)
                : SQLError(
                    number: 544,
                    message: "Cannot insert explicit value for identity column in table '\(table.name)' when IDENTITY_INSERT is set to OFF."
                )
        }
        let omitted = table.columns.filter { !targets.contains($0) }
        let extra = try omitted.map { column throws(SQLError) in try translator.omitted(column, of: table) }
        let names = (targets + omitted).map(\.name.quotedName).joined(separator: ", ")
        let rows = try translator.rows(insert.source, targets, extra, table)
        return (translator.finish("INSERT INTO \(table.sql) (\(names)) \(rows)"), table)
    }

    private mutating func rows(
        _ source: Insert.Source, _ targets: [TableInfo.Column], _ extra: [String], _ table: TableInfo
    ) throws(SQLError) -> String {
        switch source {
        case .defaults:
            let values = try targets.map { column throws(SQLError) in try omitted(column, of: table) } + extra
            return "VALUES (\(values.joined(separator: ", ")))"
        case .values(let rows):
            let lines = try rows.map { row throws(SQLError) -> String in
                guard row.count == targets.count else { throw row.count < targets.count ? .fewerValues(rows.count > 1) : .moreValues }
                var values: [String] = []
                for (expression, column) in zip(row, targets) {
                    guard let expression else {
                        values.append(try omitted(column, of: table))
                        continue
                    }
                    values.append(try stored(try scalar(expression), in: column, of: table))
                }
                return "(\((values + extra).joined(separator: ", ")))"
            }
            return "VALUES \(lines.joined(separator: ", "))"
        case .query(let query):
            let inner = try self.query(query)
            guard inner.assigned.isEmpty else { throw .syntax(near: "=", line: 1) }
            guard inner.columns.count == targets.count else {
                throw SQLError(
                    number: inner.columns.count < targets.count ? 120 : 121,
                    level: 15,
                    message:
                        "The select list for the INSERT statement contains \(inner.columns.count < targets.count ? "fewer" : "more") items than the insert list. The number of SELECT values must match the number of INSERT columns.",
                    scope: .batch)
            }
            let alias = nextAlias()
            let values = try targets.indices.map { index throws(SQLError) in
                try stored(Scalar("\(alias).c\(index)", inner.columns[index].type), in: targets[index], of: table)
            }
            let names = targets.indices.map { "NULL AS c\($0)" }.joined(separator: ", ")
            // WHERE TRUE keeps SQLite from reading what follows FROM as a conflict clause.
            return
                "SELECT \((values + extra).joined(separator: ", ")) FROM (SELECT \(names) WHERE 0 UNION ALL SELECT * FROM (\(inner.sql))) AS \(alias) WHERE TRUE"
        }
    }

    /// The value of a column that INSERT does not name.
    private mutating func omitted(_ column: TableInfo.Column, of table: TableInfo) throws(SQLError) -> String {
        if column.identity != nil { return "ts_identity()" }
        guard let text = column.defaultText else { return "NULL" }
        return try stored(try scalar(try Parser.expression(of: text)), in: column, of: table)
    }

    private func stored(_ scalar: Scalar, in column: TableInfo.Column, of table: TableInfo) throws(SQLError) -> String {
        try convert(scalar, to: column.type, isExplicit: false, column: .init(table: table.fullName, name: column.name)).sql
    }

    private mutating func scope(of table: TableInfo, alias: String) -> String {
        let columns = table.columns.map { ResultColumn(name: $0.name, type: $0.type) }
        let name = nextAlias()
        scopes.append(Scope(sources: [Source(alias: alias, sqlAlias: name, columns: columns)]))
        return name
    }

    static func update(_ update: Update, in context: any TranslationContext) throws(SQLError) -> (Translation, TableInfo) {
        var translator = Translator(context)
        translator.touchesTables = true
        let table = try translator.writable(update.table)
        let alias = translator.scope(of: table, alias: update.table.object)
        var assignments: [String] = []
        for assignment in update.assignments {
            guard let column = table.column(assignment.column) else { throw .invalidColumn(assignment.column) }
            guard column.identity == nil else {
                throw SQLError(number: 8102, message: "Cannot update identity column '\(column.name)'.", scope: .batch)
            }
            let value: String
            if let expression = assignment.value {
                value = try translator.stored(try translator.scalar(expression), in: column, of: table)
            } else {
                value = try translator.omitted(column, of: table)
            }
            assignments.append("\(column.name.quotedName) = \(value)")
        }
        var sql = "UPDATE \(table.sql) AS \(alias) SET \(assignments.joined(separator: ", "))"
        if let filter = update.filter { sql += " WHERE \(try translator.condition(filter))" }
        return (translator.finish(sql), table)
    }

    static func delete(_ delete: Delete, in context: any TranslationContext) throws(SQLError) -> (Translation, TableInfo) {
        var translator = Translator(context)
        translator.touchesTables = true
        let table = try translator.writable(delete.table)
        let alias = translator.scope(of: table, alias: delete.table.object)
        let filter = try delete.filter.map { filter throws(SQLError) in " WHERE \(try translator.condition(filter))" } ?? ""
        guard let top = delete.top else { return (translator.finish("DELETE FROM \(table.sql) AS \(alias)\(filter)"), table) }
        let limit = try translator.convert(try translator.scalar(top), to: .bigint, isExplicit: false).sql
        let chosen = "SELECT \(alias).rowid FROM \(table.sql) AS \(alias)\(filter) LIMIT \(limit)"
        return (translator.finish("DELETE FROM \(table.sql) WHERE rowid IN (\(chosen))"), table)
    }
}

extension SQLError {
    static func fewerValues(_ isMultiple: Bool) -> SQLError {
        isMultiple
            ? .unevenValues
            : SQLError(
                number: 109, level: 15,
                message:
                    "There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
                scope: .batch)
    }

    static let moreValues = SQLError(
        number: 110, level: 15,
        message:
            "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement.",
        scope: .batch)
}
