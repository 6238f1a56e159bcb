import Journal
import Verdict

/// The times of the checks' steps over all repeats: consecutive parts of the experiment, which sum to all of it. They are never the
/// downtime, which would make every reader's sums wrong.
struct JUnitTimes {
    private let found: ExperimentFindings

    init(_ found: ExperimentFindings) {
        self.found = found
    }

    func milliseconds(of check: Check) -> Int64 {
        switch check {
        case .preflight: total - steps.reduce(0) { $0 + sum($1) }
        case .faultTookEffect: sum(.injecting)
        case .recovery: sum(.recovering)
        case .restore: sum(.undoing)
        case .dataPersistence: sum(.settling)
        // These checks take no time of their own.
        default: 0
        }
    }

    /// Preparation, steady state and pause belong to no step: they are the time before a fault.
    private var total: Int64 {
        guard let started = found.started, let ended = found.ended else { return 0 }
        return max(0, (ended - started).wholeNanoseconds / 1_000_000)
    }

    private let steps: [StageEntered.Stage] = [.injecting, .recovering, .undoing, .settling]

    private func sum(_ stage: StageEntered.Stage) -> Int64 {
        found.repeats.reduce(0) { $0 + milliseconds(stage, $1) }
    }

    /// The time from a stage to the next one with its own step.
    private func milliseconds(_ stage: StageEntered.Stage, _ one: RepeatFindings) -> Int64 {
        guard let from = one.stage(stage) else { return 0 }
        let later = steps.drop { $0 != stage }.dropFirst().compactMap { one.stage($0) }.filter { $0 >= from }.min()
        guard let to = later ?? one.ended ?? found.ended, to > from else { return 0 }
        return (to - from).wholeNanoseconds / 1_000_000
    }
}
