extension ExperimentFindings {
    /// The same findings without judgements, for a run that still goes on.
    var unjudged: ExperimentFindings {
        func unjudged(_ judgements: [Judgement]) -> [Judgement] {
            judgements.map { .skipped($0.check, "not judged yet: the run goes on") }
        }
        var found = self
        found.verdict = .aborted
        found.doubts = []
        found.judgements = unjudged(judgements)
        found.repeats = repeats.map { one in
            var one = one
            one.verdict = .aborted
            one.doubts = []
            one.judgements = unjudged(one.judgements)
            return one
        }
        return found
    }
}
