public import Journal
public import NIOCore
public import TDS

/// Logs in to the ledger's database at the serving pod's own address, where neither a probe of the kubelet nor kube-proxy stands in the way:
/// so that the time is seen in which the server takes logins and still recovers that database.
public struct DatabaseWatch: Sendable {
    private let server: TDSConfiguration
    private let interval: Duration
    private let timeout: Duration
    private let host: @Sendable () -> String?
    private let clock: RunClock
    private let eventLoop: any EventLoop
    private let record: @Sendable (Event) throws -> Void

    /// The pause between two attempts while the last one failed.
    private static let pause = Duration.milliseconds(50)

    /// - Parameters:
    ///   - server: with the database, and the pod's port.
    ///   - interval: between two attempts as long as they succeed.
    ///   - host: the pod's address; `nil`: it has none now.
    ///   - record: appends to the journal. An error from it ends the watch.
    public init(
        _ server: TDSConfiguration, interval: Duration, timeout: Duration, clock: RunClock, on eventLoop: any EventLoop,
        record: @escaping @Sendable (Event) throws -> Void, host: @escaping @Sendable () -> String?
    ) {
        self.server = server
        self.interval = interval
        self.timeout = timeout
        self.clock = clock
        self.eventLoop = eventLoop
        self.record = record
        self.host = host
    }

    /// Returns when the task is cancelled.
    ///
    /// The journal is told where the answer changes: the last one of its kind and the first of another.
    public func run() async throws {
        try await withTaskExecutorPreference(EventLoopTaskExecutor(eventLoop)) {
            var last: DatabaseAsked?
            var isTold = true
            while !Task.isCancelled {
                let asked = await ask()
                guard !Task.isCancelled, asked.failure?.kind != "cancelled" else { return }
                let changed = last.map { $0.answer != asked.answer } ?? false
                if changed, !isTold, let last { try record(.databaseAsked(last)) }
                if changed { try record(.databaseAsked(asked)) }
                isTold = changed
                last = asked
                await eventLoop.sleep(until: clock.now + (asked.answer == .isOnline ? interval : Self.pause), of: clock)
            }
        }
    }

    private func ask() async -> DatabaseAsked {
        let started = clock.now
        guard let host = host() else {
            let failure = Failure(phase: "tcp", kind: DatabaseAsked.noAddress, message: "no pod that serves has an address")
            return DatabaseAsked(database: server.database, started: started, done: started, failure: failure)
        }
        var server = server
        // The certificate is that of the judged address.
        if server.serverName == nil { server.serverName = server.host }
        server.host = host
        let context = ProbeContext(server: server, clock: clock, eventLoop: eventLoop)
        var outcome = ProbeOutcome()
        let connection = await context.open(deadline: started + timeout, &outcome)
        let asked = DatabaseAsked(database: server.database, started: started, done: clock.now, failure: outcome.failure)
        await connection?.close()
        return asked
    }
}
