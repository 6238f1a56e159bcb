/// One T-SQL statement with the line it begins on.
struct Statement: Equatable {
    var body: Body
    var line: Int

    indirect enum Body: Equatable {
        case select(Query)
        case insert(Insert)
        case update(Update)
        case delete(Delete)
        case truncate(ObjectName)
        case createDatabase(String)
        case dropDatabase([String], ifExists: Bool)
        case createTable(TableDefinition)
        case dropTable([ObjectName], ifExists: Bool)
        case createIndex(IndexDefinition)
        case dropIndex(name: String, table: ObjectName, ifExists: Bool)
        case login(LoginChange)
        case use(String)
        case begin
        case commit
        case rollback
        case declare([Declaration])
        case assign(String, Expression)
        case setOption(SessionOption)
        case condition(Expression, then: Statement, otherwise: Statement?)
        case block([Statement])
        case print(Expression)
        case raise(RaisedError)
        case wait(Expression)
        case checkDatabase(String?, noInfoMessages: Bool)
        case checkpoint
        case execute(ProcedureCall)
        case returnNow
        case shutdown
    }
}

struct Insert: Equatable {
    var table: ObjectName
    var hints: Set<String> = []
    var columns: [String]?
    var source: Source

    enum Source: Equatable {
        case values([[Expression?]])
        case query(Query)
        case defaults
    }
}

struct Update: Equatable {
    var table: ObjectName
    var assignments: [Assignment]
    var filter: Expression?

    struct Assignment: Equatable {
        var column: String
        /// nil is DEFAULT.
        var value: Expression?
    }
}

struct Delete: Equatable {
    var table: ObjectName
    var top: Expression?
    var filter: Expression?
}

struct ColumnDefinition: Equatable {
    var name: String
    var type: DataType
    /// nil where neither NULL nor NOT NULL was written.
    var isNullable: Bool?
    /// The source text of the DEFAULT expression.
    var defaultText: String?
    var identity: Identity?
}

struct Identity: Equatable {
    var seed: Int64
    var increment: Int64
}

struct TableDefinition: Equatable {
    var table: ObjectName
    var columns: [ColumnDefinition]
    var keys: [KeyDefinition]
    var foreignKeys: [ForeignKey]
    var checks: [Check]

    struct Check: Equatable {
        var name: String?
        var condition: Expression
    }

    struct ForeignKey: Equatable {
        var name: String?
        var columns: [String]
        var parent: ObjectName
        var parentColumns: [String]
    }
}

struct KeyDefinition: Equatable {
    var name: String?
    var isPrimary: Bool
    var columns: [IndexColumn]
}

struct IndexColumn: Equatable {
    var name: String
    var descending = false
}

struct IndexDefinition: Equatable {
    var name: String
    var table: ObjectName
    var isUnique: Bool
    var columns: [IndexColumn]
}

struct Declaration: Equatable {
    var name: String
    var type: DataType
    var value: Expression?
}

enum SessionOption: Equatable {
    case noCount(Bool)
    case xactAbort(Bool)
    case implicitTransactions(Bool)
    case quotedIdentifier(Bool)
    case rowCount(Int)
    case lockTimeout(Int)
    case isolation(IsolationLevel)
    case identityInsert(ObjectName, Bool)
    /// An option whose default is the only behaviour the sandbox has, or that changes nothing it does.
    case noEffect(String)
}

enum IsolationLevel: Equatable { case readUncommitted, readCommitted, repeatableRead, serializable, snapshot }

struct RaisedError: Equatable {
    var number: Int32
    var message: Expression
    var level: Int
    var state: Int
}

struct ProcedureCall: Equatable {
    var name: String
    var arguments: [Argument]

    struct Argument: Equatable {
        var name: String?
        var value: Expression
    }
}
