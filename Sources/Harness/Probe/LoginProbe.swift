import Journal
import TDS

/// Probes as a client without a connection: TCP, PRELOGIN, TLS, LOGIN7, a sentinel query, close.
struct LoginProbe: Sendable {
    let context: ProbeContext
    let runID: String

    func run(slot: Int, deadline: RunTime) async -> ProbeOutcome {
        var outcome = ProbeOutcome()
        guard let connection = await context.open(deadline: deadline, &outcome) else { return outcome }
        await context.ask(Sentinel(owner: "\(runID)-\(Track.login.rawValue)", slot: slot), connection, deadline, &outcome)
        outcome.ended = context.clock.now
        outcome.connection = connection
        return outcome
    }
}
