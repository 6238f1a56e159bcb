public import Journal
public import NIOCore
public import Probe
import Synchronization
import TDS

/// The ledger of one repeat: its tables in the database, and the harness's own record of every write to them.
///
/// Call ``prepare(_:clock:on:)``, ``write(on:health:record:)`` until cancelled, ``check(on:)`` after the recovery, and
/// ``cleanUp(on:)`` after the verdict is on the disk.
public final class Ledger: Sendable {
    public let configuration: LedgerConfiguration
    /// The prepared tables, for the journal.
    public let prepared: LedgerPrepared
    let clock: RunClock
    let statements: LedgerStatements
    let content: RowContent
    let book: Mutex<LedgerBook>

    init(_ configuration: LedgerConfiguration, _ prepared: LedgerPrepared, book: LedgerBook, clock: RunClock) {
        self.configuration = configuration
        self.prepared = prepared
        self.clock = clock
        statements = LedgerStatements(suffix: prepared.tableSuffix)
        content = RowContent(seed: prepared.seed, tableSuffix: prepared.tableSuffix)
        self.book = Mutex(book)
    }

    /// The ledger of an interrupted run, from its journal, for checking or removing its tables.
    ///
    /// - Parameter writes: the repeat's results in the journal's order.
    public convenience init(
        _ configuration: LedgerConfiguration, restoring prepared: LedgerPrepared, writes: some Sequence<WriteResult>, clock: RunClock
    ) {
        self.init(configuration, prepared, book: LedgerBook(prepared, writes: writes), clock: clock)
    }

    /// The schedule of the writers, for the journal.
    public var schedule: ProbesStarted.Schedule {
        ProbesStarted.Schedule(
            track: .write, interval: configuration.interval.wholeNanoseconds, timeout: configuration.timeout.wholeNanoseconds,
            inFlightCap: 1, lanes: configuration.lanes)
    }

    /// Runs the writers until the task is cancelled. Then waits for the writes in flight, each at most until its deadline.
    ///
    /// Throws only errors of recording an event.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop of all writers.
    ///   - health: receives the outcome of every write.
    ///   - record: appends to the journal.
    public func write(
        on eventLoop: any EventLoop, health: HealthMonitor, record: @escaping @Sendable (Event) throws -> Void
    ) async throws {
        let stalls = StallWatch(eventLoop, clock: clock)
        defer { stalls.stop() }
        let context = ProbeContext(server: writerServer, clock: clock, eventLoop: eventLoop, stalls: stalls)
        let executor = EventLoopTaskExecutor(eventLoop)
        let start = clock.now
        try await withThrowingDiscardingTaskGroup { group in
            for index in 0..<configuration.lanes {
                // Half of the writers start half an interval later, so that together they see an outage sooner. Spreading them further
                // would wake the processor more often (docs/measuring.md).
                let offset = configuration.interval / 2 * (index % 2)
                let writer = LedgerWriter(
                    index: index,
                    schedule: SlotSchedule(start: start + offset, interval: configuration.interval, capacity: 1, whenFull: .busy),
                    ledger: self, context: context, executor: executor, health: health, record: record)
                group.addTask(executorPreference: executor) { try await writer.run() }
            }
        }
    }

    /// The server for the writers' sessions, which have a name of their own. Each write has its own deadlines.
    private var writerServer: TDSConfiguration {
        var server = ledgerServer
        server.applicationName = Self.applicationName(prepared.tableSuffix)
        return server
    }

    /// The server, with the ledger's database to open.
    var ledgerServer: TDSConfiguration {
        var server = configuration.patientServer
        server.database = configuration.database
        return server
    }

    static func applicationName(_ tableSuffix: String) -> String { "aftershock-ledger-\(tableSuffix)" }
}
