extension Parser {
    mutating func create() throws(SQLError) -> Statement.Body {
        try expect("CREATE")
        if take("DATABASE") {
            let name = try identifier()
            guard
                isAtEnd || isSymbol(";") || !(isWord("ON") || isWord("COLLATE") || isWord("WITH") || isWord("AS") || isWord("CONTAINMENT"))
            else {
                throw .unsupported("CREATE DATABASE ... \(current.text)", line: line)
            }
            return .createDatabase(name)
        }
        if take("TABLE") { return .createTable(try table()) }
        if take("LOGIN") { return try createLogin() }
        let isUnique = take("UNIQUE")
        let isClustered = take("CLUSTERED") || take("NONCLUSTERED")
        if take("INDEX") { return .createIndex(try index(isUnique: isUnique)) }
        guard !isUnique, !isClustered else { throw unexpected() }
        throw .unsupported("CREATE \(current.text.uppercased())", line: line)
    }

    private mutating func index(isUnique: Bool) throws(SQLError) -> IndexDefinition {
        let name = try identifier()
        try expect("ON")
        let table = try objectName()
        let columns = try indexColumns()
        if take("INCLUDE") { _ = try columnNames() }
        guard !isWord("WHERE") else { throw .unsupported("a filtered index", line: line) }
        guard !isWord("WITH") else { throw .unsupported("CREATE INDEX ... WITH", line: line) }
        return IndexDefinition(name: name, table: table, isUnique: isUnique, columns: columns)
    }

    private mutating func indexColumns() throws(SQLError) -> [IndexColumn] {
        try expect(symbol: "(")
        var columns: [IndexColumn] = []
        repeat {
            let name = try identifier()
            let isDescending = take("DESC")
            if !isDescending { _ = take("ASC") }
            columns.append(IndexColumn(name: name, descending: isDescending))
        } while take(symbol: ",")
        try expect(symbol: ")")
        return columns
    }

    mutating func drop() throws(SQLError) -> Statement.Body {
        try expect("DROP")
        let kind = current.text.uppercased()
        if kind == "LOGIN" {
            advance()
            return .login(.drop(try identifier()))
        }
        guard ["TABLE", "DATABASE", "INDEX"].contains(kind) else { throw .unsupported("DROP \(kind)", line: line) }
        advance()
        let ifExists = take(words: "IF", "EXISTS")
        switch kind {
        case "TABLE":
            var tables = [try objectName()]
            while take(symbol: ",") { tables.append(try objectName()) }
            return .dropTable(tables, ifExists: ifExists)
        case "DATABASE":
            var names = [try identifier()]
            while take(symbol: ",") { names.append(try identifier()) }
            return .dropDatabase(names, ifExists: ifExists)
        default:
            let name = try identifier()
            try expect("ON")
            return .dropIndex(name: name, table: try objectName(), ifExists: ifExists)
        }
    }

    private mutating func table() throws(SQLError) -> TableDefinition {
        var definition = TableDefinition(table: try objectName(), columns: [], keys: [], foreignKeys: [], checks: [])
        try expect(symbol: "(")
        repeat {
            if isSymbol(")") { break }
            let name = take("CONSTRAINT") ? try identifier() : nil
            if name != nil || ["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].contains(where: { isWord($0) }) {
                guard try constraint(name, column: nil, of: &definition) else { throw unexpected() }
            } else {
                try column(of: &definition)
            }
        } while take(symbol: ",")
        try expect(symbol: ")")
        if take("ON") { _ = try identifier() }
        guard !isWord("WITH"), !isWord("TEXTIMAGE_ON") else { throw .unsupported("CREATE TABLE ... \(current.text)", line: line) }
        return definition
    }

    private mutating func column(of definition: inout TableDefinition) throws(SQLError) {
        let name = try identifier()
        guard !isWord("AS") else { throw .unsupported("a computed column", line: line) }
        var column = ColumnDefinition(name: name, type: try dataType())
        while true {
            if take("NULL") {
                column.isNullable = true
            } else if take(words: "NOT", "NULL") {
                column.isNullable = false
            } else if take("IDENTITY") {
                column.identity = Identity(seed: 1, increment: 1)
                if take(symbol: "(") {
                    let seed = try integer()
                    try expect(symbol: ",")
                    column.identity = Identity(seed: Int64(seed), increment: Int64(try integer()))
                    try expect(symbol: ")")
                }
            } else if take("COLLATE") {
                throw .unsupported("COLLATE \(current.text)", line: line)
            } else if isWord("CONSTRAINT") || isWord("DEFAULT")
                || ["PRIMARY", "UNIQUE", "REFERENCES", "CHECK"].contains(where: { isWord($0) })
            {
                let constraintName = take("CONSTRAINT") ? try identifier() : nil
                if take("DEFAULT") {
                    let start = current.start
                    _ = try sum()
                    column.defaultText = text(from: start)
                } else {
                    guard try constraint(constraintName, column: name, of: &definition) else { throw unexpected() }
                }
            } else {
                break
            }
        }
        definition.columns.append(column)
    }

    /// - Parameter column: the column that a column constraint belongs to; nil for a table constraint.
    private mutating func constraint(_ name: String?, column: String?, of definition: inout TableDefinition) throws(SQLError) -> Bool {
        if isWord("PRIMARY") || isWord("UNIQUE") {
            let isPrimary = take(words: "PRIMARY", "KEY")
            if !isPrimary { try expect("UNIQUE") }
            if !take("CLUSTERED") { _ = take("NONCLUSTERED") }
            let columns = if let column { [IndexColumn(name: column)] } else { try indexColumns() }
            guard !isWord("WITH") else { throw .unsupported("index options", line: line) }
            definition.keys.append(KeyDefinition(name: name, isPrimary: isPrimary, columns: columns))
            return true
        }
        if isWord("FOREIGN") || isWord("REFERENCES") {
            var columns = column.map { [$0] } ?? []
            if take("FOREIGN") {
                try expect("KEY")
                if column == nil { columns = try columnNames() }
            }
            try expect("REFERENCES")
            let parent = try objectName()
            let parentColumns = isSymbol("(") ? try columnNames() : []
            guard !isWord("ON") else { throw .unsupported("a foreign key action", line: line) }
            definition.foreignKeys.append(.init(name: name, columns: columns, parent: parent, parentColumns: parentColumns))
            return true
        }
        if take("CHECK") {
            try expect(symbol: "(")
            definition.checks.append(.init(name: name, condition: try expression()))
            try expect(symbol: ")")
            return true
        }
        return false
    }
}
