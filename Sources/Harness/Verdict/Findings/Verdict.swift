/// The answer to "was the promise kept?", of a repeat, an experiment or a run.
public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// Every check was made, and passed.
    case pass
    /// The promise was broken.
    case fail
    /// The answer could not be determined.
    case invalid
    /// The run was interrupted before there was an answer.
    case aborted

    /// The worst of several verdicts: an inconclusive one does not hide a failure.
    static func combined(_ verdicts: some Sequence<Verdict>) -> Verdict? {
        var worst: Verdict?
        for verdict in verdicts where worst.map({ verdict.weight > $0.weight }) ?? true { worst = verdict }
        return worst
    }

    private var weight: Int {
        switch self {
        case .pass: 0
        case .invalid: 1
        case .aborted: 2
        case .fail: 3
        }
    }
}
