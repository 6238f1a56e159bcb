import Journal

/// The time in which Kubernetes said that the server is ready while no client could log in.
///
/// Kubernetes says so when the watch brings it here. No client was served where the outages of the track `login` are: surely between
/// their certain ends, perhaps between the successes around them.
public struct ReadyNotServed: Sendable, Hashable {
    public var lower = Duration.zero
    /// `nil`: logins failed to the end.
    public var upper: Duration? = .zero
}

extension ReadyNotServed {
    /// `nil`: the repeat did not get to its fault, or no pod was seen before it.
    init?(_ facts: RepeatReducer, logins: TrackFindings?) {
        guard let logins, facts.faultBegan != nil, let served = facts.before?.servingPod else { return nil }
        let told = Self.spans(of: served.uid, facts)
        for outage in logins.outages {
            let from = outage.lastSuccessStarted ?? outage.firstFailureStarted
            let to = outage.firstSuccessDone ?? max(outage.lastFailureStarted, outage.firstFailureDone)
            if let certain = outage.certain {
                let seen = told.reduce(Duration.zero) { $0 + $1.overlap(certain.lowerBound, certain.upperBound) }
                let blind = facts.blind.reduce(Duration.zero) {
                    $0 + max(.zero, min($1.to, certain.upperBound) - max($1.from, certain.lowerBound))
                }
                lower += max(.zero, seen - blind)
            }
            let blind = facts.blind.reduce(Duration.zero) { $0 + max(.zero, min($1.to, to) - max($1.from, from)) }
            let most = min(to - from, told.reduce(Duration.zero) { $0 + $1.overlap(from, to) } + blind)
            upper = outage.isOpen ? nil : upper.map { $0 + most }
        }
    }

    private struct Span {
        var from: RunTime
        var to: RunTime

        func overlap(_ start: RunTime, _ end: RunTime) -> Duration { max(.zero, min(to, end) - max(from, start)) }
    }

    /// The times in which a pod of the workload was said to be ready and not on its way out.
    private static func spans(of first: String, _ facts: RepeatReducer) -> [Span] {
        var ready: Set = [first]
        var since: RunTime? = facts.started
        var spans: [Span] = []
        for seen in facts.observations {
            guard let uid = seen.observation.uid, seen.observation.object.hasPrefix("pod/") else { continue }
            switch seen.observation.kind {
            case .podReady: ready.insert(uid)
            case .podNotReady, .podTerminating, .podGone: ready.remove(uid)
            default: continue
            }
            if let from = since, ready.isEmpty {
                spans.append(Span(from: from, to: seen.at))
                since = nil
            } else if since == nil, !ready.isEmpty {
                since = seen.at
            }
        }
        if let since { spans.append(Span(from: since, to: RunTime(nanoseconds: .max))) }
        return spans
    }
}

extension RepeatFindings {
    /// Says it only where it is certain.
    var readyNotServedSentence: String? {
        guard let found = readyNotServed, found.lower > .zero else { return nil }
        let upper = found.upper.map { " and at most \($0.textRoundedUp)" } ?? ""
        return "for at least \(found.lower.textRoundedDown)\(upper) Kubernetes said Ready while no client could log in"
    }
}
