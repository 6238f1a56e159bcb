import Journal
import Probe
import TDS

extension LedgerWriter {
    /// `COMMIT` without a transaction: the server rolled it back before.
    private static let noTransaction: Int32 = 3902

    /// Makes one transfer. Each statement is a separate request, as in applications, so that a fault meets open transactions.
    ///
    /// Before the commit is sent, a failure proves that nothing is kept. After that, only an answer decides.
    func transfer(_ sequence: Int64, _ connection: TDSConnection) async -> (WriteResult.Outcome, Failure?) {
        let deadline = context.clock.now + ledger.configuration.timeout
        let row = RowIdentity(writer: index, sequence: sequence)
        let transfer = Transfer(row, ledger.content)
        let statements = ledger.statements
        func change(_ account: Int, _ amount: Int64) -> [TDSValue] { [.int(Int32(index)), .int(Int32(account)), .bigInt(amount)] }
        let changes: [(statement: TDSStatement, values: [TDSValue])] = [
            (statements.changeAccount, change(transfer.debited, -transfer.amount)),
            (statements.changeAccount, change(transfer.credited, transfer.amount)),
            (statements.insertRow, insertValues(sequence)),
        ]
        do throws(TDSError) {
            _ = try await connection.query(LedgerStatements.beginTransaction, timeout: left(until: deadline))
            for (statement, values) in changes {
                let counts = try await connection.query(statement, values, timeout: left(until: deadline)).rowCounts
                guard counts == [1] else {
                    let kind = counts == [0] ? WriteResult.dataGone : "wrongAnswer"
                    return (.refused, Failure(phase: "query", kind: kind, message: "rows affected: \(counts), not 1"))
                }
            }
        } catch {
            return (.refused, Failure(error))
        }
        do throws(TDSError) {
            _ = try await connection.query(LedgerStatements.commitTransaction, timeout: left(until: deadline))
            return (.acknowledged, nil)
        } catch {
            let wasRolledBack = error.code == .serverError && error.serverMessages.contains { $0.number == Self.noTransaction }
            return (wasRolledBack ? .refused : .unknown, Failure(error))
        }
    }

    /// Returns the time that is left of the one deadline for all statements, and at least a millisecond for an answer.
    private func left(until deadline: RunTime) -> Duration { max(deadline - context.clock.now, .milliseconds(1)) }
}
