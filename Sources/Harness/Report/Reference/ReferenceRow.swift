import Journal
import Verdict

/// A line of the reference table: the repeats of all runs of an arm, as one sample.
struct ReferenceRow {
    let arm: ReferencePage.Arm
    let repeats: [RepeatFindings]

    init(_ arm: ReferencePage.Arm) {
        self.arm = arm
        repeats = arm.runs.flatMap(\.experiments).flatMap(\.repeats)
    }

    /// The repeats that were judged.
    private var judged: [RepeatFindings] { repeats.filter { $0.verdict == .pass || $0.verdict == .fail } }

    var isMeasured: Bool { !judged.isEmpty }

    /// The repeats in which the service recovered. After a repeat was given up, the server's log is about the undo.
    private var recoveredRepeats: [RepeatFindings] { judged.filter { !$0.recoveredAfter.isAtLeast } }

    static let notMeasured = "not measured"

    var title: String { arm.name + (arm.debt.map { ", \($0)" } ?? "") }

    /// The proven debt, or the requested one if there is no proof.
    var debt: String {
        guard let asked = arm.debt else { return "none" }
        let found = judged.compactMap(\.debt)
        let logs = found.compactMap(\.logBytes)
        if let least = logs.min(), let most = logs.max(), logs.count == found.count {
            return least.sizeText == most.sizeText ? least.sizeText : "\(least.sizeText) to \(most.sizeText)"
        }
        guard let sent = found.map(\.sentBytes).min() else { return "\(asked) asked for, \(Self.notMeasured)" }
        return "\(sent.sizeText) sent; the log is not known"
    }

    // MARK: Downtime

    var downtimeCells: [String] {
        guard !judged.isEmpty else {
            return ["0"] + Array(repeating: Self.notMeasured, count: 4) + [verdicts]
        }
        return ["\(judged.count)", median, worst, recovered, lost, verdicts]
    }

    /// The bounds of a repeat's judged downtime. If no track was out, `upper` limits an outage that all of them overlooked.
    private static func bounds(_ found: RepeatFindings) -> (lower: Duration, upper: Duration?) {
        guard let track = found.judgedTrack.flatMap(found.track) else { return (.zero, Headline.resolution(found)) }
        return (track.downtime.lower, track.downtime.upper)
    }

    private var lower: Sample.Summary? { Sample(judged.map { Sample.Value(Self.bounds($0).lower) }).summary }

    private var upper: Sample.Summary? {
        Sample(
            judged.map { found in
                let bounds = Self.bounds(found)
                return bounds.upper.map { Sample.Value($0) } ?? Sample.Value(bounds.lower, isAtLeast: true)
            }
        ).summary
    }

    private var median: String {
        guard let lower, let upper else { return Self.notMeasured }
        return Self.text(lower.median, upper.median)
    }

    private var worst: String {
        guard let lower, let upper else { return Self.notMeasured }
        return Self.text(lower.maximum, upper.maximum)
    }

    private static func text(_ lower: Sample.Value, _ upper: Sample.Value) -> String {
        upper.isAtLeast
            ? "≥ \(lower.duration.textRoundedDown)" : "\(lower.duration.textRoundedDown.dropLast(2)) to \(upper.duration.textRoundedUp)"
    }

    private var recovered: String { Sample(judged.map(\.recoveredAfter)).summary?.maximum.text ?? Self.notMeasured }

    private var lost: String {
        let read = judged.compactMap(\.ledger)
        guard !read.isEmpty else { return "not read back" }
        let total = read.reduce((lost: Int64(0), acknowledged: Int64(0))) { ($0.lost + $1.lost, $0.acknowledged + $1.acknowledged) }
        let rest = judged.count - read.count
        return "\(total.lost.grouped) of \(total.acknowledged.grouped)\(rest > 0 ? "; \(rest) not read back" : "")"
    }

    private var verdicts: String {
        var counts: [String] = []
        for (verdict, name) in [(Verdict.pass, "pass"), (.fail, "fail"), (.invalid, "could not tell"), (.aborted, "interrupted")] {
            let count = repeats.count { $0.verdict == verdict }
            if count > 0 { counts.append("\(count) \(name)") }
        }
        if !counts.isEmpty { return counts.joined(separator: ", ") }
        return arm.leftOut == nil && arm.runs.isEmpty ? "not run" : "not carried out"
    }

    // MARK: Where it went

    var timeCells: [String] {
        [
            phase([.noticed, .oldPodGone, .oldContainerGone]), phase([.scheduled, .volumeAttached]), phase([.containerStarted]),
            phase([.tcpOpen, .loginAccepted]), measuredRecovery, phase([.firstQuery, .firstWrite]), serverRecovery, stop,
        ]
    }

    /// The median of the repeats in which the phases were seen.
    private func phase(_ names: Set<Phase.Name>) -> String {
        let sums = judged.compactMap { found -> Sample.Value? in
            let parts = found.phases.filter { names.contains($0.name) }
            return parts.isEmpty ? nil : Sample.Value(parts.reduce(.zero) { $0 + $1.duration })
        }
        guard let summary = Sample(sums).summary else { return Self.notMeasured }
        return summary.median.text + (sums.count < judged.count ? " (\(sums.count) of \(judged.count))" : "")
    }

    /// The longest, by the lower bound.
    private var measuredRecovery: String {
        let longest = recoveredRepeats.compactMap(\.recovery).max { $0.time.lower < $1.time.lower }
        return longest?.time.text ?? Self.notMeasured
    }

    private var serverRecovery: String {
        let longest = recoveredRepeats.compactMap { $0.recoveries.max { $0.total < $1.total } }.max { $0.total < $1.total }
        guard let longest else { return Self.notMeasured }
        return "\(Duration.milliseconds(longest.total).textRoundedUp) (redo \(Duration.milliseconds(longest.redo).textRoundedUp), "
            + "undo \(Duration.milliseconds(longest.undo).textRoundedUp))"
    }

    private var stop: String {
        guard !recoveredRepeats.isEmpty else { return Self.notMeasured }
        let stops = recoveredRepeats.compactMap(\.shutdown)
        guard !stops.isEmpty else { return "not told to stop" }
        var counts: [String] = []
        for (isClean, name) in [(true, "clean"), (false, "killed")] {
            let those = stops.filter { $0.isClean == isClean }
            guard !those.isEmpty else { continue }
            let longest = those.compactMap(\.took).max().map { " after at most \($0.textRoundedUp)" } ?? ""
            counts.append("\(those.count) \(name)\(longest)")
        }
        let unseen = stops.count { $0.isClean == nil }
        if unseen > 0 { counts.append("\(unseen) not seen") }
        return counts.joined(separator: ", ")
    }

    // MARK: Notes

    /// Sentences about missing runs, failures, and the remedies for a lost node.
    var notes: [String] {
        if repeats.isEmpty {
            if let leftOut = arm.leftOut { return ["Not carried out: \(leftOut)."] }
            let refused = arm.runs.last?.experiments.first?.preflight.filter { $0.status == .failed }.map(\.message) ?? []
            return refused.isEmpty ? ["Not run."] : ["Refused before the run: \(refused.joined(separator: "; "))."]
        }
        var notes: [String] = []
        let open = arm.runs.flatMap(\.experiments).flatMap(\.judgements).filter {
            ($0.outcome == .failed || $0.outcome == .undecided) && $0.follows == nil
        }
        var told: Set<String> = []
        for judgement in open where told.insert(judgement.check.rawValue).inserted {
            notes.append("\(judgement.check.rawValue) (\(judgement.outcome.text)): \(judgement.message).")
        }
        let slowest = judged.max { Headline.judged($0) < Headline.judged($1) }
        if let slowest {
            notes += [slowest.remedied, slowest.recoveredAfter.isAtLeast ? nil : slowest.stop].compactMap { $0 }.map {
                "In the worst repeat: \($0)."
            }
            if slowest.verdict == .fail, let loss = slowest.nodeLoss {
                notes.append("The lost node: \(loss.sentences.joined(separator: "; ")).")
            }
            if slowest.observations.contains(where: {
                $0.observation.kind == .crashLoopBackOff && $0.at >= slowest.faultBegan ?? slowest.started
            }) {
                notes.append("The kubelet held a restart back (CrashLoopBackOff), and that wait is in the figures.")
            }
        }
        return notes
    }
}
