import Experiment
import Journal
import Verdict

/// The judged downtime of every repeat, from its lower to its upper bound, against the limit.
struct DowntimeChart {
    private static let rowHeight = 22.0
    private static let left = 84.0
    private static let width = 960.0

    let found: ExperimentFindings

    var svg: SVG? {
        let rows = found.repeats.filter { !$0.tracks.isEmpty }
        guard !rows.isEmpty else { return nil }
        let limit = found.experiment?.expect.maxDowntime?.seconds
        let longest = rows.compactMap { worst($0)?.downtime }.map { ($0.upper ?? $0.lower).seconds }.max() ?? 0
        // A limit far beyond what was measured would press the measurements together; it is then named at the edge.
        let showsLimit = limit.map { $0 <= longest * 4 || longest == 0 } ?? false
        let scale = TimeScale(
            from: 0, to: max(0.1, longest * 1.15, showsLimit ? (limit ?? 0) * 1.1 : 0), left: Self.left, right: Self.width - 14)
        let bottom = 14 + Double(rows.count) * Self.rowHeight
        var svg = SVG(width: Self.width, height: bottom + 26, title: "Downtime of each repeat of \(found.name), in seconds")
        for tick in scale.ticks {
            svg.line(scale.x(tick), 6, scale.x(tick), bottom, "grid")
            svg.text(scale.x(tick), bottom + 16, TimeScale.label(tick), "label", anchor: .middle)
        }
        if let limit {
            if showsLimit {
                svg.line(scale.x(limit), 2, scale.x(limit), bottom, "limit", note: "allowed: \(TimeScale.label(limit))")
                svg.text(scale.x(limit) - 4, 10, "allowed", "label", anchor: .end)
            } else {
                svg.text(Self.width - 14, 10, "allowed: \(TimeScale.label(limit)), far to the right", "label", anchor: .end)
            }
        }
        for (index, row) in rows.enumerated() {
            let y = 14 + (Double(index) + 0.5) * Self.rowHeight
            svg.text(Self.left - 10, y + 4, "repeat \(row.number)", "label", anchor: .end)
            draw(row, y, scale, &svg)
        }
        return svg
    }

    private func draw(_ row: RepeatFindings, _ y: Double, _ scale: TimeScale, _ svg: inout SVG) {
        let style = "dot-\(row.verdict.rawValue)"
        guard let worst = worst(row) else {
            svg.circle(scale.x(0), y, 5, style, note: "repeat \(row.number): no outage")
            return
        }
        let lower = worst.downtime.lower.seconds
        let note = "repeat \(row.number), \(worst.track.rawValue) track: at least \(worst.downtime.lower.textRoundedDown), "
        guard let upper = worst.downtime.upper else {
            svg.line(scale.x(lower), y, scale.x(scale.to), y, "open", note: note + "its end was not seen")
            svg.text(scale.x(lower) + 4, y - 5, "≥", "label strong")
            return
        }
        svg.line(scale.x(lower), y, scale.x(upper.seconds), y, "bounds", note: note + "at most \(upper.textRoundedUp)")
        svg.circle(scale.x(upper.seconds), y, 5, style, note: note + "at most \(upper.textRoundedUp)")
    }

    private func worst(_ row: RepeatFindings) -> TrackFindings? { row.judgedTrack.flatMap { row.track($0) } }
}

/// The phases of the judged downtime of one repeat, one after the other.
struct PhasesChart {
    private static let width = 960.0

    let found: RepeatFindings

    var svg: SVG? {
        let total = found.phases.reduce(0) { $0 + $1.duration.seconds }
        guard total > 0 else { return nil }
        var svg = SVG(width: Self.width, height: 44, title: "Phases of the downtime of repeat \(found.number)")
        var x = 0.0
        for (index, phase) in found.phases.enumerated() {
            let width = phase.duration.seconds / total * Self.width
            let style = phase.name == .unobserved ? "phase-unobserved" : "phase-\(index % 6)"
            svg.rect(x, 2, width, 28, style, note: "\(phase.name.rawValue): \(phase.duration.textRoundedUp)")
            let name = phase.name.title
            // About seven units to a letter.
            if width > Double(name.count) * 7 + 8 { svg.text(x + 5, 20, name, "phase-label") }
            x += width
        }
        svg.text(0, 42, "0 s", "label")
        svg.text(Self.width, 42, TimeScale.label((total * 1000).rounded(.up) / 1000), "label", anchor: .end)
        return svg
    }
}

extension Phase.Name {
    /// For people.
    var title: String {
        switch self {
        case .beforeFault: "before the fault"
        case .noticed: "noticed"
        case .oldPodGone: "old pod gone"
        case .oldContainerGone: "old container gone"
        case .scheduled: "scheduled"
        case .volumeAttached: "volume attached"
        case .containerStarted: "container started"
        case .tcpOpen: "TCP open"
        case .loginAccepted: "login accepted"
        case .databaseOnline: "database online"
        case .firstQuery: "first query"
        case .firstWrite: "first write"
        case .unobserved: "unobserved"
        case .otherOutages: "other outages"
        case .notRecovered: "not recovered"
        }
    }
}
