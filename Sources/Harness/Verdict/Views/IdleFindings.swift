import Experiment
public import Journal

/// The answers of connections that were silent for a while and then asked once.
public struct IdleFindings: Sendable, Hashable {
    /// The end of one of them.
    public enum Outcome: String, Sendable, Hashable, CaseIterable {
        case answered
        /// The other side, or something between, said that the connection is no more.
        case reset
        /// Nothing came back at all, as from a load balancer or a connection table that has forgotten the connection.
        case noAnswer
        case otherFailure
    }

    public var silentFor: Duration
    public var connections: Int
    /// In the order in which they were asked.
    public var asked: [IdleAsked]
    /// When the fault was begun.
    public var fault: RunTime?

    public func count(_ outcome: Outcome, overFault: Bool) -> Int {
        asked.count { $0.outcome == outcome && isOverFault($0) == overFault }
    }

    /// The fault came while the connection was silent.
    public func isOverFault(_ one: IdleAsked) -> Bool { fault.map { one.silentSince <= $0 && one.started >= $0 } ?? false }

    /// One for the connections over the fault, one for the others, as far as there are any.
    public var sentences: [String] {
        [true, false].compactMap { overFault in
            let all = asked.filter { isOverFault($0) == overFault }
            guard !all.isEmpty else { return nil }
            let parts = Outcome.allCases.map { outcome in "\(all.count { $0.outcome == outcome }) \(outcome.words)" }
            let when = overFault ? "over the fault" : "without a fault in between"
            return
                "of \(counted(all.count, "connection that was", "connections that were")) silent for \(silentFor.text) \(when): \(parts.joined(separator: ", "))"
        }
    }
}

extension IdleFindings.Outcome {
    var words: String {
        switch self {
        case .answered: "answered"
        case .reset: "reset"
        case .noAnswer: "no answer at all"
        case .otherFailure: "failed otherwise"
        }
    }
}

extension IdleAsked {
    public var outcome: IdleFindings.Outcome {
        guard let failure else { return .answered }
        // It was known to be closed before it was asked, whatever the server said with that.
        if failure.phase == "idle" { return .reset }
        return switch failure.kind {
        case "timeout": .noAnswer
        case "reset", "eof", "closed": .reset
        default: .otherFailure
        }
    }
}
