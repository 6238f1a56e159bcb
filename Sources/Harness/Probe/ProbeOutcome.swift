package import Journal
import TDS

/// The result of one probe: the duration of each completed phase, and the failure, if there was one.
package struct ProbeOutcome: Sendable {
    /// Nanoseconds, by phase.
    package var phases: [String: Int64] = [:]
    package var failure: Failure?
    /// When the first question was put to the system, where that is known better than by when the probe was started.
    var begun: RunTime?
    /// When the probe had its answer; what is cleaned up after that is not part of its time.
    package var ended: RunTime?
    /// To be closed when the outcome has been reported: what the server takes to say goodbye is no part of the probe.
    var connection: TDSConnection?

    package init() {}

    mutating func completed(_ phase: String, took: Duration) {
        phases[phase] = took.wholeNanoseconds
    }

    /// - Parameter failedIn: the phase that was begun and not completed.
    mutating func completed(_ durations: TDSPhaseDurations, failedIn: TDSPhase? = nil) {
        let reached: [(TDSPhase, Duration?)] = [
            (.tcp, durations.tcp), (.prelogin, durations.prelogin), (.tls, durations.tls), (.login, durations.login),
        ]
        for case (let phase, let duration?) in reached where phase != failedIn {
            completed(phase.rawValue, took: duration)
        }
    }
}
