import Journal
import NIOCore
import Probe
import Synchronization
import TDS

/// A writer with one connection. It sends one autocommitted statement or one transfer a slot, and nothing twice.
///
/// Its schedule is open loop. Slots that are due while it waits for an answer are skipped and recorded. An unanswered write becomes unknown
/// at its deadline; its connection is closed, and the next slot opens another one as part of its write.
struct LedgerWriter: Sendable {
    let index: Int
    let schedule: SlotSchedule
    let ledger: Ledger
    let context: ProbeContext
    let executor: EventLoopTaskExecutor
    let health: HealthMonitor
    let record: @Sendable (Event) throws -> Void

    func run() async throws {
        var schedule = schedule
        var session = Session()
        do {
            while true {
                await context.eventLoop.sleep(until: schedule.nextDue, of: context.clock)
                guard !Task.isCancelled else { break }
                for action in schedule.tick(context.clock.now) {
                    switch action {
                    case .skip(let slot, let intended, let reason):
                        try skipped(slot, intended, reason)
                    case .start(_, let intended):
                        session = try await write(intended, session)
                        for case .skip(let slot, let intended, let reason) in schedule.tick(context.clock.now) {
                            try skipped(slot, intended, reason)
                        }
                        schedule.finished()
                    }
                }
            }
        } catch {
            await session.connection?.close()
            throw error
        }
        await session.connection?.close()
    }

    /// The state of a writer between two writes.
    private struct Session: Sendable {
        var connection: TDSConnection?
        /// Is `true` if the register had a wrong value. It is left unchanged for the read-back.
        var registerFellBack = false
    }

    private func skipped(_ slot: Int, _ intended: RunTime, _ reason: ProbeSkipped.Reason) throws {
        try record(.probeSkipped(ProbeSkipped(track: .write, lane: index, slot: slot, intended: intended, reason: reason)))
        health.skipped(.write, lane: index)
    }

    /// Makes one write and records it.
    ///
    /// Cancellation ends the schedule but not the write: its answer is awaited, so that a run that ends in order leaves no needless
    /// unknown writes.
    private func write(_ intended: RunTime, _ session: Session) async throws -> Session {
        let started = context.clock.now
        let (result, after) = await Task(executorPreference: executor) {
            await attempt(intended, started, session)
        }.value
        try record(.write(result))
        guard result.failure?.kind != "cancelled" else {
            health.skipped(.write, lane: index)
            return after
        }
        health.finished(.write, lane: index, done: result.done, failure: result.foundDataGone ? nil : result.failure)
        return after
    }

    private func attempt(_ intended: RunTime, _ started: RunTime, _ session: Session) async -> (WriteResult, Session) {
        var session = session
        let (sequence, acknowledgedValue) = ledger.book.withLock {
            ($0.nextSequence(of: index), $0.acknowledgedValue(of: index))
        }
        let isTransfer = index >= ledger.configuration.writers
        let isUpdate = !isTransfer && sequence % ledger.configuration.updateEvery == 0 && !session.registerFellBack
        let kind: WriteResult.Kind = isTransfer ? .transfer : isUpdate ? .update : .insert
        func finished(_ outcome: WriteResult.Outcome, _ failure: Failure?) -> WriteResult {
            let done = context.clock.now
            let result = WriteResult(
                writer: index, sequence: sequence, kind: kind, intended: intended, started: started, done: done, outcome: outcome,
                failure: context.attributed(failure, started: started, done: done, timeout: ledger.configuration.timeout))
            ledger.book.withLock { $0.finished(result) }
            return result
        }

        if session.connection == nil {
            var opening = ProbeOutcome()
            session.connection = await context.open(deadline: started + ledger.configuration.openTimeout, &opening)
            if let failure = opening.failure { return (finished(.refused, failure), session) }
        }
        guard let connection = session.connection else {
            return (finished(.refused, Failure(phase: "tcp", kind: "cancelled")), session)
        }
        guard connection.isOpen else {
            session.connection = nil
            return (
                finished(.refused, Failure(phase: "idle", kind: "closed", message: "the held connection was gone before the write")),
                session
            )
        }

        ledger.book.withLock { $0.began(kind, writer: index, sequence: sequence) }
        if isTransfer {
            let (outcome, failure) = await transfer(sequence, connection)
            let result = finished(outcome, failure)
            if failure != nil {
                // An open transaction ends with its connection.
                await connection.close()
                session.connection = nil
            }
            return (result, session)
        }
        do throws(TDSError) {
            let answer = try await connection.query(
                isUpdate ? ledger.statements.updateRegister : ledger.statements.insertRow,
                isUpdate ? updateValues(sequence, acknowledgedValue) : insertValues(sequence),
                timeout: ledger.configuration.timeout)
            if answer.rowCounts == [1] { return (finished(.acknowledged, nil), session) }
            var failure = Failure(phase: "query", kind: "wrongAnswer", message: "rows affected: \(answer.rowCounts), not 1")
            if isUpdate, answer.rowCounts == [0] {
                session.registerFellBack = true
                failure.kind = WriteResult.dataGone
                return (finished(.refused, failure), session)
            }
            await connection.close()
            session.connection = nil
            return (finished(.unknown, failure), session)
        } catch {
            let result = finished(WriteResult.Outcome(of: error), Failure(error))
            if result.outcome == .unknown || !connection.isOpen {
                await connection.close()
                session.connection = nil
            }
            return (result, session)
        }
    }

    func insertValues(_ sequence: Int64) -> [TDSValue] {
        let row = RowIdentity(writer: index, sequence: sequence)
        return [
            .int(Int32(index)), .bigInt(sequence), .binary(ByteBuffer(bytes: ledger.content.payload(of: row))),
            .bigInt(ledger.content.checksum(of: row)),
        ]
    }

    private func updateValues(_ sequence: Int64, _ acknowledgedValue: Int64) -> [TDSValue] {
        [.int(Int32(index)), .bigInt(sequence), .bigInt(acknowledgedValue)]
    }
}

extension WriteResult.Outcome {
    /// The lowest severity of errors that end the connection. Such an error proves nothing about a commit in flight: 9001 (log not
    /// available) may come after the log record was written.
    private static let fatalSeverity: UInt8 = 20

    /// Returns the status of a statement that was sent and failed.
    ///
    /// Only an error that the server raised for the statement itself proves that it was rolled back. A timeout proves nothing, even if the
    /// server acknowledged the cancellation: the statement may have been executed before.
    init(of error: TDSError) {
        switch error.code {
        case .serverError:
            let isFatal = error.serverMessages.contains { $0.class >= Self.fatalSeverity }
            self = error.serverMessages.isEmpty || isFatal || error.attentionAcknowledged != nil ? .unknown : .refused
        case .request, .busy, .configuration, .unsupported:
            self = .refused
        default:
            self = .unknown
        }
    }
}
