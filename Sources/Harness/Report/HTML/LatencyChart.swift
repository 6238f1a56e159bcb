import Experiment
import Journal
import Verdict

/// The latencies of one track, second by second. Failures have a row of their own: a failure is no latency.
struct LatencyChart {
    private static let left = 84.0
    private static let width = 960.0
    private static let cell = 9.0
    private static let columns = 160

    let track: TrackFindings
    let origin: RunTime

    var svg: SVG? {
        let buckets = track.seconds.buckets
        guard let first = buckets.firstIndex(where: \.isUsed), let last = buckets.lastIndex(where: \.isUsed) else { return nil }
        let used = Array(buckets[first...last])
        let classes = used.flatMap { bucket in bucket.latencies.indices.filter { bucket.latencies[$0] > 0 } }
        guard let lowest = classes.min(), let highest = classes.max() else { return nil }
        let step = max(1, (used.count + Self.columns - 1) / Self.columns)
        let columns = stride(from: 0, to: used.count, by: step).map { Array(used[$0..<min($0 + step, used.count)]) }
        let rows = highest - lowest + 1
        let bottom = 8 + Double(rows + 1) * Self.cell + 4
        let cellWidth = (Self.width - 14 - Self.left) / Double(columns.count)
        var svg = SVG(width: Self.width, height: bottom + 20, title: "Latency of the \(track.track.rawValue) track over time")
        svg.text(Self.left - 10, 16, "failed", "label", anchor: .end)
        svg.text(Self.left - 10, bottom - 2, "< \(Self.upperEnd(lowest))", "label", anchor: .end)
        if rows > 2 { svg.text(Self.left - 10, 8 + Self.cell * 2 + 6, "< \(Self.upperEnd(highest))", "label", anchor: .end) }
        let most = Double(columns.flatMap { column in (lowest...highest).map { Self.count(column, $0) } }.max() ?? 1)
        let start = track.seconds.start + .seconds(1) * first
        for (index, column) in columns.enumerated() {
            let x = Self.left + Double(index) * cellWidth
            let at = TimeScale.label(((start + .seconds(1) * (index * step)) - origin).seconds)
            let failed = column.reduce(0) { $0 + $1.failed }
            if failed > 0 { svg.rect(x, 8, cellWidth - 0.5, Self.cell - 1, "down", note: "\(at): \(failed) failed") }
            for level in lowest...highest {
                let count = Self.count(column, level)
                guard count > 0 else { continue }
                let y = bottom - 4 - Double(level - lowest + 1) * Self.cell
                let note = "\(at): \(count) below \(Self.upperEnd(level))"
                // A single slow answer must still be seen beside thousands of quick ones.
                svg.rect(x, y, cellWidth - 0.5, Self.cell - 1, "heat", opacity: 0.25 + 0.75 * Double(count) / most, note: note)
            }
        }
        svg.text(Self.left, bottom + 14, TimeScale.label((start - origin).seconds), "label")
        let end = start + .seconds(1) * used.count
        svg.text(Self.width - 14, bottom + 14, TimeScale.label((end - origin).seconds), "label", anchor: .end)
        return svg
    }

    private static func count(_ column: [SecondBuckets.Bucket], _ level: Int) -> Int {
        column.reduce(0) { $0 + $1.latencies[level] }
    }

    private static func upperEnd(_ level: Int) -> String {
        let milliseconds = 1 << level
        guard level < SecondBuckets.latencyClasses - 1 else { return "∞" }
        return milliseconds < 1000 ? "\(milliseconds) ms" : "\(Double(milliseconds * 10 / 1024) / 10) s"
    }
}

extension SecondBuckets.Bucket {
    fileprivate var isUsed: Bool { succeeded + failed > 0 }
}
