import Experiment
import Journal
import Verdict

/// The three answers of an experiment: the downtime, the lost rows, the restored cluster.
struct HTMLTiles {
    let headline: Headline

    init(_ headline: Headline) {
        self.headline = headline
    }

    var all: [HTMLExperiment.Tile] { [downtime, rows, restored] }

    private func style(_ check: Check) -> String {
        switch headline.found.judgement(check)?.outcome {
        case .passed: "good"
        case .failed: "bad"
        case .undecided, .skipped, nil: ""
        }
    }

    private var downtime: HTMLExperiment.Tile {
        let limit = headline.found.experiment?.expect.maxDowntime
        let allowed = limit.map { "allowed \($0.text)" } ?? "no limit given"
        var tile = HTMLExperiment.Tile(
            title: "Downtime, worst repeat", style: style(.downtime), big: "not measured", bar: "", lines: [allowed])
        guard let worst = headline.worst else { return tile }
        guard let track = headline.track else {
            tile.big = "no outage seen"
            tile.lines = ["none longer than \(Headline.resolution(worst).textRoundedUp) on any track, \(allowed)"]
            return tile
        }
        let number = headline.found.repeats.count > 1 ? "repeat \(worst.number), " : ""
        let lower = track.downtime.lower
        if let upper = track.downtime.upper {
            tile.big = "at most \(upper.textRoundedUp)"
            tile.lines = ["at least \(lower.textRoundedDown), \(allowed)", "\(number)\(track.track.rawValue) track"]
        } else {
            tile.big = "\u{2265} \(lower.textRoundedDown)"
            tile.lines = ["its end was not seen; \(allowed)", "\(number)\(track.track.rawValue) track"]
        }
        if let debt = worst.debt?.sentence { tile.lines.append(debt) }
        tile.bar = bullet(track.downtime, limit)
        return tile
    }

    /// A bar that is dark up to the lower bound, light up to the upper bound, and has a line at the limit.
    private func bullet(_ downtime: Downtime, _ limit: Duration?) -> String {
        let longest = (downtime.upper ?? downtime.lower).seconds
        let allowed = limit?.seconds
        // A limit far above the measurement would make the bar invisible; its line is then at the edge.
        let end = max(0.001, max(longest * 1.05, min(allowed.map { $0 * 1.05 } ?? 0, longest * 5)))
        let words =
            "at least \(downtime.lower.textRoundedDown), "
            + (downtime.upper.map { "at most \($0.textRoundedUp)" } ?? "its end was not seen")
        var picture = SVG(from: 0, to: end, height: 12, title: "Downtime: \(words)\(limit.map { ", allowed \($0.text)" } ?? "")")
        picture.rect(0, to: downtime.upper?.seconds ?? end, "poss")
        picture.rect(0, to: downtime.lower.seconds, "sure")
        if let allowed { picture.ticks([min(allowed, end * 0.997)], "limit") }
        let far = (allowed ?? 0) > end ? "<p class=\"soft\">the limit is far to the right</p>" : ""
        return picture.text("flat") + far
    }

    private var rows: HTMLExperiment.Tile {
        var tile = HTMLExperiment.Tile(
            title: "Rows lost, all repeats", style: style(.dataPersistence), big: "not checked", bar: "", lines: [])
        if !headline.ledgers.isEmpty {
            let all = headline.total(\.acknowledged) + headline.total(\.seeded)
            tile.big = headline.total(\.lost).grouped
            tile.lines = ["of \(all.grouped) acknowledged and baseline rows"]
        }
        let damage = headline.otherDamage
        if !damage.isEmpty { tile.lines.append(damage.joined(separator: ", ")) }
        if headline.uncheckedRepeats > 0 {
            let why = headline.found.repeats.lazy.compactMap(\.ledgerUnchecked).first.map { ": \($0)" } ?? ""
            tile.lines.append(
                "not read back in \(headline.uncheckedRepeats) of \(counted(headline.found.repeats.count, "repeat"))\(why)".line(limit: 160)
            )
            if tile.style == "good" { tile.style = "" }
        }
        let unknown = headline.total(\.unknown)
        if unknown > 0 {
            tile.lines.append(
                "\(unknown.grouped) unanswered: \(headline.total(\.unknownPresent).grouped) there, \(headline.total(\.unknownAbsent).grouped) not"
            )
        }
        return tile
    }

    private var restored: HTMLExperiment.Tile {
        let undo = headline.found.repeats.flatMap(\.undo)
        let open = undo.filter { $0.proven != true }
        guard open.isEmpty else {
            return HTMLExperiment.Tile(
                title: "Restored", style: "bad", big: "\(open.count) of \(undo.count) NOT restored", bar: "",
                lines: open.prefix(3).map { $0.summary.plain } + ["aftershock restore does it"])
        }
        guard !headline.found.repeats.isEmpty else {
            return HTMLExperiment.Tile(title: "Restored", style: "", big: "nothing was touched", bar: "", lines: [])
        }
        let lines = undo.isEmpty ? ["nothing had to be restored"] : ["\(undo.count) of \(counted(undo.count, "change")), proven"]
        return HTMLExperiment.Tile(
            title: "Restored", style: style(.restore), big: undo.isEmpty ? "nothing to do" : "all", bar: "", lines: lines)
    }
}

/// The repeats of an experiment as lines from lower to upper bound, the worst first. Each links to its details.
struct RepeatStrip {
    let found: ExperimentFindings
    let ordered: [RepeatFindings]
    let id: String

    private static let shown = 20

    var html: String {
        guard !ordered.isEmpty else { return "<p class=\"soft\">No repeat was made.</p>" }
        let longest = ordered.map { Headline.judged($0).duration.seconds }.max() ?? 0
        let limit = found.experiment?.expect.maxDowntime?.seconds
        let showsLimit = limit.map { $0 <= longest * 4 } ?? false
        let end = max(0.1, longest * 1.02, showsLimit ? (limit ?? 0) * 1.02 : 0)
        let rows = ordered.map { row($0, end, showsLimit ? limit : nil) }
        let allowed = limit.map { showsLimit ? "; the line shows the limit" : ", allowed \(TimeAxis.label($0 * 1000))" } ?? ""
        let note =
            "<p class=\"soft\">Up to the dark end surely down, up to the light end perhaps; 0 to \(TimeAxis.label(end * 1000))\(allowed).</p>"
        var html = "<div class=\"strip\">\(rows.prefix(Self.shown).joined(separator: "\n"))</div>"
        if rows.count > Self.shown {
            html +=
                "<details><summary>\(counted(rows.count - Self.shown, "more repeat"))</summary><div class=\"strip\">"
                + "\(rows.dropFirst(Self.shown).joined(separator: "\n"))</div></details>"
        }
        return html + note
    }

    private func row(_ one: RepeatFindings, _ end: Double, _ limit: Double?) -> String {
        var picture = SVG(from: 0, to: end, height: 14)
        let track = one.judgedTrack.flatMap { one.track($0) }
        if let downtime = track?.downtime {
            picture.rect(0, to: downtime.upper?.seconds ?? end, "poss")
            picture.rect(0, to: downtime.lower.seconds, "sure")
        }
        if let limit { picture.ticks([limit], "limit") }
        let text: String
        if let track {
            let upper = track.downtime.upper.map { "\(track.downtime.lower.textRoundedDown.dropLast(2)) to \($0.textRoundedUp)" }
            text = upper ?? "\u{2265} \(track.downtime.lower.textRoundedDown)"
        } else {
            text = one.tracks.isEmpty ? "not measured" : "no outage"
        }
        return "<a href=\"#\(HTMLExperiment.id(of: one, id))\">repeat \(one.number) <span class=\"word \(one.verdict.rawValue)\">"
            + "\(one.verdict.rawValue)</span></a>\(picture.text("flat"))<span class=\"v\">\(text)</span>"
    }
}
