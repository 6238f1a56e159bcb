public import Journal
public import NIOCore
import Probe
import Synchronization
import TDS

extension Ledger {
    /// The timeout for reading all rows back.
    private static let readTimeout = Duration.seconds(600)

    /// Reads every row back and compares it with the ledger. The writers must have ended.
    ///
    /// A row of an unanswered write may still be written after the recovery, because a network fault leaves its session alive in the
    /// server. So the read-back begins when no session of the writers is left, see ``settle(_:on:)``.
    ///
    /// - Returns: an event for the journal: `ledgerChecked`, or `ledgerUnchecked` if the rows could not be read. A server that does not
    ///   answer is never "all lost"; a server that answers that the tables or their database do not exist is.
    public func check(on eventLoop: any EventLoop) async -> Event {
        do throws(LedgerError) {
            return .ledgerChecked(try await checkOrProveGone(on: eventLoop))
        } catch {
            return .ledgerUnchecked(LedgerUnchecked(reason: error.description))
        }
    }

    private func checkOrProveGone(on eventLoop: any EventLoop) async throws(LedgerError) -> LedgerChecked {
        do throws(LedgerError) {
            return try await Self.connected(to: ledgerServer, on: eventLoop, action: "connect to read its rows back") {
                connection throws(LedgerError) in try await check(connection, on: eventLoop)
            }
        } catch {
            guard error.mayMeanGone, try await isDatabaseGone(on: eventLoop) else { throw error }
            var checked = LedgerComparison(book.withLock { $0 }, content: content).finish(registers: [:])
            checked.gone = ["database \(configuration.database)"]
            return checked
        }
    }

    /// Returns whether the server has no such database. A database that is not open yet still exists, and so may one that this login must
    /// not see.
    private func isDatabaseGone(on eventLoop: any EventLoop) async throws(LedgerError) -> Bool {
        let action = "look for database \(configuration.database)"
        let count = "SELECT COUNT(*) FROM sys.databases WHERE name = @p1"
        let text = "SELECT COUNT(*), HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DATABASE') FROM sys.databases WHERE name = @p1"
        let name = TDSParameter("p1", .string(configuration.database))
        return try await Self.connected(to: configuration.patientServer, on: eventLoop, action: action) { connection throws(LedgerError) in
            do throws(TDSError) {
                let answer = try await connection.query(text, parameters: [name], timeout: Self.statementTimeout)
                let values = try? answer.rows.first?.values().map(\.integer)
                // A login that sees every database, or created this one, would see it.
                return values?.first == 0 && (values?.last == 1 || values?.last == .some(nil) && prepared.createdDatabase)
            } catch {
                // On a server without the function, the creator of a database sees it.
                guard prepared.createdDatabase, !error.serverMessages.isEmpty else { throw LedgerError(action: action, error) }
            }
            do throws(TDSError) {
                let answer = try await connection.query(count, parameters: [name], timeout: Self.statementTimeout)
                return (try? answer.rows.first?.values().first?.integer) == 0
            } catch {
                throw LedgerError(action: action, error)
            }
        }
    }

    private func check(_ connection: TDSConnection, on eventLoop: any EventLoop) async throws(LedgerError) -> LedgerChecked {
        let book = book.withLock { $0 }
        let started = clock.now
        // The open transaction of a dead connection holds locks that the read-back would wait for.
        let settlement: Settlement? = book.hasUnknown || configuration.transfers > 0 ? try await settle(connection, on: eventLoop) : nil
        var checked = try await readBack(connection, book)
        if settlement == .cannotTell {
            checked = try await readUntilTheSame(connection, book, first: checked, on: eventLoop)
        }
        checked.settledBy = settlement?.rawValue
        checked.took = (clock.now - started).wholeNanoseconds
        if configuration.checkDatabase { await checkDatabase(connection, &checked) }
        return checked
    }

    // MARK: Reading

    private func readBack(_ connection: TDSConnection, _ book: LedgerBook) async throws(LedgerError) -> LedgerChecked {
        var comparison = LedgerComparison(book, content: content)
        var registers: [Int: [Int64]] = [:]
        var accounts: [AccountIdentity: [Int64]] = [:]
        var gone: [String] = []
        do throws(LedgerError) {
            comparison = try await readRows(connection, comparison)
        } catch {
            guard error.mayMeanGone, await isTableGone(statements.names[0], connection) else { throw error }
            gone.append("table \(statements.rows)")
        }
        do throws(LedgerError) {
            registers = try await readRegisters(connection)
        } catch {
            guard error.mayMeanGone, await isTableGone(statements.names[1], connection) else { throw error }
            gone.append("table \(statements.registers)")
        }
        if configuration.transfers > 0 {
            do throws(LedgerError) {
                accounts = try await readAccounts(connection)
            } catch {
                guard error.mayMeanGone, await isTableGone(statements.names[4], connection) else { throw error }
                gone.append("table \(statements.accounts)")
            }
        }
        var checked = comparison.finish(registers: registers, accounts: accounts)
        if !gone.isEmpty { checked.gone = gone }
        return checked
    }

    /// Asks the catalogue, because error numbers differ between servers. A server that does not answer proves nothing.
    private func isTableGone(_ name: String, _ connection: TDSConnection) async -> Bool {
        let count = "SELECT COUNT(*) FROM sys.tables WHERE name = @p1"
        let standard = "SELECT COUNT(*) FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = @p1"
        for statement in [count, standard] {
            let answer = try? await connection.query(
                statement, parameters: [TDSParameter("p1", .string(name))], timeout: Self.statementTimeout)
            if let found = try? answer?.rows.first?.values().first?.integer { return found == 0 }
        }
        return false
    }

    private static let reading = "read its rows back"

    private func readRows(_ connection: TDSConnection, _ comparison: LedgerComparison) async throws(LedgerError) -> LedgerComparison {
        do {
            return try await connection.fold(rowsOf: statements.readRows, timeout: Self.readTimeout, into: comparison) {
                try $0.take(LedgerRow(&$1))
            }
        } catch let error as LedgerError {
            throw error
        } catch let error as TDSError {
            throw LedgerError(action: Self.reading, error)
        } catch let error as LedgerComparison.OutOfOrder {
            throw LedgerError(
                action: Self.reading,
                reason: "the server sent row \(error.next) after row \(error.previous) though asked for them in order")
        } catch {
            throw LedgerError(action: Self.reading, reason: String(describing: error))
        }
    }

    private func readRegisters(_ connection: TDSConnection) async throws(LedgerError) -> [Int: [Int64]] {
        var values: [Int: [Int64]] = [:]
        for row in try await Self.run(statements.readRegisters, on: connection, action: Self.reading).rows {
            guard let columns = try? row.values(), let writer = columns[0].integer, let value = columns[1].integer else {
                throw LedgerError(action: Self.reading, reason: "a register cannot be read: \(row)")
            }
            values[Int(writer), default: []].append(value)
        }
        return values
    }

    private func readAccounts(_ connection: TDSConnection) async throws(LedgerError) -> [AccountIdentity: [Int64]] {
        var balances: [AccountIdentity: [Int64]] = [:]
        for row in try await Self.run(statements.readAccounts, on: connection, action: Self.reading).rows {
            guard let columns = try? row.values(), let lane = columns[0].integer, let account = columns[1].integer,
                let balance = columns[2].integer
            else {
                throw LedgerError(action: Self.reading, reason: "an account cannot be read: \(row)")
            }
            balances[AccountIdentity(lane: Int(lane), account: Int(account)), default: []].append(balance)
        }
        return balances
    }

    /// Reads until two reads in a row agree, at most ten times: rows that keep changing are no result.
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
    init(_ row: inout TDSRowReader) throws {
        guard row.columns.count == 4, let writer = try row.integer(), let sequence = try row.integer() else {
            throw LedgerError(action: "read its rows back", reason: "a row is without its writer or its number")
        }
        self.init(
            identity: RowIdentity(writer: Int(writer), sequence: sequence),
            payload: try row.bytes(RowContent.words(ofPayload:)).flatMap { $0 }, checksum: try row.integer())
    }
}
