/// CREATE TABLE in SQLite, and what is kept beside it in the catalog.
struct TableCreation: Equatable {
    struct Metadata: Equatable {
        var kind: String
        var name: String
        var value: String
    }

    var statements: [String]
    var metadata: [Metadata]
}

extension TableDefinition {
    /// - Parameters:
    ///   - database: the database's name, which is also its name in SQLite.
    ///   - keysAreUnique: false under a flaw that needs room for duplicates.
    func creation(in database: String, context: any TranslationContext, keysAreUnique: Bool) throws(SQLError) -> TableCreation {
        let name = table.object
        let primary = keys.filter(\.isPrimary)
        guard primary.count <= 1 else {
            throw SQLError(number: 8110, message: "Cannot add multiple PRIMARY KEY constraints to table '\(name)'.", scope: .batch)
        }
        var metadata: [TableCreation.Metadata] = []
        var lines: [String] = []
        for (index, column) in columns.enumerated() {
            guard !columns[..<index].contains(where: { $0.name.caseInsensitivelyEquals(column.name) }) else {
                throw SQLError(
                    number: 2705, state: 3,
                    message:
                        "Column names in each table must be unique. Column name '\(column.name)' in table '\(name)' is specified more than once.",
                    scope: .batch)
            }
            lines.append(try line(of: column, primary: primary.first, &metadata))
        }
        for key in keys {
            for column in key.columns where !columns.contains(where: { $0.name.caseInsensitivelyEquals(column.name) }) {
                throw SQLError(
                    number: 1911, message: "Column name '\(column.name)' does not exist in the target table or view.", scope: .batch)
            }
        }
        for check in checks { lines.append(try constraint(check, context)) }
        for foreign in foreignKeys { lines.append(self.foreign(foreign)) }
        let schema = database.quotedName
        var statements = ["CREATE TABLE \(schema).\(name.quotedName) (\(lines.joined(separator: ", ")))"]
        for (index, key) in keys.enumerated() {
            let keyName = key.name ?? "\(key.isPrimary ? "PK" : "UQ")__\(name)__\(index + 1)"
            let columns = key.columns.map { "\($0.name.quotedName)\($0.descending ? " DESC" : "")" }.joined(separator: ", ")
            statements.append(
                "CREATE \(keysAreUnique ? "UNIQUE " : "")INDEX \(schema).\("\(name).\(keyName)".quotedName) ON \(name.quotedName) (\(columns))"
            )
            metadata.append(
                .init(
                    kind: (key.isPrimary ? TableInfo.Key.Kind.primary : .unique).rawValue, name: keyName,
                    value: key.columns.map(\.name).joined(separator: "\u{1}")))
        }
        return TableCreation(statements: statements, metadata: metadata)
    }

    private func line(
        of column: ColumnDefinition, primary: KeyDefinition?, _ metadata: inout [TableCreation.Metadata]
    ) throws(SQLError) -> String {
        let isKey = primary?.columns.contains { $0.name.caseInsensitivelyEquals(column.name) } ?? false
        if isKey, column.isNullable == true {
            throw SQLError(
                number: 8111, message: "Cannot define PRIMARY KEY constraint on nullable column in table '\(table.object)'.", scope: .batch)
        }
        if let identity = column.identity {
            guard column.type.family == .integer, column.type != .bit, identity.increment != 0 else {
                throw SQLError(
                    number: 2749, state: 2,
                    message:
                        "Identity column '\(column.name)' must be of data type int, bigint, smallint or tinyint, and constrained to be nonnullable.",
                    scope: .batch)
            }
            metadata.append(.init(kind: "identity", name: column.name, value: "\(identity.seed),\(identity.increment)"))
            metadata.append(.init(kind: "next", name: column.name, value: String(identity.seed)))
        }
        if let text = column.defaultText { metadata.append(.init(kind: "default", name: column.name, value: text)) }
        let isRequired = isKey || column.isNullable == false || column.identity != nil
        let collation = column.type.family == .string ? " COLLATE \(Scalar.collation)" : ""
        return "\(column.name.quotedName) \(column.type.columnDeclaration)\(collation)\(isRequired ? " NOT NULL" : "")"
    }

    private func constraint(_ check: Check, _ context: any TranslationContext) throws(SQLError) -> String {
        var translator = Translator(context)
        let columns = self.columns.map { ResultColumn(name: $0.name, type: $0.type) }
        translator.scopes.append(.init(sources: [.init(alias: table.object, sqlAlias: table.object.quotedName, columns: columns)]))
        let condition = try translator.condition(check.condition)
        // Conversions are numbered within a session, so a stored condition cannot use them.
        guard translator.bindings.isEmpty, !condition.contains("ts_convert(") else {
            throw .unsupported("a CHECK constraint with variables or conversions")
        }
        let name = check.name ?? "CK__\(table.object)"
        return "CONSTRAINT \(name.quotedName) CHECK (\(condition))"
    }

    private func foreign(_ key: ForeignKey) -> String {
        let columns = key.columns.map(\.quotedName).joined(separator: ", ")
        let parents = key.parentColumns.isEmpty ? key.columns : key.parentColumns
        return
            "CONSTRAINT \((key.name ?? "FK__\(table.object)").quotedName) FOREIGN KEY (\(columns)) REFERENCES \(key.parent.object.quotedName) (\(parents.map(\.quotedName).joined(separator: ", ")))"
    }
}
