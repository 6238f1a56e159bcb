public import Experiment
public import Journal
public import NIOCore
import Synchronization
import TDS

/// Creates work for a recovery: log that no checkpoint has written, and an open transaction. It uses tables of its own, which are removed
/// with those of the ledger.
public final class RecoveryLoad: Sendable {
    private let wanted: Experiment.Load
    private let ledger: Ledger
    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    private struct State {
        /// The connection that writes the dirty pages, and queries their size.
        var writer: TDSConnection?
        /// The connection that holds the transaction open.
        var holder: TDSConnection?
        var began: RunTime?
        var openRows: Int64 = 0
        var sentBytes: Int64 = 0
        var failure: LedgerError?
    }

    /// The bytes of one row's payload, the maximum for a column in a row.
    private static let rowSize = 7900
    private static let rowsAtOnce = 32
    /// The rows of one INSERT of the open transaction.
    private static let openRowsAtOnce = 500
    /// The number of times that the work may be written again after a checkpoint.
    private static let sentLimit: Int64 = 4

    public init(_ wanted: Experiment.Load, _ ledger: Ledger, on eventLoop: any EventLoop) {
        self.wanted = wanted
        self.ledger = ledger
        self.eventLoop = eventLoop
    }

    /// Creates all of the work. Keeps a failure for ``prove()``, which reports it.
    public func make() async {
        do throws(LedgerError) {
            let deadline = ledger.clock.now + wanted.within
            let connection = try await Ledger.recovered(ledger.ledgerServer, on: eventLoop)
            state.withLock { $0.writer = connection }
            if let dirty = wanted.dirty {
                try await run("DROP TABLE IF EXISTS \(ledger.statements.dirty)", connection)
                try await run("CREATE TABLE \(ledger.statements.dirty) (id bigint NOT NULL, pad varbinary(8000) NOT NULL)", connection)
                try await write(dirty, connection, deadline)
            }
            if let transaction = wanted.openTransaction {
                try await run("DROP TABLE IF EXISTS \(ledger.statements.open)", connection)
                try await run("CREATE TABLE \(ledger.statements.open) (id bigint NOT NULL, pad binary(64) NOT NULL)", connection)
                try await begin(transaction, deadline)
            }
        } catch {
            state.withLock { $0.failure = error }
        }
    }

    /// Writes again what checkpoints have written meanwhile, waits until the transaction is old enough, and returns the result.
    public func prove() async -> RecoveryDebt {
        var debt = RecoveryDebt()
        do throws(LedgerError) {
            if let failure = state.withLock({ $0.failure }) { throw failure }
            guard let connection = state.withLock({ $0.writer }) else { throw LedgerError(action: Self.action, reason: "no connection") }
            try await waitForAge()
            if let dirty = wanted.dirty { try await renew(dirty, connection) }
            debt = try await measure(connection)
            debt.missing = shortfall(debt)
        } catch {
            debt.sentBytes = state.withLock { $0.sentBytes }
            debt.missing = error.description
        }
        return debt
    }

    /// Ends the transaction, if the server still has it, and closes the connections.
    public func release() async {
        let connections = state.withLock { state in
            defer { (state.writer, state.holder) = (nil, nil) }
            return [state.holder, state.writer]
        }
        for connection in connections { await connection?.close() }
    }

    private static let action = "make the recovery debt"

    @discardableResult
    private func run(_ statement: String, _ connection: TDSConnection) async throws(LedgerError) -> TDSResult {
        try await Ledger.run(statement, on: connection, action: Self.action)
    }

    // MARK: Log

    private func write(_ bytes: Int64, _ connection: TDSConnection, _ deadline: RunTime) async throws(LedgerError) {
        let each = Int64(Self.rowSize)
        var left = (bytes + each - 1) / each
        let columns = (0..<Self.rowsAtOnce).map { "(@i\($0), @p\($0))" }
        var random = SplitMix64(seed: ledger.configuration.seed)
        var payload = ByteBuffer()
        while payload.readableBytes < Self.rowSize { payload.writeInteger(random.next()) }
        payload = payload.getSlice(at: 0, length: Self.rowSize) ?? payload
        while left > 0 {
            guard ledger.clock.now < deadline else { throw late(bytes) }
            let count = Int(min(left, Int64(Self.rowsAtOnce)))
            let written = state.withLock { $0.sentBytes } / each
            var parameters: [TDSParameter] = []
            for index in 0..<count {
                payload.setInteger(random.next(), at: payload.readerIndex)
                parameters.append(TDSParameter("i\(index)", .bigInt(written + Int64(index))))
                parameters.append(TDSParameter("p\(index)", .binary(payload)))
            }
            let statement = "INSERT INTO \(ledger.statements.dirty) (id, pad) VALUES \(columns.prefix(count).joined(separator: ", "))"
            do throws(TDSError) {
                _ = try await connection.query(statement, parameters: parameters, timeout: Ledger.statementTimeout)
            } catch {
                throw LedgerError(action: Self.action, error)
            }
            state.withLock { $0.sentBytes += Int64(count) * each }
            left -= Int64(count)
        }
    }

    private func late(_ bytes: Int64) -> LedgerError {
        LedgerError(
            action: Self.action, reason: "it was not there within spec.load.within",
            hint: "give it more time, or ask for less than \(bytes) bytes")
    }

    /// Writes the missing rest again, if the server can report the log since the last checkpoint.
    private func renew(_ dirty: Int64, _ connection: TDSConnection) async throws(LedgerError) {
        let deadline = ledger.clock.now + wanted.within
        let most = dirty.multipliedReportingOverflow(by: Self.sentLimit)
        while let there = await logBytes(connection), there < dirty {
            let sent = state.withLock { $0.sentBytes }
            guard most.overflow || sent < most.partialValue else { return }
            try await write(max(dirty - there, Int64(Self.rowSize)), connection, deadline)
        }
    }

    // MARK: The transaction

    private func begin(_ transaction: Experiment.Load.OpenTransaction, _ deadline: RunTime) async throws(LedgerError) {
        let connection = try await Ledger.recovered(ledger.ledgerServer, on: eventLoop)
        state.withLock { $0.holder = connection }
        try await run("BEGIN TRANSACTION", connection)
        state.withLock { $0.began = ledger.clock.now }
        let padding = "0x" + String(repeating: "A5", count: 64)
        var first = 0
        while first < transaction.rows {
            guard ledger.clock.now < deadline else { throw late(Int64(transaction.rows) * 64) }
            let count = min(Self.openRowsAtOnce, transaction.rows - first)
            let rows = (0..<count).map { "(\(first + $0), \(padding))" }.joined(separator: ", ")
            // Only this transaction uses the table, so that one lock suffices.
            let answer = try await run(
                "INSERT INTO \(ledger.statements.open) WITH (TABLOCKX) (id, pad) VALUES \(rows)", connection)
            guard answer.rowCounts == [UInt64(count)] else {
                throw LedgerError(action: Self.action, reason: "the server says \(answer.rowCounts) rows were inserted, not \(count)")
            }
            first += count
            state.withLock { $0.openRows += Int64(count) }
        }
    }

    private func waitForAge() async throws(LedgerError) {
        guard let age = wanted.openTransaction?.age, let began = state.withLock({ $0.began }) else { return }
        do {
            try await ledger.clock.sleep(until: began + age)
        } catch {
            throw LedgerError(action: Self.action, reason: "cancelled")
        }
    }

    // MARK: The proof

    private func measure(_ connection: TDSConnection) async throws(LedgerError) -> RecoveryDebt {
        var debt = RecoveryDebt()
        debt.sentBytes = state.withLock { $0.sentBytes }
        debt.acceleratedRecovery =
            await number("SELECT CONVERT(int, is_accelerated_database_recovery_on) FROM sys.databases WHERE name = DB_NAME()", connection)
            .map { $0 != 0 }
        debt.targetRecoveryTime =
            await number("SELECT target_recovery_time_in_seconds FROM sys.databases WHERE name = DB_NAME()", connection).map { Int($0) }
        if let holder = state.withLock({ $0.holder }), let began = state.withLock({ $0.began }) {
            guard let open = await number("SELECT @@TRANCOUNT", holder), open >= 1 else {
                throw LedgerError(action: Self.action, reason: "the server has ended the open transaction")
            }
            debt.openRows = state.withLock { $0.openRows }
            debt.transactionBytes = await number(
                "SELECT database_transaction_log_bytes_used FROM sys.dm_tran_database_transactions WHERE database_id = DB_ID() "
                    + "AND transaction_id = CURRENT_TRANSACTION_ID()", holder)
            debt.openFor = (ledger.clock.now - began).wholeNanoseconds
        }
        // This comes last, because its value ages.
        debt.logBytes = await logBytes(connection)
        debt.evidence = Self.evidence(debt)
        return debt
    }

    private static func evidence(_ debt: RecoveryDebt) -> [String] {
        var lines: [String] = []
        if let bytes = debt.logBytes {
            lines.append("\(bytes) bytes of log since the last checkpoint (sys.dm_db_log_stats)")
        } else {
            lines.append("\(debt.sentBytes) bytes were sent; the server cannot say how much of them a checkpoint has taken")
        }
        if let rows = debt.openRows, let age = debt.openFor {
            let log = debt.transactionBytes.map { ", \($0) bytes of log (sys.dm_tran_database_transactions)" } ?? ""
            lines.append("a transaction with \(counted(rows, "inserted row"))\(log) is open for \(age / 1_000_000) ms (@@TRANCOUNT)")
        }
        lines.append("accelerated recovery: \(debt.acceleratedRecovery.map { $0 ? "on" : "off" } ?? "not asked")")
        lines.append("target recovery time: \(debt.targetRecoveryTime.map { "\($0) s" } ?? "not asked")")
        return lines
    }

    private func shortfall(_ debt: RecoveryDebt) -> String? {
        if let dirty = wanted.dirty {
            let there = debt.logBytes ?? debt.sentBytes
            if there < dirty {
                return
                    "\(there) bytes of log since the last checkpoint, \(dirty) are asked for: the server takes checkpoints faster than that "
                    + "is written, so ask for less"
            }
        }
        if let transaction = wanted.openTransaction, (debt.openRows ?? 0) < Int64(transaction.rows) {
            return "\(counted(debt.openRows ?? 0, "row")) in the open transaction, \(transaction.rows) are asked for"
        }
        return nil
    }

    private func logBytes(_ connection: TDSConnection) async -> Int64? {
        await number("SELECT CONVERT(bigint, log_since_last_checkpoint_mb * 1048576) FROM sys.dm_db_log_stats(DB_ID())", connection)
    }

    /// Returns `nil` if the server does not have the value, or does not show it to this login.
    private func number(_ statement: String, _ connection: TDSConnection) async -> Int64? {
        guard let answer = try? await connection.query(statement, timeout: Ledger.statementTimeout) else { return nil }
        return (try? answer.rows.first?.values().first?.integer) ?? nil
    }
}
