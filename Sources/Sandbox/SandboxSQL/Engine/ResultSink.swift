/// Where a session's results go, in the order of TDS's tokens. Called on the session's thread; may block while the client does not read.
protocol ResultSink: AnyObject {
    func columns(_ columns: [ResultColumn]) throws(SessionEnd)
    func row(_ values: [SQLValue]) throws(SessionEnd)
    /// The end of a statement.
    func done(_ done: StatementEnd)
    func error(_ error: SQLError)
    func info(_ info: SQLError)
    func change(_ change: SessionChange)
}

/// Why a batch stopped that did not end by itself.
enum SessionEnd: Error, Equatable {
    /// The client sent an attention.
    case cancelled
    /// The connection is gone, or is to be dropped without an answer.
    case closed
    /// The batch ended with an error that was already reported.
    case failed
}

struct StatementEnd: Equatable {
    /// nil where nothing is counted.
    var count: Int?
    var command: Command
    var isError = false
    var isInTransaction = false

    /// The TDS name of the current command.
    enum Command: UInt16 {
        case none = 0
        case select = 0xC1
        case insert = 0xC3
        case delete = 0xC4
        case update = 0xC5
        case createTable = 0xC6
        case dropTable = 0xC7
        case begin = 0xD4
        case commit = 0xD5
        case rollback = 0xD6
        case execute = 0xE0
        case set = 0xF9
    }
}

enum SessionChange: Equatable {
    case database(new: String, old: String)
    case transactionBegun(UInt64)
    case transactionCommitted(UInt64)
    case transactionRolledBack(UInt64)
}
