import Journal
import TDS

/// The ledger's T-SQL: plain statements that SQL Server 2017 to 2025, Azure SQL Edge and Babelfish accept.
struct LedgerStatements: Sendable {
    /// The tables, as delimited identifiers.
    let rows: String
    let registers: String
    /// The accounts of the transfers. The table exists only if transfers are made.
    let accounts: String
    /// Parameters: writer, sequence, payload, checksum.
    let insertRow: TDSStatement
    /// Parameters: writer, new value, last acknowledged value.
    ///
    /// Overwrites only values that the register may have. So an abandoned update that is executed late cannot undo a later one, and a
    /// register that fell back to an old value stays there until the read-back.
    let updateRegister: TDSStatement
    /// Parameters: lane, account, amount.
    let changeAccount: TDSStatement
    private let index: String
    /// The names of the tables without delimiters.
    let names: [String]
    /// The tables of a ``RecoveryLoad``, which exist only if the experiment asks for one.
    let dirty: String
    let open: String

    /// - Parameter suffix: unique to the run and repeat.
    init(suffix: String) {
        names = ["rows", "registers", "dirty", "open", "accounts"].map { "aftershock_\($0)_\(suffix)" }
        rows = Self.quoted(names[0])
        registers = Self.quoted(names[1])
        dirty = Self.quoted(names[2])
        open = Self.quoted(names[3])
        accounts = Self.quoted(names[4])
        index = Self.quoted("aftershock_rows_\(suffix)_identity")
        insertRow = TDSStatement(
            "INSERT INTO \(rows) (writer, seq, payload, digest) VALUES (@p1, @p2, @p3, @p4)",
            [("p1", .int), ("p2", .bigInt), ("p3", .varBinary(8000)), ("p4", .bigInt)])
        updateRegister = TDSStatement(
            "UPDATE \(registers) SET value = @p2 WHERE writer = @p1 AND value >= @p3 AND value < @p2",
            [("p1", .int), ("p2", .bigInt), ("p3", .bigInt)])
        changeAccount = TDSStatement(
            "UPDATE \(accounts) SET balance = balance + @p3 WHERE lane = @p1 AND account = @p2",
            [("p1", .int), ("p2", .int), ("p3", .bigInt)])
    }

    /// Returns `name` as a delimited identifier.
    static func quoted(_ name: String) -> String {
        "[" + name.replacing("]", with: "]]") + "]"
    }

    /// The rows have no unique key, because it would hide duplicates: the server would refuse them, or an upgrade or repair would remove
    /// them. The clustered index orders the read-back without a sort.
    var createTables: [String] {
        [
            "CREATE TABLE \(rows) (writer int NOT NULL, seq bigint NOT NULL, payload varbinary(\(RowContent.payloadSize)) NOT NULL, "
                + "digest bigint NOT NULL)",
            "CREATE CLUSTERED INDEX \(index) ON \(rows) (writer, seq)",
            "CREATE TABLE \(registers) (writer int NOT NULL PRIMARY KEY, value bigint NOT NULL)",
        ]
    }

    var createAccounts: String {
        "CREATE TABLE \(accounts) (lane int NOT NULL, account int NOT NULL, balance bigint NOT NULL, PRIMARY KEY (lane, account))"
    }

    static let beginTransaction = "BEGIN TRANSACTION"
    static let commitTransaction = "COMMIT TRANSACTION"

    var dropTables: [String] { names.map { "DROP TABLE IF EXISTS \(Self.quoted($0))" } }

    var readRows: String { "SELECT writer, seq, payload, digest FROM \(rows) ORDER BY writer, seq" }

    var readRegisters: String { "SELECT writer, value FROM \(registers) ORDER BY writer" }

    var readAccounts: String { "SELECT lane, account, balance FROM \(accounts) ORDER BY lane, account" }

    func insertAccounts(of lane: Int) -> String {
        "INSERT INTO \(accounts) (lane, account, balance) VALUES "
            + (0..<Transfer.accounts).map { "(\(lane), \($0), 0)" }.joined(separator: ", ")
    }

    func insertRegisters(writers: Int) -> String {
        "INSERT INTO \(registers) (writer, value) VALUES " + (0..<writers).map { "(\($0), 0)" }.joined(separator: ", ")
    }

    func insertBaseline(_ sequences: ClosedRange<Int64>, _ content: RowContent) -> String {
        // The text has megabytes, and appending to bytes is faster than to a String.
        var text = Array("INSERT INTO \(rows) (writer, seq, payload, digest) VALUES ".utf8)
        text.reserveCapacity(text.count + sequences.count * 190)
        for sequence in sequences {
            let row = RowIdentity(writer: LedgerBook.baseline, sequence: sequence)
            if sequence != sequences.lowerBound { text.append(contentsOf: ", ".utf8) }
            text.append(contentsOf: "(\(row.writer), \(sequence), 0x".utf8)
            for byte in content.payload(of: row) {
                text.append(Self.hexadecimal[Int(byte >> 4)])
                text.append(Self.hexadecimal[Int(byte & 15)])
            }
            text.append(contentsOf: ", \(content.checksum(of: row)))".utf8)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let hexadecimal = Array("0123456789ABCDEF".utf8)
}
