import Journal
import Verdict

/// The common time axis of all lanes of a repeat, in milliseconds from the fault.
struct TimeAxis {
    /// The time of the axis's 0.
    let origin: RunTime
    let from: Double
    let to: Double
    /// The initial view: from a little before the fault to a little after stable health.
    let home: (from: Double, to: Double)

    init(_ found: RepeatFindings) {
        let origin = found.faultBegan ?? found.started
        self.origin = origin
        func at(_ time: RunTime) -> Double { (time - origin).milliseconds }
        let first = found.tracks.compactMap(\.firstSuccess).min() ?? found.started
        let last = found.tracks.compactMap(\.lastDone).max() ?? found.ended ?? first
        from = min(0, at(first))
        to = max(at(last), at(first) + 100, 100)
        guard found.faultBegan != nil else {
            home = (from, to)
            return
        }
        let outages = found.tracks.flatMap(\.outages)
        // Without an outage, the view shows the observed time.
        let end = outages.contains(where: \.isOpen) ? to : outages.compactMap(\.firstSuccessDone).map(at).max() ?? min(to, 3000)
        let begin = min(0, outages.map { at($0.lastSuccessStarted ?? $0.firstFailureStarted) }.min() ?? 0)
        let stable = found.stage(.stable).map(at).map { $0 - end < end - begin ? $0 : end } ?? end
        let little = max(200, (stable - begin) * 0.12)
        home = (max(from, begin - little), min(to, stable + little))
    }

    func at(_ time: RunTime) -> Double { (time - origin).milliseconds }

    /// The position of `place` in the initial view, in per cent.
    func share(_ place: Double) -> Double { (place - home.from) / max(1, home.to - home.from) * 100 }

    /// The labels of the axis: about eight round numbers.
    var ticks: [Double] {
        let span = max(1, home.to - home.from)
        var step = 1.0
        var index = 0
        while span / step > 9 {
            step *= [2, 2.5, 2][index % 3]
            index += 1
        }
        return stride(from: (home.from / step).rounded(.up) * step, through: home.from + span * 0.95, by: step).map { $0 }
    }

    static func label(_ milliseconds: Double) -> String {
        let whole = milliseconds.rounded()
        return whole.truncatingRemainder(dividingBy: 1000) == 0 ? "\(Int(whole / 1000)) s" : "\(whole / 1000) s"
    }

    /// A picture of a lane in the initial view.
    func picture(height: Double) -> SVG { SVG(from: home.from, to: home.to, height: height) }
}
