public import Experiment
public import Journal

/// The judged content of a journal. A pure function of its records.
public struct Findings: Sendable {
    /// The run itself, from the journal's first record.
    public struct Run: Sendable, Hashable {
        public var id: String
        public var version: String
        /// RFC 3339, UTC: the wall clock at the origin of all times.
        public var startedAt: String
        public var host: String
        public var context: String
        public var serverVersion: String
        public var seed: UInt64
        /// The words of the command that started the run; `nil` if the journal has none.
        public var command: [String]?
        /// The experiment files, word for word.
        public var sources: [RunStarted.Source]
        /// `nil` if the journal is that of the whole run.
        public var part: RunStarted.Part?
    }

    /// The first word of a report: the verdict, or the state of a run without one.
    public var headline: String {
        switch state {
        case .running, .killed: state.rawValue.uppercased()
        case .aborted, .judged: verdict.rawValue.uppercased()
        }
    }

    /// A sentence that explains the headline.
    public var meaning: String {
        switch state {
        case .running: "the run goes on: nothing is judged yet"
        case .killed, .aborted, .judged: "exit code \(exitCode.rawValue), \(exitCode.meaning)"
        }
    }

    /// The progress of the run. Only a run that ended by itself has a complete verdict.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// The run goes on. It has no verdict and no exit code yet; ``Findings/verdict`` and ``Findings/exitCode`` mean nothing.
        case running
        /// The harness was killed: the journal has no end.
        case killed
        /// The run was interrupted or could not go on, and has restored its changes.
        case aborted
        case judged
    }

    public var state: State
    /// `nil` if the journal does not even have its first record.
    public var run: Run?
    public var experiments: [ExperimentFindings]
    public var interruption: Interrupted?
    /// The reason why the journal could not be read to its end.
    public var damage: String?
    /// Is `true` if the journal's lines have checksums, which show that it is unchanged.
    public var isChained = true
    /// Is `true` if the journal has its last record.
    public var isComplete: Bool
    /// Is `true` if every change is proven to be restored; `nil` if there was none.
    public var restored: Bool?
    public var verdict: Verdict
    public var exitCode: RunExitCode
    /// The time of the last record.
    public var ended: RunTime
    /// A sentence about the parts of the run whose journals are missing: their changes are not known.
    public var missing: String?
    /// The paths of the journals, relative to the report folder.
    public var journals = [RunFolder.journal]
}

/// The findings of one experiment over its repeats.
public struct ExperimentFindings: Sendable {
    public var name: String
    /// The experiment of the file; `nil` if the journal names one that its files do not have.
    public var experiment: Experiment?
    public var verdict: Verdict
    /// One judgement for each ``Check`` over all repeats, in the order of the checks.
    public var judgements: [Judgement]
    public var doubts: [Doubt]
    public var preflight: [PreflightCheck]
    /// The number of repeats that were asked for.
    public var repeatsAsked: Int
    public var repeats: [RepeatFindings]
    /// Statistics of the judged downtime (upper bounds) over the repeats, by track.
    public var statistics: [Track: Sample.Summary]
    public var started: RunTime?
    public var ended: RunTime?

    public func judgement(_ check: Check) -> Judgement? { judgements.first { $0.check == check } }

    /// The kind of fault as the file names it.
    public var fault: String { experiment?.fault.kind ?? "unknown" }
}

/// The findings of one repeat.
public struct RepeatFindings: Sendable {
    public var number: Int
    public var verdict: Verdict
    /// One judgement for each ``Check`` but `preflight`.
    public var judgements: [Judgement]
    public var doubts: [Doubt]
    public var started: RunTime
    public var ended: RunTime?
    public var how: RepeatEnded.How?
    public var reason: String?
    /// The stages and the times at which they began, in order.
    public var stages: [StageTime]
    public var faultBegan: RunTime?
    public var faultSummary: String?
    public var address: String?
    public var tracks: [TrackFindings]
    /// The places beside the judged address, with the unreachable ones.
    public var views: [ViewFindings]
    /// `nil` if the pod's own address could not be probed, or no login failed.
    public var split: DowntimeSplit?
    /// `nil` if the repeat did not reach its fault.
    public var readyNotServed: ReadyNotServed?
    /// `nil` if the experiment has none.
    public var idle: IdleFindings?
    public var phases: [Phase]
    /// The track whose downtime is judged and attributed: the one that was out the longest.
    public var judgedTrack: Track?
    /// The start of the first of ``phases``; `nil` if there are none.
    public var phasesBegan: RunTime?
    public var ledger: LedgerChecked?
    public var ledgerUnchecked: String?
    /// The damaged rows that the read-back names.
    public var damagedRows: [DamagedRow]
    /// Is `true` if the lines of its journal have checksums, as ``Findings/isChained``.
    public var isChained = true
    public var writes: WriteCounts
    public var effect: FaultEffect?
    /// The server's own name and version; `nil` if not seen.
    public var server: String?
    public var before: Snapshot?
    public var after: Snapshot?
    /// `nil` if the fault did not take a node, or the run did not get that far.
    public var nodeLoss: NodeLoss?
    /// `nil` if the server was not told to stop, or the repeat did not get that far.
    public var shutdown: Shutdown?
    /// The time in which two servers may have had the volume open; `nil` if there was none.
    public var overlap: Overlap?
    /// The work that the recovery had to do; `nil` if none was asked for.
    public var debt: RecoveryDebt?
    /// The databases' recoveries since the fault, from the server's own log.
    public var recoveries: [DatabaseRecovery]
    /// That of the ledger's database as it was measured; `nil`: it was not asked, or did not go.
    public var recovery: MeasuredRecovery?
    public var engine: EngineHealth
    public var undo: [UndoFinding]
    public var observations: [TimedObservation]
    public var blind: [BlindInterval]

    /// A stage, and the time at which it began.
    public struct StageTime: Sendable, Hashable {
        public var stage: StageEntered.Stage
        public var at: RunTime
    }

    /// An observation of the cluster, and its time.
    public struct TimedObservation: Sendable, Hashable {
        public var at: RunTime
        public var observation: ClusterObservation
    }

    /// An entry of the server's log, and the time of its arrival.
    public struct TimedLogEntry: Sendable, Hashable {
        public var at: RunTime
        public var entry: ServerLogEntry
    }

    /// The tracks that probe the service itself.
    public var serviceTracks: [TrackFindings] { tracks.filter(\.track.isOfService) }

    public func track(_ track: Track) -> TrackFindings? { tracks.first { $0.track == track } }

    public func judgement(_ check: Check) -> Judgement? { judgements.first { $0.check == check } }

    public func stage(_ stage: StageEntered.Stage) -> RunTime? { stages.first { $0.stage == stage }?.at }
}

/// The numbers of writes by the journal's own records.
public struct WriteCounts: Sendable, Hashable {
    public var attempted = 0
    public var acknowledged = 0
    public var refused = 0
    public var unknown = 0
    /// Writes that were acknowledged before the fault began.
    public var acknowledgedBefore = 0
    /// Acknowledged writes that started after the fault and after the last outage.
    public var acknowledgedAfter = 0
    /// The inserts among the acknowledged writes.
    public var acknowledgedInserts = 0
}

/// One track's experience in one repeat.
public struct TrackFindings: Sendable {
    public var track: Track
    public var schedule: ProbesStarted.Schedule
    /// The outages that count: all that were not over at the steady state.
    public var outages: [Outage]
    /// Outages while the service was still coming up, before the steady state.
    public var outagesWhileSteadying: [Outage]
    public var downtime: Downtime
    public var latency: Distribution?
    public var lag: Distribution?
    public var results: Int
    public var succeeded: Int
    public var skipped: [ProbeSkipped.Reason: Int]
    public var missing: Int
    /// The missing probes that were not in flight at the end of the probing: their fate is not known.
    public var unexplained: Int
    /// The rate outside the outages; `nil` if they leave no whole second.
    public var probeRate: ProbeRate?
    /// The longest outage that the probes can have overlooked since the fault.
    public var resolution: Duration
    /// The time from the fault to the end of the last outage; `nil` if it did not end, or there was no fault.
    public var timeToStable: Duration?
    public var firstSuccess: RunTime?
    public var lastSuccess: RunTime?
    public var lastDone: RunTime?
    public var seconds: SecondBuckets
    public var strip: TimeStrip
}

/// The sum of one track's outages.
public struct Downtime: Sendable, Hashable {
    public var count = 0
    public var lower = Duration.zero
    /// `nil` if an outage has no upper bound.
    public var upper: Duration? = .zero
    public var estimate: Duration? = .zero
    /// The upper bound of the longest outage; `nil` if an outage has none.
    public var longest: Duration? = .zero

    public init(_ outages: [Outage] = []) {
        for outage in outages {
            count += 1
            lower += outage.lower
            upper = upper.flatMap { total in outage.upper.map { total + $0 } }
            estimate = estimate.flatMap { total in outage.estimate.map { total + $0 } }
            longest = longest.flatMap { longest in outage.upper.map { max(longest, $0) } }
        }
    }

    /// Is `true` if there is no upper bound, so that only "at least `lower`" is known.
    public var isOpen: Bool { upper == nil }

    /// The judged value: the upper bound, or "at least" the lower one.
    public var judged: Sample.Value { upper.map { Sample.Value($0) } ?? Sample.Value(lower, isAtLeast: true) }
}

/// A change that had to be undone.
public struct UndoFinding: Sendable, Hashable {
    public var intent: Int
    public var summary: String
    /// `nil` if no result was recorded.
    public var proven: Bool?
    public var evidence: String?
}

/// The planned and the actual number of probes.
public struct ProbeRate: Sendable, Hashable {
    public var promised: Double
    public var made: Int

    public var share: Double { min(1, Double(made) / promised) }
    public var missing: Double { max(0, promised - Double(made)) }
}
