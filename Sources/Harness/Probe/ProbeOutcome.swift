package import Journal
import TDS

/// The result of one probe: the duration of each completed phase, and the failure, if any.
package struct ProbeOutcome: Sendable {
    /// The duration of each phase in nanoseconds.
    package var phases: [String: Int64] = [:]
    package var failure: Failure?
    /// The time of the first system call, if it is known more exactly than by the start of the probe.
    var begun: RunTime?
    /// The time of the answer; the cleanup after it does not count.
    package var ended: RunTime?
    /// The connection to close after the outcome is reported: its closing is not part of the probe.
    var connection: TDSConnection?

    package init() {}

    mutating func completed(_ phase: String, took: Duration) {
        phases[phase] = took.wholeNanoseconds
    }

    /// - Parameter failedIn: the phase that was not completed.
    mutating func completed(_ durations: TDSPhaseDurations, failedIn: TDSPhase? = nil) {
        let reached: [(TDSPhase, Duration?)] = [
            (.tcp, durations.tcp), (.prelogin, durations.prelogin), (.tls, durations.tls), (.login, durations.login),
        ]
        for case (let phase, let duration?) in reached where phase != failedIn {
            completed(phase.rawValue, took: duration)
        }
    }
}
