import Experiment
import Journal
import Verdict

/// The first lines about an experiment. They are about its worst repeat and the total, never about the last repeat.
struct Headline {
    let found: ExperimentFindings
    /// The first repeat with the longest downtime; `nil` if nothing was measured.
    let worst: RepeatFindings?

    init(_ found: ExperimentFindings) {
        self.found = found
        let measured = found.repeats.filter { !$0.tracks.isEmpty }
        worst = measured.max { left, right in
            let (one, other) = (Self.judged(left), Self.judged(right))
            return one == other ? left.number > right.number : one < other
        }
    }

    static func judged(_ found: RepeatFindings) -> Sample.Value {
        found.judgedTrack.flatMap { found.track($0) }?.downtime.judged ?? Sample.Value(.zero)
    }

    /// The judged track of the worst repeat.
    var track: TrackFindings? { worst.flatMap { one in one.judgedTrack.flatMap { one.track($0) } } }

    /// `1.110 to 1.181 s`, with both bounds.
    var downtime: String {
        guard let worst else { return "not measured" }
        guard let track else { return "none longer than \(Self.resolution(worst).textRoundedUp)" }
        guard let upper = track.downtime.upper else { return "\u{2265} \(track.downtime.lower.textRoundedDown)" }
        return "\(track.downtime.lower.textRoundedDown.dropLast(2)) to \(upper.textRoundedUp)"
    }

    /// The longest outage that every track could have overlooked.
    static func resolution(_ found: RepeatFindings) -> Duration { found.tracks.map(\.resolution).max() ?? .zero }

    // MARK: Data

    var ledgers: [LedgerChecked] { found.repeats.compactMap(\.ledger) }
    var uncheckedRepeats: Int { found.repeats.count - ledgers.count }
    func total(_ count: KeyPath<LedgerChecked, Int64>) -> Int64 { ledgers.reduce(0) { $0 + $1[keyPath: count] } }

    var lost: String {
        guard !ledgers.isEmpty else { return "not checked" }
        return "\(total(\.lost).grouped) of \((total(\.acknowledged) + total(\.seeded)).grouped)"
    }

    var otherDamage: [String] {
        [
            ("corrupt", \LedgerChecked.corrupt), ("duplicate", \.duplicate), ("unexpected", \.unexpected), ("stale", \.stale),
            ("torn", \.torn),
        ]
        .compactMap { name, count in total(count) > 0 ? "\(total(count).grouped) \(name)" : nil }
    }

    // MARK: In words

    /// "SIGKILL to process 'sqlservr' in sql/azure-sql-edge, 10 times".
    var done: String {
        let target = found.experiment.map { " in \($0.target.namespace)/\($0.target.workload)" } ?? ""
        let count = found.repeats.count
        let times = count == found.repeatsAsked ? Self.times(count) : "\(count) of \(Self.times(found.repeatsAsked))"
        return "\(action)\(target), \(times)"
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : counted(count, "time") }

    private var action: String {
        switch found.fault {
        case "none": return "Nothing was done"
        case "processKill":
            let summary = found.repeats.lazy.compactMap(\.faultSummary).first ?? ""
            let words = summary.split(separator: " in container").first ?? ""
            return words.hasPrefix("send ") ? String(words.dropFirst(5)) : "Process killed"
        case "containerKill": return "Container killed"
        case "podDelete": return "Pod deleted"
        case "podEvict": return "Pod evicted"
        case "nodeDrain": return "Node drained"
        case "nodeTaint": return "Node tainted"
        case "nodeFailure": return "Node taken away"
        case "command": return "A command as the fault"
        default:
            let words = found.fault.reduce(into: "") { $0 += $1.isUppercase ? " \($1.lowercased())" : String($1) }
            return words.prefix(1).uppercased() + words.dropFirst()
        }
    }

    /// The longest phases of the worst repeat's downtime, in a sentence.
    var spent: String? {
        guard let worst, let track, let total = track.downtime.upper, total > .zero else { return nil }
        let largest = worst.phases.sorted { $0.duration > $1.duration }.prefix(2).filter { $0.duration > .zero }
        guard !largest.isEmpty else { return nil }
        let parts = largest.map { phase in
            "\(phase.duration.textRoundedUp) (\(Int((phase.duration / total * 100).rounded())) %) until \u{201C}\(phase.name.title)\u{201D}"
        }
        return "Of at most \(total.textRoundedUp) in the worst repeat, \(parts.joined(separator: " and "))."
    }

    /// The obstacles from the cluster's events, in the repeats that did not pass, else in the worst one.
    var causes: [String] {
        let bad = found.repeats.filter { $0.verdict != .pass }
        var causes: [String] = []
        for one in bad.isEmpty ? [worst].compactMap({ $0 }) : bad {
            causes += one.verdict == .pass ? [] : one.nodeLoss?.sentences ?? []
            causes += one.remarks
            let fault = one.faultBegan ?? one.started
            for seen in one.observations where seen.at >= fault && seen.observation.isWarning && seen.observation.kind == .event {
                causes.append("\(seen.observation.object): \(seen.observation.detail ?? "")")
            }
            guard causes.isEmpty else { break }
        }
        var told: Set<String> = []
        return causes.filter { told.insert($0).inserted }.prefix(6).map { $0.line(limit: 300) }
    }
}

extension Int64 {
    /// `12,345`.
    var grouped: String {
        var text = ""
        for (index, digit) in String(self).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }
}
