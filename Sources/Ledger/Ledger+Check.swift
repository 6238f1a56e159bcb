public import Journal
public import NIOCore
import Probe
import Synchronization
import TDS

extension Ledger {
    /// How long reading all rows back may take.
    private static let readTimeout = Duration.seconds(600)

    /// Reads every row back and holds it against the ledger. The writers must have ended.
    ///
    /// A row of an unanswered write may still be on its way into the table when the service is back: its session lives on in the server
    /// if only the network was cut. So the read-back begins when no session of the writers is left, see ``settle(_:on:)``.
    ///
    /// - Returns: an event for the journal: `ledgerChecked`, or `ledgerUnchecked` when the rows could not be read. Never "all lost"
    ///   because nothing answered.
    public func check(on eventLoop: any EventLoop) async -> Event {
        do throws(LedgerError) {
            let checked = try await Self.connected(to: ledgerServer, on: eventLoop, action: "connect to read its rows back") {
                connection throws(LedgerError) in try await check(connection, on: eventLoop)
            }
            return .ledgerChecked(checked)
        } catch {
            return .ledgerUnchecked(LedgerUnchecked(reason: error.description))
        }
    }

    private func check(_ connection: TDSConnection, on eventLoop: any EventLoop) async throws(LedgerError) -> LedgerChecked {
        let book = book.withLock { $0 }
        let started = clock.now
        let settlement: Settlement? = book.hasUnknown ? try await settle(connection, on: eventLoop) : nil
        var checked = try await readBack(connection, book)
        if settlement == .cannotTell {
            checked = try await readUntilTheSame(connection, book, first: checked, on: eventLoop)
        }
        checked.settledBy = settlement?.rawValue
        checked.took = (clock.now - started).wholeNanoseconds
        if configuration.checkDatabase { try await checkDatabase(connection, &checked) }
        return checked
    }

    // MARK: Reading

    private func readBack(_ connection: TDSConnection, _ book: LedgerBook) async throws(LedgerError) -> LedgerChecked {
        let action = "read its rows back"
        var comparison = LedgerComparison(book, content: content)
        do {
            let rows = try await connection.stream(statements.readRows, timeout: Self.readTimeout)
            for try await row in rows { try comparison.take(LedgerRow(row.values())) }
            let registers = try await connection.query(statements.readRegisters, timeout: Self.statementTimeout)
            var values: [Int: [Int64]] = [:]
            for row in registers.rows {
                let columns = try row.values()
                guard let writer = columns[0].integer, let value = columns[1].integer else {
                    throw LedgerError(action: action, reason: "a register is \(columns)")
                }
                values[Int(writer), default: []].append(value)
            }
            return comparison.finish(registers: values)
        } catch let error as LedgerError {
            throw error
        } catch let error as LedgerComparison.OutOfOrder {
            throw LedgerError(
                action: action, reason: "the server sent row \(error.next) after row \(error.previous) though asked for them in order")
        } catch {
            throw LedgerError(action: action, reason: String(describing: error))
        }
    }

    /// Reads again until nothing has changed since the read before, for at most ten times: what keeps changing is no result.
    private func readUntilTheSame(
        _ connection: TDSConnection, _ book: LedgerBook, first: LedgerChecked, on eventLoop: any EventLoop
    ) async throws(LedgerError) -> LedgerChecked {
        var previous = first
        for _ in 0..<10 {
            await eventLoop.sleep(until: clock.now + Self.settlingPause, of: clock)
            let next = try await readBack(connection, book)
            if next == previous { return next }
            previous = next
        }
        throw LedgerError(action: "settle the unanswered writes", reason: "the rows still change though no writer is running")
    }
}

extension LedgerRow {
    /// A row of ``LedgerStatements/readRows``.
    init(_ values: [TDSValue]) throws(LedgerError) {
        guard values.count == 4, let writer = values[0].integer, let sequence = values[1].integer else {
            throw LedgerError(action: "read its rows back", reason: "a row is \(values)")
        }
        self.init(
            identity: RowIdentity(writer: Int(writer), sequence: sequence), payload: values[2].bytes, checksum: values[3].integer)
    }
}
