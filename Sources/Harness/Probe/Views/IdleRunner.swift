public import Experiment
public import Journal
public import NIOCore
public import TDS

/// Holds idle connections for a while, then queries each once: a device between client and server may have dropped them.
public struct IdleRunner: Sendable {
    private let idle: Experiment.Probes.Idle
    private let server: TDSConfiguration
    private let runID: String
    private let clock: RunClock
    private let eventLoop: any EventLoop
    private let record: @Sendable (Event) throws -> Void

    /// The pause before a failed connection is retried.
    private static let pause = Duration.seconds(1)

    /// - Parameter record: appends to the journal. An error from it ends the probing.
    public init(
        _ idle: Experiment.Probes.Idle, server: TDSConfiguration, runID: String, clock: RunClock, on eventLoop: any EventLoop,
        record: @escaping @Sendable (Event) throws -> Void
    ) {
        self.idle = idle
        self.server = server
        self.runID = runID
        self.clock = clock
        self.eventLoop = eventLoop
        self.record = record
    }

    /// Runs until the task is cancelled. Connections that are idle then are not recorded.
    public func run() async throws {
        let stalls = StallWatch(eventLoop, clock: clock)
        defer { stalls.stop() }
        let context = ProbeContext(server: server, clock: clock, eventLoop: eventLoop, stalls: stalls)
        try await withThrowingDiscardingTaskGroup { group in
            for number in 0..<idle.connections {
                group.addTask(executorPreference: EventLoopTaskExecutor(eventLoop)) { try await hold(number, context) }
            }
        }
    }

    private func hold(_ number: Int, _ context: ProbeContext) async throws {
        var round = 0
        while !Task.isCancelled {
            var outcome = ProbeOutcome()
            guard let connection = await context.open(deadline: clock.now + idle.timeout, &outcome) else {
                await eventLoop.sleep(until: clock.now + Self.pause, of: clock)
                continue
            }
            let silentSince = clock.now
            await eventLoop.sleep(until: silentSince + idle.silentFor, of: clock)
            guard !Task.isCancelled else { return await connection.close() }
            round += 1
            let started = clock.now
            let sentinel = Sentinel(owner: "\(runID)-idle-\(number)", slot: round)
            await context.ask(sentinel, connection, started + idle.timeout, &outcome)
            let done = clock.now
            let failure = context.attributed(outcome.failure, started: started, done: done, timeout: idle.timeout)
            await connection.close()
            guard !Task.isCancelled, failure?.kind != "cancelled" else { continue }
            try record(
                .idleAsked(IdleAsked(connection: number, silentSince: silentSince, started: started, done: done, failure: failure)))
        }
    }
}
