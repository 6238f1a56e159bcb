import Experiment
import Journal
import Verdict

/// The template's data of one experiment.
struct HTMLExperiment {
    struct Tile {
        var title: String
        var style: String
        var big: String
        var bar: String
        var lines: [String]
    }

    /// A part of the sentence about the longest phases, or about the reason of a failure.
    struct Why {
        var text: String
        var link: String?
        var linkText: String
    }

    struct CheckRow {
        var id: String
        var name: String
        var outcome: String
        var outcomeText: String
        var message: String
        var details: [String]
        var hasDetails: Bool
        var isOpen: Bool
    }

    struct StatisticsRow {
        var track: String
        var minimum: String
        var median: String
        var interval: String
        var maximum: String
    }

    var id: String
    var name: String
    var done: String
    var verdict: String
    var verdictText: String
    var description: String?
    var tiles: [Tile]
    var why: [Why]
    var causes: [String]
    var hasCauses: Bool
    var place: [HTMLCell]
    var strip: String
    var checks: [CheckRow]
    var counted: Int
    var statistics: [StatisticsRow]
    var hasStatistics: Bool
    var losses: String?
    var repeats: [HTMLRepeat]

    /// The number of repeats that are rendered from the start; the page renders the others when they are opened.
    private static let eagerRepeats = 50

    static func id(_ number: Int) -> String { "e\(number)" }

    init(_ found: ExperimentFindings, number: Int) {
        let id = Self.id(number)
        let headline = Headline(found)
        self.id = id
        name = found.name.plain
        done = headline.done.plain
        verdict = found.verdict.rawValue
        verdictText = found.verdict.rawValue.uppercased()
        description = found.experiment?.description?.plain
        tiles = HTMLTiles(headline).all
        why = Self.why(headline, id)
        causes = headline.causes.map(\.plain)
        hasCauses = !causes.isEmpty
        place = Self.place(found)
        let ordered = found.repeats.sorted { left, right in
            let (one, other) = (Headline.judged(left), Headline.judged(right))
            if left.verdict != right.verdict, left.verdict == .pass || right.verdict == .pass { return right.verdict == .pass }
            return one == other ? left.number < right.number : one > other
        }
        strip = RepeatStrip(found: found, ordered: ordered, id: id).html
        checks = found.judgements.map { judgement in
            CheckRow(
                id: "\(id)-\(judgement.check.rawValue)", name: judgement.check.rawValue, outcome: judgement.outcome.rawValue,
                outcomeText: judgement.outcome.text, message: judgement.message.plain, details: judgement.details.map(\.plain),
                hasDetails: !judgement.details.isEmpty, isOpen: judgement.outcome == .failed || judgement.outcome == .undecided)
        }.sorted { $0.isOpen && !$1.isOpen }
        statistics = Track.allCases.compactMap { track in
            found.statistics[track].map { summary in
                let interval = summary.medianInterval.map { "\($0.lowerBound.text) to \($0.upperBound.text)" } ?? "needs 6 repeats"
                return StatisticsRow(
                    track: track.rawValue, minimum: summary.minimum.text, median: summary.median.text, interval: interval,
                    maximum: summary.maximum.text)
            }
        }
        counted = found.statistics.values.map(\.count).max() ?? 0
        hasStatistics = found.repeats.count > 1 && !statistics.isEmpty
        losses = Self.losses(found)
        repeats = ordered.enumerated().map { place, one in
            HTMLRepeat(one, id: Self.id(of: one, id), isOpen: place == 0, isLate: place >= Self.eagerRepeats)
        }
    }

    static func id(of one: RepeatFindings, _ experiment: String) -> String { "\(experiment)-r\(one.number)" }

    private static func why(_ headline: Headline, _ id: String) -> [Why] {
        let found = headline.found
        // Each cause is shown once: the checks that follow from it are in the list below.
        let causes = found.judgements.filter { $0.follows == nil }
        let open = causes.filter { $0.outcome == .failed } + causes.filter { $0.outcome == .undecided }
        guard open.isEmpty else {
            return open.prefix(3).map { judgement in
                Why(
                    text: "\(judgement.check.rawValue): \(judgement.message.plain).", link: "\(id)-\(judgement.check.rawValue)",
                    linkText: "evidence")
            }
        }
        guard let worst = headline.worst else { return [Why(text: "Nothing was measured.", link: nil, linkText: "")] }
        let text = headline.spent ?? "No track was out for longer than the probes could overlook."
        return [Why(text: text, link: Self.id(of: worst, id), linkText: "repeat \(worst.number)")]
    }

    private static func place(_ found: ExperimentFindings) -> [HTMLCell] {
        var cells: [HTMLCell] = []
        if let target = found.experiment?.target {
            cells.append(HTMLCell("namespace", target.namespace))
            cells.append(HTMLCell("workload", "\(target.workloadKind)/\(target.workload)"))
        }
        guard let first = found.repeats.first else { return cells }
        if let address = first.address { cells.append(HTMLCell("address", address)) }
        if let server = first.server { cells.append(HTMLCell("server", server)) }
        if let pod = first.before?.servingPod {
            if let image = pod.image { cells.append(HTMLCell("image", image)) }
            if let image = pod.imageID, let digest = image.ranges(of: "sha256:").last.map({ image[$0.lowerBound...] }) {
                cells.append(HTMLCell("digest", String(digest.prefix(19))))
            }
            cells.append(HTMLCell("node", pod.node))
        }
        let classes = Set((first.before?.volumes ?? []).compactMap(\.storageClass)).sorted()
        if !classes.isEmpty { cells.append(HTMLCell("storage class", classes.joined(separator: ", "))) }
        return cells
    }

    /// The confidence statement about the share of runs with losses, if no repeat lost data.
    private static func losses(_ found: ExperimentFindings) -> String? {
        let checked = found.repeats.filter { $0.verdict == .pass || $0.verdict == .fail }.compactMap(\.ledger)
        guard checked.count > 1, !checked.contains(where: { $0.isDataLost(allowed: 0) }) else { return nil }
        guard let bound = Sample.upperBoundOfShare(noneOf: checked.count) else { return nil }
        return "0 of \(checked.count) repeats lost data: with 95 % confidence at most \(Int((bound * 100).rounded(.up))) % of such runs do."
    }
}

extension Judgement.Outcome {
    var text: String {
        switch self {
        case .passed: "pass"
        case .failed: "FAIL"
        case .undecided: "could not tell"
        case .skipped: "not evaluated"
        }
    }
}
