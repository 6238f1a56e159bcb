/// The inaccuracies of the harness that are tolerated before a result is inconclusive.
public struct Limits: Sendable, Hashable {
    /// The share of the promised probes that must have been made outside outages.
    public var minimumProbeShare = 0.9
    /// A stall of the harness that is tolerated whatever its share: in a short run it is more than a tenth of the time.
    public var overlookedStall = Duration.milliseconds(500)
    /// The most by which 99 of 100 probes, or all but one of fewer, may start late. Bounds use the real start and hold beyond it, but the
    /// load is then not as promised.
    public var maximumScheduleLag = Duration.milliseconds(200)
    /// The longest tolerated time without any answer and without a failure: this many intervals beyond the probe's deadline.
    public var quietIntervals = 10
    /// Acknowledged writes needed on each side of the fault.
    public var minimumWrites = 1
    /// The share of the time from the fault to the recovery in which the watch of the cluster may be broken.
    public var maximumBlindShare = 0.5
    /// The tolerance of a promised time of health: probes have an interval, and the harness counts from its first look.
    public var healthTolerance = 0.1
    /// Limits that replace those of every experiment, to judge a stored run again.
    public var maxDowntime: Duration?
    public var recoveredWithin: Duration?
    public var lostWrites: Int?

    public init() {}
}
