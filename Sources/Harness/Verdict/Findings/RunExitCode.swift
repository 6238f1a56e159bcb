/// The exit codes of the program.
public enum RunExitCode: Int32, Sendable, Hashable, CaseIterable {
    case pass = 0
    case failed = 1
    /// Data that the server had acknowledged is gone.
    case dataLost = 3
    /// The verdict could not be determined.
    case invalid = 4
    case preflightFailed = 5
    /// A change of the harness is not proven to be undone.
    case notRestored = 6
    /// An option, or a file that a person gave, is wrong.
    case usage = 64
    /// An error of the harness itself.
    case internalError = 70
    /// The terminal was closed.
    case hungUp = 129
    case interrupted = 130
    case terminated = 143

    public var meaning: String {
        switch self {
        case .pass: "pass"
        case .failed: "the promise was broken"
        case .dataLost: "acknowledged data was lost"
        case .invalid: "could not tell"
        case .preflightFailed: "preflight failed"
        case .notRestored: "not restored: run aftershock restore"
        case .usage: "an option or a file is not valid"
        case .internalError: "the harness failed"
        case .hungUp, .interrupted, .terminated: "interrupted and restored"
        }
    }
}
