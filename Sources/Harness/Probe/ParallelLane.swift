import Journal
import NIOCore
import Synchronization
import TDS

/// Runs a track of independent probes: every slot starts on time, however many probes are still in flight.
final class ParallelLane: Sendable {
    private let track: Track
    private let schedule: Mutex<SlotSchedule>
    private let timeout: Duration
    private let context: ProbeContext
    private let reporter: ProbeReporter
    private let view: VantagePoint?
    private let hasAddress: @Sendable () -> Bool

    /// - Parameter hasAddress: whether there is an address to probe; else the due slot is skipped.
    init(
        _ track: Track, _ schedule: SlotSchedule, _ timeout: Duration, _ context: ProbeContext, _ reporter: ProbeReporter,
        view: VantagePoint? = nil, hasAddress: @escaping @Sendable () -> Bool = { true }
    ) {
        self.view = view
        self.hasAddress = hasAddress
        self.track = track
        self.schedule = Mutex(schedule)
        self.timeout = timeout
        self.context = context
        self.reporter = reporter
    }

    /// - Parameter probe: makes the probe of a slot. It must end soon after the deadline or its cancellation.
    func run(_ probe: @escaping @Sendable (Int, RunTime) async -> ProbeOutcome) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                await context.eventLoop.sleep(until: schedule.withLock { $0.nextDue }, of: context.clock)
                // A probe that could not be recorded cancels the group, but not the task of this loop.
                guard !Task.isCancelled, !group.isCancelled else { return }
                for action in schedule.withLock({ $0.tick(context.clock.now) }) {
                    switch action {
                    case .skip(let slot, let intended, let reason):
                        try reporter.skipped(ProbeSkipped(track: track, view: view, slot: slot, intended: intended, reason: reason))
                    case .start(let slot, let intended) where !hasAddress():
                        schedule.withLock { $0.finished() }
                        try reporter.skipped(ProbeSkipped(track: track, view: view, slot: slot, intended: intended, reason: .noAddress))
                    case .start(let slot, let intended):
                        group.addTask { try await self.run(slot, intended, probe) }
                    }
                }
            }
        }
    }

    private func run(_ slot: Int, _ intended: RunTime, _ probe: @Sendable (Int, RunTime) async -> ProbeOutcome) async throws {
        let started = context.clock.now
        let outcome = await probe(slot, started + timeout)
        let done = outcome.ended ?? context.clock.now
        let failure = context.attributed(outcome.failure, started: started, done: done, timeout: timeout)
        let reported = Result {
            guard !Task.isCancelled else { return }
            try reporter.finished(
                ProbeResult(
                    track: track, view: view, slot: slot, intended: intended, started: outcome.begun ?? started, done: done,
                    failure: failure, phases: outcome.phases))
        }
        await outcome.connection?.close()
        schedule.withLock { $0.finished() }
        try reported.get()
    }
}
