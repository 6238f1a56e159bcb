import CSQLite

/// One SQLite connection with a cache of prepared statements. Lives on one session's thread; blocks.
///
/// Its own main database is an empty one in memory; the files of the server's databases are attached by name.
final class SQLiteConnection {
    private let handle: OpaquePointer
    private var cache: [String: PreparedStatement] = [:]
    private var recent: [String] = []
    private static let cacheLimit = 64

    /// Asked now and then while a statement runs; true ends it with ``SQLiteFailure/interrupted``.
    var isInterrupted: @Sendable () -> Bool = { false }
    /// Set by a function that failed, so that its number survives SQLite's plain error text.
    var functionError: SQLError?

    init() throws(SQLiteFailure) {
        var handle: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        let code = sqlite3_open_v2(":memory:", &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            sqlite3_close_v2(handle)
            throw SQLiteFailure(code: code, message: "cannot open a SQLite connection")
        }
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        // Writers wait for each other before they come here. A database is busy for a moment while the last of its other connections
        // closes and takes its log into it.
        sqlite3_busy_timeout(handle, 5000)
        // The journal of a large statement has no room in the /tmp of a container.
        sqlite3_exec(handle, "PRAGMA temp_store = MEMORY", nil, nil, nil)
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_progress_handler(
            handle, 1000,
            { context in
                guard let context else { return 0 }
                return Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().isInterrupted() ? 1 : 0
            }, context)
    }

    deinit {
        cache.removeAll()
        sqlite3_close_v2(handle)
    }

    func run(_ sql: String) throws(SQLiteFailure) {
        let statement = try prepare(sql)
        defer { statement.reset() }
        while try statement.step() {}
    }

    /// Rows of a small internal query.
    func rows(_ sql: String, _ parameters: [SQLValue] = []) throws(SQLiteFailure) -> [[SQLValue]] {
        let statement = try prepare(sql)
        defer { statement.reset() }
        try statement.bind(parameters)
        var rows: [[SQLValue]] = []
        while try statement.step() { rows.append((0..<statement.columnCount).map { statement.value(at: $0) }) }
        return rows
    }

    func prepare(_ sql: String) throws(SQLiteFailure) -> PreparedStatement {
        if let statement = cache[sql], !statement.isBusy { return statement }
        var pointer: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &pointer, nil)
        guard code == SQLITE_OK, let pointer else { throw failure(code) }
        let statement = PreparedStatement(pointer, of: self)
        guard sql.utf8.count <= 4096 else { return statement }
        if recent.count >= SQLiteConnection.cacheLimit { cache[recent.removeFirst()] = nil }
        recent.removeAll { $0 == sql }
        recent.append(sql)
        cache[sql] = statement
        return statement
    }

    func discardStatements() {
        cache.removeAll()
        recent.removeAll()
    }

    var changes: Int { Int(sqlite3_changes64(handle)) }
    var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    fileprivate func failure(_ code: Int32) -> SQLiteFailure {
        SQLiteFailure(code: code, message: String(cString: sqlite3_errmsg(handle)))
    }

    // MARK: Functions and collation

    func addFunction(
        _ name: String, arguments: Int, isDeterministic: Bool, _ body: @escaping ([SQLValue]) throws(SQLError) -> SQLValue
    ) {
        let box = Unmanaged.passRetained(FunctionBox(connection: self, body: body))
        let flags = SQLITE_UTF8 | (isDeterministic ? SQLITE_DETERMINISTIC : 0)
        sqlite3_create_function_v2(
            handle, name, Int32(arguments), flags, box.toOpaque(),
            { context, count, values in
                let box = Unmanaged<FunctionBox>.fromOpaque(sqlite3_user_data(context)).takeUnretainedValue()
                box.call(context, (0..<Int(count)).map { SQLValue(values?[$0]) })
            }, nil, nil, { if let context = $0 { Unmanaged<FunctionBox>.fromOpaque(context).release() } })
    }

    func addCollation(_ name: String, _ compare: @escaping (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Int32) {
        let box = Unmanaged.passRetained(CollationBox(compare))
        sqlite3_create_collation_v2(
            handle, name, SQLITE_UTF8, box.toOpaque(),
            { context, leftCount, left, rightCount, right in
                guard let context else { return 0 }
                return Unmanaged<CollationBox>.fromOpaque(context).takeUnretainedValue().compare(
                    UnsafeRawBufferPointer(start: left, count: Int(leftCount)), UnsafeRawBufferPointer(start: right, count: Int(rightCount))
                )
            }, { if let context = $0 { Unmanaged<CollationBox>.fromOpaque(context).release() } })
    }
}

private final class FunctionBox {
    /// Functions go with their connection, which outlives every call.
    unowned let connection: SQLiteConnection
    let body: ([SQLValue]) throws(SQLError) -> SQLValue

    init(connection: SQLiteConnection, body: @escaping ([SQLValue]) throws(SQLError) -> SQLValue) {
        self.connection = connection
        self.body = body
    }

    func call(_ context: OpaquePointer?, _ arguments: [SQLValue]) {
        do throws(SQLError) {
            switch try body(arguments) {
            case .null: sqlite3_result_null(context)
            case .integer(let value): sqlite3_result_int64(context, value)
            case .real(let value): sqlite3_result_double(context, value)
            case .text(var text):
                text.withUTF8 { bytes in
                    bytes.withMemoryRebound(to: CChar.self) {
                        sqlite3_result_text64(context, $0.baseAddress, UInt64($0.count), transient, UInt8(SQLITE_UTF8))
                    }
                }
            case .blob(let bytes): sqlite3_result_blob64(context, bytes, UInt64(bytes.count), transient)
            }
        } catch {
            connection.functionError = error
            sqlite3_result_error(context, error.message, -1)
        }
    }
}

private final class CollationBox {
    let compare: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Int32

    init(_ compare: @escaping (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Int32) {
        self.compare = compare
    }
}

/// SQLITE_TRANSIENT, whose C macro Swift does not import: SQLite copies the bytes at once.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

/// A prepared statement, finalized with its last reference.
final class PreparedStatement {
    private let pointer: OpaquePointer
    private unowned let connection: SQLiteConnection

    init(_ pointer: OpaquePointer, of connection: SQLiteConnection) {
        self.pointer = pointer
        self.connection = connection
    }

    deinit { sqlite3_finalize(pointer) }

    var isBusy: Bool { sqlite3_stmt_busy(pointer) != 0 }
    var columnCount: Int { Int(sqlite3_column_count(pointer)) }

    func bind(_ parameters: [SQLValue]) throws(SQLiteFailure) {
        for (index, value) in parameters.enumerated() {
            let position = Int32(index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(pointer, position)
                case .integer(let value): sqlite3_bind_int64(pointer, position, value)
                case .real(let value): sqlite3_bind_double(pointer, position, value)
                case .text(let text): bind(text, at: position)
                case .blob(let bytes) where bytes.isEmpty: sqlite3_bind_zeroblob(pointer, position, 0)
                case .blob(let bytes): sqlite3_bind_blob64(pointer, position, bytes, UInt64(bytes.count), transient)
                }
            guard code == SQLITE_OK else { throw connection.failure(code) }
        }
    }

    private func bind(_ text: String, at position: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                // A nil address would bind NULL instead of the empty string.
                $0.baseAddress == nil
                    ? sqlite3_bind_text(pointer, position, "", 0, transient)
                    : sqlite3_bind_text64(pointer, position, $0.baseAddress, UInt64($0.count), transient, UInt8(SQLITE_UTF8))
            }
        }
    }

    /// True when a row is there, false at the end.
    func step() throws(SQLiteFailure) -> Bool {
        switch sqlite3_step(pointer) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw connection.failure(code)
        }
    }

    func reset() {
        sqlite3_reset(pointer)
        sqlite3_clear_bindings(pointer)
    }

    func value(at column: Int) -> SQLValue { SQLValue(sqlite3_column_value(pointer, Int32(column))) }
}

extension SQLValue {
    fileprivate init(_ value: OpaquePointer?) {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER:
            self = .integer(sqlite3_value_int64(value))
        case SQLITE_FLOAT:
            self = .real(sqlite3_value_double(value))
        case SQLITE_TEXT:
            let count = Int(sqlite3_value_bytes(value))
            self = .text(String(decoding: UnsafeBufferPointer(start: sqlite3_value_text(value), count: count), as: UTF8.self))
        case SQLITE_BLOB:
            let count = Int(sqlite3_value_bytes(value))
            self = .blob(Array(UnsafeRawBufferPointer(start: sqlite3_value_blob(value), count: count)))
        default:
            self = .null
        }
    }
}

/// SQLite's answer, with its extended result code.
struct SQLiteFailure: Error, Equatable {
    var code: Int32
    var message: String

    // The extended codes are expressions in C, which Swift does not import.
    static let check = SQLITE_CONSTRAINT | 1 << 8
    static let foreignKey = SQLITE_CONSTRAINT | 3 << 8
    static let notNull = SQLITE_CONSTRAINT | 5 << 8
    static let primaryKey = SQLITE_CONSTRAINT | 6 << 8
    static let unique = SQLITE_CONSTRAINT | 8 << 8

    var isInterrupted: Bool { code & 0xFF == SQLITE_INTERRUPT }
    var isBusy: Bool { code & 0xFF == SQLITE_BUSY }
}
