import Histogram
import Journal

/// The latencies of one track's successes, and the delays of its probes' starts, in HDR histograms of three significant digits.
struct LatencyRecorder: Sendable {
    private var latencies = Self.histogram()
    private var lags = Self.histogram()

    /// A histogram of nanoseconds. It has room for 10 s from the start, because growing takes longer than recording thousands of values.
    private static func histogram() -> Histogram<UInt32> {
        var histogram = Histogram<UInt32>(highestTrackableValue: 10_000_000_000, numberOfSignificantValueDigits: .three)
        histogram.autoResize = true
        return histogram
    }

    /// Latencies count from the intended start, so that a late start does not make a probe look fast.
    mutating func record(_ latency: Duration) {
        latencies.record(UInt64(max(0, latency.wholeNanoseconds)))
    }

    mutating func recordLag(_ lag: Duration) {
        lags.record(UInt64(max(0, lag.wholeNanoseconds)))
    }

    var latency: Distribution? { Distribution(latencies) }
    var lag: Distribution? { Distribution(lags) }
}

/// Quantiles of many values.
public struct Distribution: Sendable, Hashable {
    public var count: UInt64
    public var median: Duration
    public var p90: Duration
    public var p99: Duration
    public var maximum: Duration
    /// The largest value but one.
    var secondLargest: Duration

    init?(_ histogram: Histogram<UInt32>) {
        guard histogram.totalCount > 0 else { return nil }
        func quantile(_ percent: Double) -> Duration {
            .nanoseconds(Int64(clamping: min(histogram.valueAtPercentile(percent), histogram.maxRecorded)))
        }
        count = histogram.totalCount
        median = quantile(50)
        p90 = quantile(90)
        p99 = quantile(99)
        maximum = .nanoseconds(Int64(clamping: histogram.maxRecorded))
        secondLargest = count > 1 ? quantile(100 * Double(count - 1) / Double(count)) : .zero
    }
}
