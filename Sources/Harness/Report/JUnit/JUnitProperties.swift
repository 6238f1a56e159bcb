import Experiment
import Journal
import Verdict

/// The numbers of an experiment as properties, with the units in their names.
struct JUnitProperties {
    private let found: ExperimentFindings
    private let headline: Headline
    private let isJudged: Bool

    /// - Parameter isJudged: whether there are verdicts, which a running run does not have.
    init(_ found: ExperimentFindings, isJudged: Bool = true) {
        self.isJudged = isJudged
        self.found = found
        headline = Headline(found)
    }

    /// The properties of the whole experiment, then those of each repeat with its number.
    var ofSuite: [(String, String)] {
        var properties = [
            ("fault", found.fault), ("repeats.made", String(found.repeats.count)),
            ("repeats.asked", String(found.repeatsAsked)),
        ]
        if isJudged { properties.append(("verdict", found.verdict.rawValue)) }
        properties += downtime + data
        let digits = String(found.repeatsAsked).count
        for one in found.repeats {
            let number = String(one.number)
            let prefix = "repeat.\(String(repeating: "0", count: max(0, digits - number.count)))\(number)"
            if isJudged { properties.append(("\(prefix).verdict", one.verdict.rawValue)) }
            for track in one.tracks { properties += bounds("\(prefix).downtime.\(track.track.rawValue)", track.downtime) }
            if let ledger = one.ledger { properties.append(("\(prefix).rows.lost", String(ledger.lost))) }
        }
        for (key, value) in (found.experiment?.labels ?? [:]).sorted(by: { $0.key < $1.key }) {
            properties.append(("label.\(key)", value))
        }
        return properties
    }

    func of(_ check: Check) -> [(String, String)] {
        switch check {
        case .downtime: downtime
        case .dataPersistence: data
        default: []
        }
    }

    /// The downtime of the worst repeat, by track.
    private var downtime: [(String, String)] {
        var properties: [(String, String)] = []
        if let limit = found.experiment?.expect.maxDowntime { properties.append(("downtime.limit.ms", Self.text(limit))) }
        for track in Track.allCases {
            let worst = found.repeats.compactMap { $0.track(track)?.downtime }.max { $0.judged < $1.judged }
            if let worst { properties += bounds("downtime.\(track.rawValue).worst", worst) }
            if let median = found.statistics[track]?.median, !median.isAtLeast {
                properties.append(("downtime.\(track.rawValue).median.upper.ms", Self.text(median.duration)))
            }
        }
        return properties
    }

    private var data: [(String, String)] {
        guard !headline.ledgers.isEmpty else { return [] }
        let counts: [(String, KeyPath<LedgerChecked, Int64>)] = [
            ("acknowledged", \.acknowledged), ("baseline", \.seeded), ("lost", \.lost), ("corrupt", \.corrupt), ("duplicate", \.duplicate),
            ("unexpected", \.unexpected), ("stale", \.stale), ("unknown", \.unknown),
        ]
        let torn = headline.ledgers.contains { $0.transfers != nil } ? [("rows.torn", String(headline.total(\.torn)))] : []
        return counts.map { ("rows.\($0.0)", String(headline.total($0.1))) } + torn + [
            ("rows.uncheckedRepeats", String(headline.uncheckedRepeats))
        ]
    }

    /// An outage without a seen end has no upper bound, and gets no property for it.
    private func bounds(_ name: String, _ downtime: Downtime) -> [(String, String)] {
        var properties = [("\(name).lower.ms", Self.text(downtime.lower))]
        if let upper = downtime.upper { properties.append(("\(name).upper.ms", Self.text(upper))) }
        return properties
    }

    /// Milliseconds with nanoseconds, never rounded: a rounded bound may be wrong.
    private static func text(_ duration: Duration) -> String {
        let (whole, rest) = duration.wholeNanoseconds.quotientAndRemainder(dividingBy: 1_000_000)
        var digits = String(rest + 1_000_000).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return digits.isEmpty ? String(whole) : "\(whole).\(digits)"
    }
}
