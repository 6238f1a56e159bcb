/// The faults of the instrument that are tolerated before its findings count as doubtful.
public struct Limits: Sendable, Hashable {
    /// The least share of the promised probes that must have been made outside outages.
    public var minimumProbeShare = 0.9
    /// The loss that a stall of the harness of this length excuses whatever its share: of a short time it is more than a tenth.
    public var overlookedStall = Duration.milliseconds(500)
    /// The most that 99 of 100 probes, or all but one where they are fewer, may be started late. Bounds stay true beyond it, they use the
    /// real start; the load is doubtful.
    public var maximumScheduleLag = Duration.milliseconds(200)
    /// The longest time without any answer that is overlooked where nothing failed: this many intervals beyond the probe's deadline.
    public var quietIntervals = 10
    /// Acknowledged writes needed on each side of the fault.
    public var minimumWrites = 1
    /// The largest share of the time from the fault to the recovery that the cluster may have gone unwatched.
    public var maximumBlindShare = 0.5
    /// By how much a promised time of health may be missed: probes have an interval, and the harness counts from its first look.
    public var healthTolerance = 0.1
    /// Replaces what every experiment expects, to judge a stored run again.
    public var maxDowntime: Duration?
    public var recoveredWithin: Duration?
    public var lostWrites: Int?

    public init() {}
}
