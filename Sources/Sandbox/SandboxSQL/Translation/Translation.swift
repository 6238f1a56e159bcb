/// The translator's questions to the session it works for.
protocol TranslationContext: AnyObject {
    /// The table or view a name stands for, its database attached; nil when there is none.
    func table(_ name: ObjectName) throws(SQLError) -> TableInfo?
    /// nil for a variable that was not declared.
    func type(ofVariable name: String) -> DataType?
    /// A number by which `ts_convert` finds the conversion again.
    func register(_ conversion: Conversion) -> Int
}

/// A value that is bound when the statement runs.
enum Binding: Hashable {
    case variable(String)
    case session(SessionValue)
}

/// A statement's questions about its session.
enum SessionValue: Hashable {
    case transactionCount, rowCount, sessionID, version, serverName, languageName, error, identity, scopeIdentity, options
    case databaseName, databaseID, login, user, hostName, applicationName, lockTimeout, maximumPrecision, textSize, dateFirst, nestLevel
    case transactionState
    case now, utcNow
}

struct ResultColumn: Equatable {
    var name: String
    var type: DataType
}

/// A statement of SQLite that does what a statement of T-SQL means.
struct Translation: Equatable {
    var sql: String
    var bindings: [Binding]
    /// Empty for what gives no rows.
    var columns: [ResultColumn] = []
    /// SELECT @a = ...: the variables that the columns go to.
    var assigned: [String] = []
    /// Is `true` when a table is read or written; a constant SELECT begins no implicit transaction.
    var touchesTables = false
    /// Is `true` when a locking hint asks for the writer's lock.
    var wantsLock = false
}

/// A scalar expression in SQLite's SQL with its T-SQL type.
struct Scalar {
    var sql: String
    var type: DataType
    /// Set for literals, which are converted at once.
    var constant: SQLValue?
    var isNull: Bool { constant == .null }

    init(_ sql: String, _ type: DataType) {
        self.sql = sql
        self.type = type
    }

    init(constant: SQLValue, _ type: DataType) {
        self.sql = constant.literal
        self.type = type
        self.constant = constant
    }

    /// With the collation of SQL Server's default where it is text.
    var collated: String { type.family == .string ? "\(sql) COLLATE \(Scalar.collation)" : sql }

    static let collation = "TSQL"
}
