import Experiment
import Journal
import Verdict

/// One repeat on one time axis: the cluster's events, the phases, a lane for each track, latencies and writes.
///
/// Every outage is drawn from its bounds, never from samples, so that a single failed probe is as visible as a long outage.
struct TimelineFigure {
    let found: RepeatFindings
    let axis: TimeAxis

    init(_ found: RepeatFindings) {
        self.found = found
        axis = TimeAxis(found)
    }

    /// - Parameter name: the name of the repeat.
    func html(_ name: String) -> String {
        let numbers = [("from", axis.from), ("to", axis.to), ("home-from", axis.home.from), ("home-to", axis.home.to)]
            .map { "data-\($0.0)=\"\(SVG.number($0.1))\"" }.joined(separator: " ")
        let lanes =
            [eventLane, tickLane, phaseLane].compactMap { $0 } + found.tracks.map { trackLane($0) }
            + found.views.flatMap { view in view.tracks.map { trackLane($0, at: view.view) } } + found.tracks.compactMap(latencyLane)
        return """
            <div><div class="tools" role="group" aria-label="View of \(name.escapedForHTML)">\(Self.buttons)</div>
            <div class="chart" tabindex="0" role="group" aria-label="Time axis of \(name.escapedForHTML), in seconds from the fault" \(numbers)>
            \((lanes + [writeLane].compactMap { $0 }).joined(separator: "\n"))
            <div class="brush"></div><div class="cursor"></div></div><div class="read" role="status"></div>\(legend)</div>
            """
    }

    private static let buttons = [
        ("fault", "fault", "From the fault to stable"), ("all", "all", "The whole repeat"), ("in", "+", "Zoom in"),
        ("out", "\u{2212}", "Zoom out"),
        ("back", "\u{2190}", "Earlier"), ("on", "\u{2192}", "Later"),
    ].map { "<button type=\"button\" data-do=\"\($0.0)\" aria-label=\"\($0.2)\" title=\"\($0.2)\">\($0.1)</button>" }.joined()

    private func lane(_ name: String, _ style: String = "", _ data: String = "", _ content: String) -> String {
        "<div class=\"lane\"><span>\(name)</span><div class=\"plot \(style)\" data-name=\"\(name)\"\(data)>\(content)</div></div>"
    }

    // MARK: Axis and events

    private var tickLane: String {
        let marks = axis.ticks.map { "<b style=\"left:\(SVG.number(axis.share($0)))%\">\(TimeAxis.label($0))</b>" }.joined()
        return "<div class=\"lane\"><span></span><div class=\"plot ticks\">\(marks)</div></div>"
    }

    private var eventLane: String? {
        let labels = TimelineLabels(found, axis)
        guard !labels.all.isEmpty else { return nil }
        return "<div class=\"lane\"><span>cluster</span><div class=\"plot events\" style=\"height:\(labels.rows * 16)px\">"
            + "\(labels.html)</div></div>"
    }

    private var phaseLane: String? {
        guard let began = found.phasesBegan, !found.phases.isEmpty else { return nil }
        var picture = axis.picture(height: 20)
        var at = began
        for phase in found.phases where phase.name != .otherOutages {
            let end = at + phase.duration
            picture.rect(
                axis.at(at), to: axis.at(end), "phase ph-\(phase.name.rawValue)",
                note: "\(phase.name.title), \(phase.duration.textRoundedUp)")
            at = end
        }
        return lane("phases", "", "", picture.text("ground"))
    }

    // MARK: Tracks

    private func trackLane(_ track: TrackFindings, at view: VantagePoint? = nil) -> String {
        var picture = axis.picture(height: 20)
        let name = track.track.rawValue + (view.map { ", \($0.name)" } ?? "")
        guard let first = track.firstSuccess, let last = track.lastDone else {
            picture.rect(axis.from, to: axis.to, "unknown", note: "no probe succeeded")
            return lane(name, "", "", picture.text("ground"))
        }
        picture.rect(axis.at(first), to: axis.at(last), y: 14, height: 6, "up", note: "served")
        for outage in track.outagesWhileSteadying + track.outages {
            let note = Self.note(outage)
            let begin = axis.at(outage.lastSuccessStarted ?? outage.firstFailureStarted)
            let end = outage.firstSuccessDone.map(axis.at) ?? axis.to
            picture.rect(begin, to: end, y: 7, height: 13, "maybe", note: note)
            // A failure without a certain length still gets a mark.
            let sure = outage.certain ?? outage.firstFailureDone...outage.firstFailureDone
            picture.rect(axis.at(sure.lowerBound), to: outage.isOpen ? axis.to : axis.at(sure.upperBound), "down", note: note)
        }
        return lane(name, "", "", picture.text("ground"))
    }

    private static func note(_ outage: Outage) -> String {
        let upper = outage.upper.map { "at most \($0.textRoundedUp)" } ?? "its end was not seen"
        let causes = outage.causes.keys.sorted().joined(separator: ", ")
        return "not served for at least \(outage.lower.textRoundedDown), \(upper); failed: \(outage.failures) (\(causes))"
    }

    // MARK: Strips

    private func latencyLane(_ track: TrackFindings) -> String? {
        let strip = track.strip
        guard track.track != .write, strip.slices.contains(where: { !$0.isEmpty }) else { return nil }
        var cells: [Int: [(from: Double, to: Double)]] = [:]
        var failed: [(from: Double, to: Double)] = []
        for (index, slice) in strip.slices.enumerated() {
            if slice.slowest > 0 { add(span(strip, index), to: &cells[Int(slice.slowest), default: []]) }
            if slice.failed > 0 { add(span(strip, index), to: &failed) }
        }
        var picture = axis.picture(height: 14)
        for (level, spans) in cells.sorted(by: { $0.key < $1.key }) {
            picture.path(spans, "heat", opacity: 0.12 + 0.88 * Double(level) / Double(TimeStrip.latencyClasses))
        }
        picture.path(failed, height: 6, "down")
        let code = StripCode(strip) { slice in
            switch (slice.slowest, slice.failed) {
            case (0, 0): nil
            case (0, _): "failed"
            case (let level, 0): "below \(Self.upperEnd(Int(level) - 1))"
            case (let level, _): "below \(Self.upperEnd(Int(level) - 1)), and some failed"
            }
        }
        return lane("\(track.track.rawValue) ms", "low", code.attributes(axis.at(strip.start)), picture.text("ground"))
    }

    private static func upperEnd(_ level: Int) -> String {
        guard level < TimeStrip.latencyClasses - 1 else { return "any limit" }
        let milliseconds = 1 << level
        return milliseconds < 1000 ? "\(milliseconds) ms" : "\(Double(milliseconds * 10 / 1024) / 10) s"
    }

    /// The outcome of every write, at the time of the write.
    private var writeLane: String? {
        guard let strip = found.track(.write)?.strip, strip.slices.contains(where: { !$0.isEmpty }) else { return nil }
        var kept: [(from: Double, to: Double)] = []
        var refused = kept
        var unknown = kept
        for (index, slice) in strip.slices.enumerated() {
            if slice.succeeded > 0 { add(span(strip, index), to: &kept) }
            if slice.failed > 0 { add(span(strip, index), to: &refused) }
            if slice.unknown > 0 { add(span(strip, index), to: &unknown) }
        }
        var picture = axis.picture(height: 20)
        picture.path(kept, y: 12, height: 8, "kept")
        picture.path(refused, y: 6, height: 8, "refused")
        picture.path(unknown, height: 8, "unknown")
        let damaged = found.damagedRows.compactMap(\.started)
        picture.ticks(damaged.map(axis.at), "lost")
        let lost = Set(damaged.map { Int(($0 - strip.start) / strip.step) })
        let code = StripCode(strip) { slice, index in
            var words: [String] = []
            if lost.contains(index) { words.append("lost or damaged rows") }
            if slice.succeeded > 0 { words.append("acknowledged") }
            if slice.failed > 0 { words.append("refused") }
            if slice.unknown > 0 { words.append("unanswered") }
            return words.isEmpty ? nil : words.joined(separator: " and ")
        }
        return lane("writes", "", code.attributes(axis.at(strip.start)), picture.text("ground"))
    }

    private func span(_ strip: TimeStrip, _ index: Int) -> (from: Double, to: Double) {
        let from = axis.at(strip.start + strip.step * index)
        return (from, from + strip.step.milliseconds)
    }

    private func add(_ span: (from: Double, to: Double), to spans: inout [(from: Double, to: Double)]) {
        if let last = spans.last, last.to >= span.from {
            spans[spans.count - 1].to = span.to
        } else {
            spans.append(span)
        }
    }

    // MARK: Legend

    private var legend: String {
        func list(_ entries: [(style: String, text: String)]) -> String {
            let items = entries.map { "<li><i class=\"\($0.style)\"></i>\($0.text)</li>" }.joined()
            return items.isEmpty ? "" : "<ul class=\"key\">\(items)</ul>"
        }
        let phases = found.phases.map { ("ph-\($0.name.rawValue)", "\($0.name.title), \($0.duration.textRoundedUp)") }
        var marks = [
            ("k-up", "served"), ("k-maybe", "between two probes: one or the other"), ("k-down", "surely not served; a failed probe"),
            ("k-unknown", "unanswered, or not seen"),
        ]
        if !found.damagedRows.isEmpty { marks.append(("k-lost", "lost or damaged rows, when they were written")) }
        return list(phases) + list(marks)
    }
}

/// A strip's slices as runs of letters, which the page's script reads for its cursor.
private struct StripCode {
    private var runs = ""
    private var words: [(letter: Character, text: String)] = []
    private let step: Duration

    init(_ strip: TimeStrip, _ word: (TimeStrip.Slice) -> String?) {
        self.init(strip) { slice, _ in word(slice) }
    }

    init(_ strip: TimeStrip, _ word: (TimeStrip.Slice, Int) -> String?) {
        step = strip.step
        var letters: [String: Character] = [:]
        var last: (letter: Character, count: Int)?
        for (index, slice) in strip.slices.enumerated() {
            let text = word(slice, index) ?? ""
            // There are never more than 26 different readings: only neighbouring latency classes occur, each in two variants.
            let letter = letters[text] ?? Character(Unicode.Scalar(UInt8(ascii: "A") + UInt8(min(25, letters.count))))
            if letters[text] == nil {
                letters[text] = letter
                words.append((letter, text))
            }
            if let run = last, run.letter == letter {
                last = (letter, run.count + 1)
            } else {
                if let run = last { runs += "\(run.count)\(run.letter)" }
                last = (letter, 1)
            }
        }
        if let run = last { runs += "\(run.count)\(run.letter)" }
    }

    func attributes(_ start: Double) -> String {
        let table = "{" + words.map { "\"\($0.letter)\":\"\($0.text)\"" }.joined(separator: ",") + "}"
        return " data-start=\"\(SVG.number(start))\" data-step=\"\(SVG.number(step.milliseconds))\" data-strip=\"\(runs)\" "
            + "data-words=\"\(table.escapedForHTML)\""
    }
}
