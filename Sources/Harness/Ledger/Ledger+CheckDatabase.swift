import Journal
import TDS

extension Ledger {
    /// The timeout of DBCC CHECKDB.
    private static let checkTimeout = Duration.seconds(600)

    /// Lets the server check its database for damage.
    func checkDatabase(_ connection: TDSConnection, _ checked: inout LedgerChecked) async {
        let statement = "DBCC CHECKDB (\(LedgerStatements.quoted(configuration.database))) WITH NO_INFOMSGS, ALL_ERRORMSGS"
        let check: DatabaseCheck
        do throws(TDSError) {
            _ = try await connection.query(statement, timeout: Self.checkTimeout)
            check = .sound
        } catch {
            check = DatabaseCheck(error)
        }
        switch check {
        case .sound: checked.checkDatabase = []
        case .damaged(let messages): checked.checkDatabase = messages
        case .notMade(let reason): checked.checkDatabaseSkipped = reason
        }
    }
}

/// The result of DBCC CHECKDB.
enum DatabaseCheck: Hashable {
    case sound
    case damaged([String])
    /// The server does not have the statement (Babelfish), or could not execute it.
    case notMade(String)

    /// The messages that report damage, and the I/O errors of the check.
    private static let damage: [ClosedRange<Int32>] = [605...605, 823...825, 2508...2599, 5220...5299, 7900...7999, 8900...8999]
    /// The messages among them that say that it could not check: wrong name or option, no permission, no memory-optimized tables, no
    /// snapshot (1823 before it; no space, or a file system without sparse files), an internal error. With damage alone they come too.
    /// Source: sys.messages; https://learn.microsoft.com/sql/t-sql/database-console-commands/dbcc-checkdb-transact-sql.
    private static let aborted: Set<Int32> = [2520, 2526, 2560, 2571, 5235, 5239, 5269, 7915, 7919, 7926, 7928, 7929, 8921, 8967]
    /// The highest severity of messages that are only information.
    private static let information: UInt8 = 10

    init(_ error: TDSError) {
        let damage = error.serverMessages.filter { message in
            message.class > Self.information && Self.damage.contains { $0.contains(message.number) }
                && !Self.aborted.contains(message.number)
        }
        self =
            damage.isEmpty ? .notMade(error.serverMessages.first?.text ?? error.description) : .damaged(damage.map(\.description))
    }
}
