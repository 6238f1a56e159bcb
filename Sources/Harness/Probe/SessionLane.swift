import Journal
import NIOCore
import TDS

/// Runs the `session` track: one held connection that is queried at every slot, and opened again after it broke.
///
/// The next slot after a failure opens the connection as part of its probe, as a client that reconnects its session does. Slots that are
/// due while it waits for an answer are skipped as busy.
struct SessionLane: Sendable {
    private var schedule: SlotSchedule
    private let timeout: Duration
    private let runID: String
    private let context: ProbeContext
    private let reporter: ProbeReporter

    init(_ schedule: SlotSchedule, _ timeout: Duration, _ runID: String, _ context: ProbeContext, _ reporter: ProbeReporter) {
        self.schedule = schedule
        self.timeout = timeout
        self.runID = runID
        self.context = context
        self.reporter = reporter
    }

    func run() async throws {
        var schedule = schedule
        var session: TDSConnection?
        do {
            while true {
                await context.eventLoop.sleep(until: schedule.nextDue, of: context.clock)
                guard !Task.isCancelled else { break }
                for action in schedule.tick(context.clock.now) {
                    switch action {
                    case .skip(let slot, let intended, let reason):
                        try skipped(slot, intended, reason)
                    case .start(let slot, let intended):
                        try await run(slot, intended, &session)
                        // The session was busy for slots that came due meanwhile.
                        for case .skip(let slot, let intended, let reason) in schedule.tick(context.clock.now) {
                            try skipped(slot, intended, reason)
                        }
                        schedule.finished()
                    }
                }
            }
        } catch {
            await session?.close()
            throw error
        }
        await session?.close()
    }

    private func run(_ slot: Int, _ intended: RunTime, _ session: inout TDSConnection?) async throws {
        let started = context.clock.now
        let outcome = await probe(slot, started + timeout, &session)
        let done = outcome.ended ?? context.clock.now
        if outcome.failure != nil {
            await session?.close()
            session = nil
        }
        guard !Task.isCancelled else { return }
        let failure = context.attributed(outcome.failure, started: started, done: done, timeout: timeout)
        try reporter.finished(
            ProbeResult(
                track: .session, slot: slot, intended: intended, started: outcome.begun ?? started, done: done, failure: failure,
                phases: outcome.phases))
    }

    private func probe(_ slot: Int, _ deadline: RunTime, _ session: inout TDSConnection?) async -> ProbeOutcome {
        var outcome = ProbeOutcome()
        if session == nil { session = await context.open(deadline: deadline, &outcome) }
        guard let session else { return outcome }
        await context.ask(Sentinel(owner: "\(runID)-\(Track.session.rawValue)", slot: slot), session, deadline, &outcome)
        return outcome
    }

    private func skipped(_ slot: Int, _ intended: RunTime, _ reason: ProbeSkipped.Reason) throws {
        try reporter.skipped(ProbeSkipped(track: .session, slot: slot, intended: intended, reason: reason))
    }
}
