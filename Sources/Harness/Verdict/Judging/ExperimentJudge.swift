import Experiment
import Journal

/// Combines the repeats of one experiment.
struct ExperimentJudge {
    let name: String
    let experiment: Experiment?
    let preflight: [PreflightCheck]
    let repeatsAsked: Int
    let repeats: [RepeatFindings]
    let hasStarted: Bool
    /// Is `true` if the experiment is the last one in the journal.
    let isCurrent: Bool
    /// The reason why an unfinished part of the run will not finish.
    let unfinished: Doubt?
    /// The first experiment whose preflight failed.
    let refused: String?
    /// Is `true` if a repeat of any experiment began.
    let isTouched: Bool

    func findings(started: RunTime?, ended: RunTime?) -> ExperimentFindings {
        let doubts = doubts()
        var judgements = Check.allCases.map { judge($0, doubts) }
        markAborted(&judgements, doubts)
        return ExperimentFindings(
            name: name, experiment: experiment, verdict: verdict(judgements, doubts), judgements: judgements, doubts: doubts,
            preflight: preflight, repeatsAsked: repeatsAsked, repeats: repeats, statistics: statistics(), started: started, ended: ended)
    }

    private func doubts() -> [Doubt] {
        var doubts: [Doubt] = []
        if let failed = preflight.first(where: { $0.status == .failed }) {
            let sentence = "\(failed.name): \(failed.message)"
            doubts.append(
                isTouched
                    ? Doubt(.preflightFailedLater, "\(sentence); other experiments of the run had been carried out by then")
                    : Doubt(.preflightFailed, sentence))
        } else if repeats.isEmpty, !isTouched, let refused {
            doubts.append(unfinished ?? Doubt(.otherPreflightFailed, "nothing was touched, as the preflight of '\(refused)' failed"))
        } else if !hasStarted {
            doubts.append(unfinished ?? Doubt(.noData, "the experiment was never started"))
        } else if repeats.isEmpty {
            doubts.append(unfinished ?? Doubt(.noData, "the journal has no repeat of this experiment"))
        } else if repeats.count < repeatsAsked {
            doubts.append(
                unfinished ?? Doubt(.repeatsMissing, "only \(repeats.count) of \(repeatsAsked) repeats were made")
            )
        } else if isCurrent, let unfinished, !repeats.contains(where: { $0.verdict == .aborted }) {
            // All repeats are complete, but the run has no end.
            doubts.append(unfinished)
        }
        return doubts
    }

    private func judge(_ check: Check, _ doubts: [Doubt]) -> Judgement {
        if check == .preflight { return judgePreflight(doubts) }
        let all = repeats.compactMap { found in found.judgement(check).map { (found.number, $0) } }
        for outcome in [Judgement.Outcome.failed, .undecided] {
            let matching = all.filter { $0.1.outcome == outcome }
            // Prefer the repeats in which the check is a cause of its own.
            let causes = matching.contains { $0.1.follows == nil } ? matching.filter { $0.1.follows == nil } : matching
            guard let worst = Self.worst(causes.map(\.0), of: repeats, check), let judgement = causes.first(where: { $0.0 == worst })?.1
            else { continue }
            return numbered(totalled(judgement, matching.count), worst, also: matching.filter { $0.0 != worst }.map(\.1))
        }
        if let doubt = doubts.first {
            return .skipped(check, "not evaluated: \(doubt.sentence)")
        }
        if let skipped = all.first(where: { $0.1.outcome == .skipped }) { return numbered(skipped.1, skipped.0) }
        guard let worst = all.last?.1, !all.isEmpty else { return .skipped(check, "not evaluated") }
        guard all.count > 1 else { return worst }
        let details = all.flatMap { number, judgement in ["repeat \(number): \(judgement.message)"] + judgement.details.map { "  \($0)" } }
        return .passed(check, "in all \(counted(all.count, "repeat")); the last: \(worst.message)", details: details)
    }

    /// The number of the repeat for the headline: the one with the most loss or the longest time, else the first.
    private static func worst(_ numbers: [Int], of repeats: [RepeatFindings], _ check: Check) -> Int? {
        let candidates = repeats.filter { numbers.contains($0.number) }
        let worst: RepeatFindings? =
            switch check {
            case .downtime: candidates.max { $0.judgedDowntime < $1.judgedDowntime }
            case .recovery: candidates.max { $0.judgedRecovery < $1.judgedRecovery }
            case .dataPersistence: candidates.max { $0.damage.values.reduce(0, +) < $1.damage.values.reduce(0, +) }
            default: nil
            }
        return worst?.number ?? numbers.first
    }

    /// Returns a failure of `dataPersistence` in several repeats with the sum of the damage: the damage of one would be too small.
    private func totalled(_ judgement: Judgement, _ count: Int) -> Judgement {
        guard judgement.check == .dataPersistence, judgement.outcome == .failed, count > 1 else { return judgement }
        let damage = repeats.reduce(into: [String: Int64]()) { $0.merge($1.damage, uniquingKeysWith: +) }
        let sums = RepeatFindings.damageNames.compactMap { name in damage[name].flatMap { $0 > 0 ? "\($0) \(name)" : nil } }
        var total = judgement
        total.message =
            "\(sums.joined(separator: ", ")) in \(count) of \(counted(repeatsAsked, "repeat")); most in one: \(judgement.message)"
        return total
    }

    /// Returns the judgement of one repeat as that of the experiment, with the repeat's number.
    private func numbered(_ judgement: Judgement, _ number: Int, also others: [Judgement] = []) -> Judgement {
        guard repeatsAsked > 1 else { return judgement }
        var all = judgement
        let more = others.isEmpty ? "" : ", as in \(others.count) more"
        all.message = "\(judgement.message) (repeat \(number) of \(repeatsAsked)\(more))"
        all.details += others.flatMap { [$0.message] + $0.details }
        return all
    }

    private func judgePreflight(_ doubts: [Doubt]) -> Judgement {
        if let doubt = doubts.first(where: { [.preflightFailed, .preflightFailedLater].contains($0.kind) }) {
            let failed = preflight.filter { $0.status == .failed }
            let lines = failed.map { "\($0.name): \($0.message)\($0.hint.map { " - \($0)" } ?? "")" }
            return Judgement(.preflight, .undecided, type: "preflight.failed", message: doubt.sentence, details: lines)
        }
        let unsteady = repeats.flatMap(\.doubts).first { $0.kind.check == .preflight }
        if let unsteady { return .undecided(unsteady) }
        if let doubt = doubts.first(where: { $0.kind.check == .preflight }) { return .undecided(doubt) }
        guard hasStarted, !preflight.isEmpty || !repeats.isEmpty else { return .skipped(.preflight, "not evaluated") }
        let warnings = preflight.filter { $0.status == .warning }
        let lines = preflight.map { "\($0.status.rawValue): \($0.name): \($0.message)" }
        let count = "\(counted(preflight.count, "check")), \(counted(warnings.count, "warning"))"
        return .passed(.preflight, count, details: lines)
    }

    /// Marks the testcase of the stage at which the run was aborted. Exactly one carries the abort, and none passes by accident.
    private func markAborted(_ judgements: inout [Judgement], _ doubts: [Doubt]) {
        guard let doubt = doubts.first(where: { $0.kind.type == "aborted" }) else { return }
        guard !judgements.contains(where: { $0.type == "aborted" }) else { return }
        let running: Check = !hasStarted || repeats.isEmpty ? .preflight : repeats.count < repeatsAsked ? .faultTookEffect : .restore
        guard let index = judgements.firstIndex(where: { $0.check == running }), judgements[index].outcome != .failed else { return }
        judgements[index] = Judgement(
            running, .undecided, type: "aborted", message: doubt.sentence, details: judgements[index].details)
    }

    private func verdict(_ judgements: [Judgement], _ doubts: [Doubt]) -> Verdict {
        if judgements.contains(where: { $0.outcome == .failed }) { return .fail }
        if doubts.contains(where: { $0.kind.type == "aborted" }) { return .aborted }
        let worst = Verdict.combined(repeats.map(\.verdict)) ?? .invalid
        if worst == .pass, !doubts.isEmpty || judgements.contains(where: { $0.outcome == .undecided }) { return .invalid }
        return worst
    }

    private func statistics() -> [Track: Sample.Summary] {
        var summaries: [Track: Sample.Summary] = [:]
        for track in Track.allCases {
            let values = repeats.filter { $0.verdict == .pass || $0.verdict == .fail }
                .compactMap { $0.track(track)?.downtime.judged }
            summaries[track] = Sample(values).summary
        }
        return summaries
    }
}
