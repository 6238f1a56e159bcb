public import Journal
public import NIOCore
public import Probe
import Synchronization
import TDS

/// The ledger of one repeat: its tables in the database, and the harness's own account of every write to them.
///
/// The order of use is ``prepare(_:clock:on:)``, ``write(on:health:record:)`` until cancelled, ``check(on:)`` after the service came
/// back, and, when the verdict is on the disk, ``cleanUp(on:)``.
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

    /// The ledger of a run that was cut off, from its journal, to check or to remove what it left.
    ///
    /// - Parameter writes: the repeat's results in the journal's order.
    public convenience init(
        _ configuration: LedgerConfiguration, restoring prepared: LedgerPrepared, writes: some Sequence<WriteResult>, clock: RunClock
    ) {
        self.init(configuration, prepared, book: LedgerBook(prepared, writes: writes), clock: clock)
    }

    /// The promise of the writers for the journal.
    public var schedule: ProbesStarted.Schedule {
        ProbesStarted.Schedule(
            track: .write, interval: configuration.interval.wholeNanoseconds, timeout: configuration.timeout.wholeNanoseconds,
            inFlightCap: 1, lanes: configuration.lanes)
    }

    /// Runs the writers until the task is cancelled. Writes that are under way then are waited for, each at most until its deadline.
    ///
    /// Throws only what recording an event threw.
    ///
    /// - Parameters:
    ///   - eventLoop: where all the writers live.
    ///   - health: is told of every write.
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
                // Half of them half an interval later: together the writers see an outage sooner. To spread them further wakes the
                // processor more often (docs/measuring.md).
                let offset = configuration.interval / 2 * (index % 2)
                let writer = LedgerWriter(
                    index: index,
                    schedule: SlotSchedule(start: start + offset, interval: configuration.interval, capacity: 1, whenFull: .busy),
                    ledger: self, context: context, executor: executor, health: health, record: record)
                group.addTask(executorPreference: executor) { try await writer.run() }
            }
        }
    }

    /// The writers' sessions on the server, known by their name. Each write brings its own deadlines.
    private var writerServer: TDSConfiguration {
        var server = ledgerServer
        server.applicationName = Self.applicationName(prepared.tableSuffix)
        return server
    }

    /// The server with the ledger's database open.
    var ledgerServer: TDSConfiguration {
        var server = configuration.patientServer
        server.database = configuration.database
        return server
    }

    static func applicationName(_ tableSuffix: String) -> String { "aftershock-ledger-\(tableSuffix)" }
}
