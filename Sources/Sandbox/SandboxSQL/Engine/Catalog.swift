/// A table of a database, or one of the system views, as the translator sees it.
struct TableInfo {
    struct Column: Equatable {
        var name: String
        var type: DataType
        var isNullable = true
        /// The source text of the DEFAULT.
        var defaultText: String?
        var identity: Identity?
    }

    struct Key: Equatable {
        enum Kind: String { case primary, unique, index }

        var name: String
        var kind: Kind
        var columns: [String]
    }

    var database: String
    var name: String
    var columns: [Column]
    var keys: [Key] = []
    /// The source behind FROM in SQLite.
    var sql: String
    var isReadOnly = false

    func column(_ name: String) -> Column? {
        columns.first { $0.name.caseInsensitivelyEquals(name) }
    }

    /// `dbo.t`, or with its database, as error messages name it.
    var schemaName: String { "dbo.\(name)" }
    var fullName: String { "\(database).dbo.\(name)" }
}

extension String {
    /// Names are compared without regard to case, as under SQL Server's default collation.
    func caseInsensitivelyEquals(_ other: String) -> Bool {
        utf8.count == other.utf8.count && self == other || lowercased() == other.lowercased()
    }

    /// As a SQLite name.
    var quotedName: String { "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" }
}

/// Reads what a database says about its tables. Lives with its session's connection.
struct Catalog {
    /// Everything about tables that SQLite has no place for: defaults in T-SQL, key names and kinds, identity counters.
    static let metadata = "\"__sandbox\""
    static let internalPrefix = "__sandbox"

    static func metadataTable(in schema: String) -> String {
        "CREATE TABLE IF NOT EXISTS \(schema).\(metadata) (kind TEXT, parent TEXT, name TEXT, value, PRIMARY KEY (kind, parent, name)) WITHOUT ROWID"
    }

    private struct Cached {
        var version: SQLValue?
        var tables: [String: TableInfo] = [:]
    }

    private let connection: SQLiteConnection
    private var databases: [String: Cached] = [:]

    init(_ connection: SQLiteConnection) {
        self.connection = connection
    }

    mutating func forget(_ database: String) { databases[database] = nil }

    /// nil when the (attached) database has no such table.
    mutating func table(_ name: String, in database: String) throws(SQLiteFailure) -> TableInfo? {
        let schema = database.quotedName
        let version = try connection.rows("PRAGMA \(schema).schema_version").first?.first
        if databases[database]?.version != version { databases[database] = Cached(version: version) }
        if let known = databases[database]?.tables[name.lowercased()] { return known }
        let info = try read(name, in: database)
        databases[database]?.tables[name.lowercased()] = info
        return info
    }

    private func read(_ name: String, in database: String) throws(SQLiteFailure) -> TableInfo? {
        let schema = database.quotedName
        let found = try connection.rows(
            "SELECT name FROM \(schema).sqlite_master WHERE type = 'table' AND lower(name) = lower(?) AND substr(name, 1, 9) <> '\(Catalog.internalPrefix)'",
            [.text(name)])
        guard case .text(let stored)? = found.first?.first else { return nil }
        var meta: [String: [String: SQLValue]] = [:]
        for row in try connection.rows("SELECT kind, name, value FROM \(schema).\(Catalog.metadata) WHERE parent = ?", [.text(stored)]) {
            if case .text(let kind) = row[0], case .text(let name) = row[1] { meta[kind, default: [:]][name] = row[2] }
        }
        var columns: [TableInfo.Column] = []
        for row in try connection.rows("PRAGMA \(schema).table_info(\(stored.quotedName))") {
            guard case .text(let column) = row[1], case .text(let declared) = row[2], let type = DataType(declaration: declared) else {
                continue
            }
            var info = TableInfo.Column(name: column, type: type, isNullable: row[3] == .integer(0))
            if case .text(let text)? = meta["default"]?[column] { info.defaultText = text }
            if case .text(let text)? = meta["identity"]?[column] {
                let numbers = text.split(separator: ",").compactMap { Int64($0) }
                if numbers.count == 2 { info.identity = Identity(seed: numbers[0], increment: numbers[1]) }
            }
            columns.append(info)
        }
        var keys: [TableInfo.Key] = []
        for kind in [TableInfo.Key.Kind.primary, .unique, .index] {
            for (name, value) in (meta[kind.rawValue] ?? [:]).sorted(by: { $0.key < $1.key }) {
                guard case .text(let text) = value else { continue }
                keys.append(TableInfo.Key(name: name, kind: kind, columns: text.split(separator: "\u{1}").map(String.init)))
            }
        }
        return TableInfo(database: database, name: stored, columns: columns, keys: keys, sql: "\(schema).\(stored.quotedName)")
    }
}
