public import Journal
public import NIOCore
import TDS

/// Probes the tracks `connect`, `login` and `session` on fixed schedules until it is cancelled.
public struct ProbeRunner: Sendable {
    private let configuration: ProbeConfiguration
    private let clock: RunClock
    private let eventLoop: any EventLoop
    private let loginLoop: any EventLoop
    private let reporter: ProbeReporter

    /// - Parameters:
    ///   - eventLoop: the loop of `connect` and `session`.
    ///   - loginLoop: the loop of `login`, see ``ProbeLoops``.
    ///   - health: receives the outcome of every probe.
    ///   - record: appends to the journal. An error from it ends the probing.
    public init(
        _ configuration: ProbeConfiguration, clock: RunClock, on eventLoop: any EventLoop, logins loginLoop: any EventLoop,
        health: HealthMonitor, record: @escaping @Sendable (Event) throws -> Void
    ) {
        self.configuration = configuration
        self.clock = clock
        self.eventLoop = eventLoop
        self.loginLoop = loginLoop
        reporter = ProbeReporter(health: health, record: record)
    }

    /// Probes until the task is cancelled, and returns after every connection is closed. Probes in flight are then not recorded: their
    /// outcome is not known.
    ///
    /// Throws only errors of recording an event.
    public func run() async throws {
        let start = clock.now
        let runID = configuration.runID
        let loops = ProbeLoops(eventLoop, logins: loginLoop, clock: clock)
        defer { loops.stop() }
        try await withThrowingDiscardingTaskGroup { group in
            for (track, cadence) in configuration.tracks {
                let context = loops.context(of: track, configuration.server)
                let schedule = { capacity, whenFull in
                    SlotSchedule(start: start, interval: cadence.interval, capacity: capacity, whenFull: whenFull)
                }
                let executor = EventLoopTaskExecutor(context.eventLoop)
                switch track {
                case .connect:
                    let lane = ParallelLane(track, schedule(cadence.inFlightCap, .inFlightCap), cadence.timeout, context, reporter)
                    group.addTask(executorPreference: executor) {
                        try await lane.run { _, deadline in await ConnectProbe(context: context).run(deadline: deadline) }
                    }
                case .login:
                    let lane = ParallelLane(track, schedule(cadence.inFlightCap, .inFlightCap), cadence.timeout, context, reporter)
                    group.addTask(executorPreference: executor) {
                        try await lane.run { slot, deadline in
                            await LoginProbe(context: context, runID: runID).run(slot: slot, deadline: deadline)
                        }
                    }
                case .session:
                    let lane = SessionLane(schedule(1, .busy), cadence.timeout, runID, context, reporter)
                    group.addTask(executorPreference: executor) { try await lane.run() }
                case .write, .client:
                    break
                }
            }
        }
    }
}

/// Records the ends of probes.
struct ProbeReporter: Sendable {
    let health: HealthMonitor
    let record: @Sendable (Event) throws -> Void

    func finished(_ result: ProbeResult) throws {
        try record(.probe(result))
        guard result.failure?.kind != "cancelled" else { return health.skipped(result.track) }
        health.finished(result.track, done: result.done, failure: result.failure)
    }

    func skipped(_ skipped: ProbeSkipped) throws {
        try record(.probeSkipped(skipped))
        health.skipped(skipped.track, lane: skipped.lane ?? 0)
    }
}
