/// Marks the judgements that follow from another one, so that reports name one cause once.
///
/// A service that never recovered has no ready pod, no replicas, no end of its downtime and no rows to read: this is one cause. A
/// downtime that is too long also makes the recovery late.
struct Consequences {
    /// Is `true` if the service was still down at the end of the repeat.
    let neverRecovered: Bool
    /// Is `true` if a pod was ready at the end of the repeat.
    let hasReadyPod: Bool

    func marked(_ judgements: [Judgement]) -> [Judgement] {
        guard let cause = cause(judgements) else { return judgements }
        return judgements.map { judgement in
            guard follows(judgement, from: cause) else { return judgement }
            var marked = judgement
            marked.follows = cause
            return marked
        }
    }

    private func cause(_ judgements: [Judgement]) -> Check? {
        [Check.recovery, .downtime].first { check in
            (check == .downtime || neverRecovered) && judgements.contains { $0.check == check && $0.outcome == .failed }
        }
    }

    private func follows(_ judgement: Judgement, from cause: Check) -> Bool {
        guard judgement.check != cause, judgement.outcome == .failed || judgement.outcome == .undecided else { return false }
        guard cause == .recovery else { return judgement.check == .recovery && judgement.outcome == .failed }
        switch judgement.check {
        case .downtime, .replicas: return true
        case .placement: return judgement.outcome == .undecided || !hasReadyPod
        // Lost data and a wrong address are causes of their own; a check of them that could not be made is not.
        case .dataPersistence, .storage, .serviceAddress: return judgement.outcome == .undecided
        default: return false
        }
    }
}
