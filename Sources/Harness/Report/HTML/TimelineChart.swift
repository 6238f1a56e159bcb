import Experiment
import Journal
import Verdict

/// The clients' experience of one repeat: a lane for each track, on the clock of the fault.
///
/// Every outage is drawn from its bounds, never from samples, so that a single failed probe is as visible as a long outage.
struct TimelineChart {
    private static let laneHeight = 20.0
    private static let laneStep = 30.0
    private static let left = 84.0
    private static let width = 960.0
    private static let top = 34.0

    let found: RepeatFindings

    var svg: SVG {
        let origin = found.faultBegan ?? found.started
        func seconds(_ time: RunTime) -> Double { (time - origin).seconds }
        let first = found.tracks.compactMap(\.firstSuccess).min() ?? found.started
        let last = found.tracks.compactMap(\.lastDone).max() ?? found.ended ?? first
        let scale = TimeScale(from: seconds(first), to: max(seconds(last), seconds(first) + 0.1), left: Self.left, right: Self.width - 14)
        let lanes = found.tracks.count + 1
        let bottom = Self.top + Double(lanes) * Self.laneStep
        var svg = SVG(
            width: Self.width, height: bottom + 26, title: "Availability of each track in repeat \(found.number), in seconds from the fault"
        )
        axis(scale, bottom, &svg)
        if found.faultBegan != nil {
            let until = found.stage(.recovered).map(seconds) ?? scale.to
            svg.rect(
                scale.x(0), Self.top - 8, scale.x(until) - scale.x(0), bottom - Self.top + 8, "window",
                note: "from the fault to the recovery")
            svg.line(scale.x(0), Self.top - 12, scale.x(0), bottom, "mark-fault", note: found.faultSummary ?? "fault")
            svg.text(scale.x(0), Self.top - 16, "fault", "label strong", anchor: .middle)
        }
        for (name, stage) in [("served again", StageEntered.Stage.recovered), ("stable", .stable)] {
            guard let time = found.stage(stage) else { continue }
            let x = scale.x(seconds(time))
            svg.line(x, Self.top - 12, x, bottom, "mark")
            svg.text(x, Self.top - 16, name, "label", anchor: x > Self.width - 60 ? .end : .middle)
        }
        for (index, track) in found.tracks.enumerated() {
            lane(track, y: Self.top + Double(index) * Self.laneStep, scale, seconds, &svg)
        }
        cluster(y: Self.top + Double(lanes - 1) * Self.laneStep, scale, seconds, &svg)
        return svg
    }

    private func axis(_ scale: TimeScale, _ bottom: Double, _ svg: inout SVG) {
        for tick in scale.ticks {
            svg.line(scale.x(tick), Self.top - 8, scale.x(tick), bottom, "grid")
            svg.text(scale.x(tick), bottom + 16, TimeScale.label(tick), "label", anchor: .middle)
        }
    }

    private func lane(_ track: TrackFindings, y: Double, _ scale: TimeScale, _ seconds: (RunTime) -> Double, _ svg: inout SVG) {
        svg.text(Self.left - 10, y + 14, track.track.rawValue, "label strong", anchor: .end)
        guard let first = track.firstSuccess, let last = track.lastDone else {
            svg.rect(
                scale.x(scale.from), y, scale.x(scale.to) - scale.x(scale.from), Self.laneHeight, "unknown", note: "no probe succeeded")
            return
        }
        let from = scale.x(seconds(first))
        svg.rect(from, y, scale.x(seconds(last)) - from, Self.laneHeight, "up", note: "\(track.track.rawValue): served")
        for outage in track.outagesWhileSteadying + track.outages {
            let note = Self.note(track.track, outage)
            let begin = scale.x(seconds(outage.lastSuccessStarted ?? outage.firstFailureStarted))
            let end = scale.x(outage.firstSuccessDone.map(seconds) ?? scale.to)
            svg.rect(begin, y, max(2, end - begin), Self.laneHeight, "maybe", note: note)
            // A failure that leaves no certain time is still a mark.
            let sure = outage.certain ?? outage.firstFailureDone...outage.firstFailureDone
            let until = outage.isOpen ? scale.to : seconds(sure.upperBound)
            let certain = scale.x(seconds(sure.lowerBound))
            svg.rect(certain, y, max(1.5, scale.x(until) - certain), Self.laneHeight, "down", note: note)
        }
    }

    private static func note(_ track: Track, _ outage: Outage) -> String {
        let upper = outage.upper.map { "at most \($0.textRoundedUp)" } ?? "its end was not seen"
        let causes = outage.causes.keys.sorted().joined(separator: ", ")
        return
            "\(track.rawValue): not served for at least \(outage.lower.textRoundedDown), \(upper); \(outage.failures) failures: \(causes)"
    }

    private func cluster(y: Double, _ scale: TimeScale, _ seconds: (RunTime) -> Double, _ svg: inout SVG) {
        svg.text(Self.left - 10, y + 14, "cluster", "label strong", anchor: .end)
        svg.line(scale.x(scale.from), y + 10, scale.x(scale.to), y + 10, "grid")
        for interval in found.blind {
            let from = scale.x(seconds(interval.from))
            svg.rect(from, y + 4, scale.x(seconds(interval.to)) - from, 12, "unknown", note: "not watched: \(interval.reason)")
        }
        for seen in found.observations where seen.at >= found.started {
            let time = seconds(seen.at)
            guard time >= scale.from, time <= scale.to else { continue }
            let detail = seen.observation.detail.map { ": \($0)" } ?? ""
            let note =
                "\(TimeScale.label((time * 1000).rounded() / 1000)): \(seen.observation.kind.rawValue) \(seen.observation.object)\(detail)"
            svg.circle(
                scale.x(time), y + 10, seen.observation.kind == .event ? 2 : 4, seen.observation.kind == .event ? "event" : "seen",
                note: note)
        }
    }
}
