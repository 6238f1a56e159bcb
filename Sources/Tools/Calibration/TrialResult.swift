public import Journal
public import Verdict

/// The true outage. Each change of the server took a moment, in which it was in either state.
public struct TrueOutage: Sendable, Hashable {
    public var began: ClosedRange<RunTime>
    public var ended: ClosedRange<RunTime>

    public init(began: ClosedRange<RunTime>, ended: ClosedRange<RunTime>) {
        self.began = began
        self.ended = ended
    }

    /// The shortest and the longest possible length.
    public var length: ClosedRange<Duration> { ended.lowerBound - began.upperBound...ended.upperBound - began.lowerBound }
}

/// The outage that was caused, and its measurement.
public struct TrialResult: Sendable {
    /// One track's measurement.
    public struct Measured: Sendable {
        public var track: Track
        public var interval: Duration
        public var outages: [Outage]
        /// The duration of the good probe that ended each outage, from its intended start.
        public var recoveries: [Duration]
        /// The share of the slots that were skipped because the harness itself was late.
        public var lateShare: Double

        public init(track: Track, interval: Duration, outages: [Outage], recoveries: [Duration], lateShare: Double = 0) {
            self.track = track
            self.interval = interval
            self.outages = outages
            self.recoveries = recoveries
            self.lateShare = lateShare
        }
    }

    public var plan: TrialPlan
    public var truths: [TrueOutage]
    /// The times in which no client could connect to a frozen server, because the kernel's queue for it was full.
    public var fullQueues: [TrueOutage]
    public var tracks: [Measured]
    /// The longest time for which the server got no processor time.
    public var serverSilence: Duration
    /// The probes' timeout.
    public var timeout: Duration
    /// The number of attempts; the machine was too busy in all but the last.
    public var attempts = 1

    public init(
        plan: TrialPlan, truths: [TrueOutage], fullQueues: [TrueOutage] = [], serverSilence: Duration = .zero,
        timeout: Duration = .seconds(1), tracks: [Measured]
    ) {
        self.plan = plan
        self.serverSilence = serverSilence
        self.timeout = timeout
        self.truths = truths
        self.fullQueues = fullQueues
        self.tracks = tracks
    }

    /// The comparison of one track's measurement with the truth.
    public struct Score: Sendable, Hashable {
        public var track: Track
        public var contained = 0
        public var missed = 0
        /// Found, but the bounds do not contain the truth.
        public var outside = 0
        /// Measured outages that did not happen.
        public var falseAlarms = 0
        public var widths: [Duration] = []
        /// The promised median of each width: two intervals and the latency of the good probe at its end.
        public var promisedWidths: [Duration] = []
        /// The excess of each width over its promise.
        public var excesses: [Duration] { zip(widths, promisedWidths).map { $0 - $1 } }
        /// Sentences about wrong bounds.
        public var remarks: [String] = []
    }

    /// The share of slots that the harness may skip because it was late; a run tolerates as many.
    static let tolerableLateShare = 1 - Limits().minimumProbeShare

    /// Is `true` if probes, or their answers, failed for lack of processor time, so that the trial measured the machine. A login has
    /// several round trips, each of which a busy server delays.
    public var isOverloaded: Bool {
        serverSilence > timeout / 8 || tracks.contains { $0.lateShare > Self.tolerableLateShare }
    }

    public var scores: [Score] { tracks.map(score) }

    /// The failure, as text.
    public var remarks: [String] {
        isOverloaded ? ["the machine was too busy to say anything"] : scores.flatMap(\.remarks)
    }

    private func truths(of track: Track) -> [TrueOutage] {
        if plan.kind.tracks.contains(track) { return truths }
        return track == .connect ? fullQueues : []
    }

    /// Returns whether the track must have seen the outage. Planned outages are long enough, but a queue may be full for any time. TCP
    /// retransmits a SYN, so that a full queue fails only probes that start a timeout before its end.
    private func mustSee(_ truth: TrueOutage, _ measured: Measured) -> Bool {
        plan.kind.tracks.contains(measured.track) || truth.length.lowerBound >= timeout + measured.interval * 2
    }

    /// Matches each measured outage with the true one that it overlaps. One without a match is a false alarm, and so is a second one for
    /// the same outage, because then one outage was reported as two.
    private func score(_ measured: Measured) -> Score {
        var score = Score(track: measured.track)
        var unmatched = Array(zip(measured.outages, measured.recoveries))
        for truth in truths(of: measured.track) {
            guard let index = unmatched.firstIndex(where: { $0.0.overlaps(truth) }) else {
                guard mustSee(truth, measured) else { continue }
                score.missed += 1
                score.remarks.append("\(measured.track): missed an outage of \(truth.length.lowerBound)")
                continue
            }
            let (outage, recovery) = unmatched.remove(at: index)
            if let upper = outage.upper, outage.lower <= truth.length.upperBound, upper >= truth.length.lowerBound {
                score.contained += 1
                score.widths.append(upper - outage.lower)
                score.promisedWidths.append(measured.interval * 2 + recovery)
            } else {
                score.outside += 1
                score.remarks.append(
                    "\(measured.track): \(truth.length) is outside of \(outage.lower) to \(outage.upper.map { "\($0)" } ?? "?"); "
                        + "began \(truth.began.lowerBound - outage.firstFailureStarted) after the start of the first failure, "
                        + "ended \(truth.ended.upperBound - outage.lastFailureStarted) after the start of the last, \(outage.causes)")
            }
        }
        guard plan.kind.tracks.union(plan.kind.untouched).contains(measured.track) else { return score }
        score.falseAlarms = unmatched.count
        for (outage, _) in unmatched { score.remarks.append("\(measured.track): false alarm of \(outage.lower), \(outage.causes)") }
        return score
    }
}

extension Outage {
    fileprivate func overlaps(_ truth: TrueOutage) -> Bool {
        (lastSuccessStarted ?? .origin) <= truth.ended.upperBound && (firstSuccessDone.map { $0 >= truth.began.lowerBound } ?? true)
    }
}
