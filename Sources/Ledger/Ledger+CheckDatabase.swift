import Journal
import TDS

extension Ledger {
    /// How long DBCC CHECKDB may take.
    private static let checkTimeout = Duration.seconds(600)
    /// Messages by which DBCC CHECKDB reports damage, and I/O errors that it runs into: 823 to 825, 605, 25xx, 52xx, 79xx and 89xx.
    private static let damage: [ClosedRange<Int32>] = [
        605...605, 823...825, 2501...2570, 2572...2599, 5200...5299, 7900...7999, 8900...8999,
    ]

    /// Lets the server look for damage of its own. Not all have the statement: Babelfish and others answer with an error.
    func checkDatabase(_ connection: TDSConnection, _ checked: inout LedgerChecked) async throws(LedgerError) {
        let statement = "DBCC CHECKDB (\(LedgerStatements.quoted(configuration.database))) WITH NO_INFOMSGS, ALL_ERRORMSGS"
        do throws(TDSError) {
            let result = try await connection.query(statement, timeout: Self.checkTimeout)
            checked.checkDatabase = findings(result.infos)
        } catch {
            let findings = findings(error.serverMessages)
            if findings.isEmpty {
                checked.checkDatabaseSkipped = error.serverMessages.first?.text ?? error.description
            } else {
                checked.checkDatabase = findings
            }
        }
    }

    private func findings(_ messages: [TDSServerMessage]) -> [String] {
        messages.filter { message in Self.damage.contains { $0.contains(message.number) } }.map(\.description)
    }
}
