public import Experiment
public import Journal

/// All that a journal shows, judged. A pure function of its records.
public struct Findings: Sendable {
    public struct Run: Sendable, Hashable {
        public var id: String
        public var version: String
        /// RFC 3339, UTC: the wall clock at the origin of all times.
        public var startedAt: String
        public var host: String
        public var context: String
        public var serverVersion: String
        public var seed: UInt64
        /// The words of the command that made the run; `nil`: not written down.
        public var command: [String]?
        /// The experiment files, word for word.
        public var sources: [RunStarted.Source]
        /// `nil`: the journal is the whole run's.
        public var part: RunStarted.Part?
    }

    /// The first word of a report: the verdict, or why there is none.
    public var headline: String {
        switch state {
        case .running, .killed: state.rawValue.uppercased()
        case .aborted, .judged: verdict.rawValue.uppercased()
        }
    }

    /// The headline in a sentence.
    public var meaning: String {
        switch state {
        case .running: "the run goes on: nothing is judged yet"
        case .killed, .aborted, .judged: "exit code \(exitCode.rawValue), \(exitCode.meaning)"
        }
    }

    /// The progress of the run. Only a run that has ended by itself is judged whole.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It goes on: there is no verdict and no exit code yet, whatever ``Findings/verdict`` and ``Findings/exitCode`` hold.
        case running
        /// It was cut off: its journal has no end.
        case killed
        /// It was told to stop, or could not go on, and has restored its changes.
        case aborted
        case judged
    }

    public var state: State
    /// `nil` when the journal has not even its first record.
    public var run: Run?
    public var experiments: [ExperimentFindings]
    public var interruption: Interrupted?
    /// Why the journal could not be read to its end.
    public var damage: String?
    /// The journal's lines have checksums: what it holds is what was written.
    public var isChained = true
    /// The journal has its last record.
    public var isComplete: Bool
    /// Everything is proven to be restored. `nil`: there was nothing to restore.
    public var restored: Bool?
    public var verdict: Verdict
    public var exitCode: RunExitCode
    /// The time of the last record.
    public var ended: RunTime
    /// The parts of the run whose journals are not there, in words: what they have changed is not known.
    public var missing: String?
    /// The journals that they are of, as seen from the report folder.
    public var journals = [RunFolder.journal]
}

public struct ExperimentFindings: Sendable {
    public var name: String
    /// The text of the file; `nil` when the journal names an experiment that its files do not have.
    public var experiment: Experiment?
    public var verdict: Verdict
    /// One for each ``Check``, in their order, over all repeats.
    public var judgements: [Judgement]
    public var doubts: [Doubt]
    public var preflight: [PreflightCheck]
    /// The number that was asked for.
    public var repeatsAsked: Int
    public var repeats: [RepeatFindings]
    /// Of the judged downtime (upper bounds) over the repeats, by track.
    public var statistics: [Track: Sample.Summary]
    public var started: RunTime?
    public var ended: RunTime?

    public func judgement(_ check: Check) -> Judgement? { judgements.first { $0.check == check } }

    /// The kind of fault as the file names it.
    public var fault: String { experiment?.fault.kind ?? "unknown" }
}

public struct RepeatFindings: Sendable {
    public var number: Int
    public var verdict: Verdict
    /// One for each ``Check`` but `preflight`.
    public var judgements: [Judgement]
    public var doubts: [Doubt]
    public var started: RunTime
    public var ended: RunTime?
    public var how: RepeatEnded.How?
    public var reason: String?
    /// When each stage was entered, in order.
    public var stages: [StageTime]
    public var faultBegan: RunTime?
    public var faultSummary: String?
    public var address: String?
    public var tracks: [TrackFindings]
    /// The places beside the judged address, the ones that cannot be reached too.
    public var views: [ViewFindings]
    /// `nil`: the pod's own address could not be asked, or no login failed.
    public var split: DowntimeSplit?
    /// `nil`: the repeat did not get to its fault.
    public var readyNotServed: ReadyNotServed?
    /// `nil`: the experiment has none.
    public var idle: IdleFindings?
    public var phases: [Phase]
    /// The track whose downtime is judged and attributed: the one that was out the longest.
    public var judgedTrack: Track?
    /// When the first of ``phases`` began; `nil` where there are none.
    public var phasesBegan: RunTime?
    public var ledger: LedgerChecked?
    public var ledgerUnchecked: String?
    /// As far as the read-back names them.
    public var damagedRows: [DamagedRow]
    public var writes: WriteCounts
    public var effect: FaultEffect?
    /// As the server names itself; `nil`: not seen.
    public var server: String?
    public var before: Snapshot?
    public var after: Snapshot?
    /// `nil`: the fault was not one of a node, or the run did not get that far.
    public var nodeLoss: NodeLoss?
    /// `nil`: the server was not told to stop, or the repeat did not get that far.
    public var shutdown: Shutdown?
    /// The time in which two servers may have had the volume open; `nil`: there was none.
    public var overlap: Overlap?
    /// The work that the recovery found; `nil`: none was asked for.
    public var debt: RecoveryDebt?
    /// The databases' recoveries since the fault, in the words of the server's own log.
    public var recoveries: [DatabaseRecovery]
    public var engine: EngineHealth
    public var undo: [UndoFinding]
    public var observations: [TimedObservation]
    public var blind: [BlindInterval]

    public struct StageTime: Sendable, Hashable {
        public var stage: StageEntered.Stage
        public var at: RunTime
    }

    public struct TimedObservation: Sendable, Hashable {
        public var at: RunTime
        public var observation: ClusterObservation
    }

    public struct TimedLogEntry: Sendable, Hashable {
        public var at: RunTime
        public var entry: ServerLogEntry
    }

    /// The tracks that tell of the service itself.
    public var serviceTracks: [TrackFindings] { tracks.filter(\.track.isOfService) }

    public func track(_ track: Track) -> TrackFindings? { tracks.first { $0.track == track } }

    public func judgement(_ check: Check) -> Judgement? { judgements.first { $0.check == check } }

    public func stage(_ stage: StageEntered.Stage) -> RunTime? { stages.first { $0.stage == stage }?.at }
}

/// The sums of the journal's own records of the writes.
public struct WriteCounts: Sendable, Hashable {
    public var attempted = 0
    public var acknowledged = 0
    public var refused = 0
    public var unknown = 0
    /// Acknowledged before the fault was begun.
    public var acknowledgedBefore = 0
    /// Started after the fault and after the last outage, and acknowledged.
    public var acknowledgedAfter = 0
    /// Inserts among the acknowledged.
    public var acknowledgedInserts = 0
}

/// One track's experience in one repeat.
public struct TrackFindings: Sendable {
    public var track: Track
    public var schedule: ProbesStarted.Schedule
    /// The outages that count: all that were not over when the steady state was seen.
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
    /// Those of the missing that were not under way when probing ended: nothing says what became of them.
    public var unexplained: Int
    /// Outside the outages. `nil`: no whole second was seen there.
    public var probeRate: ProbeRate?
    /// No outage longer than this can have been overlooked since the fault.
    public var resolution: Duration
    /// From the fault to the end of the last outage: from here on everything was well. `nil`: never, or there was no fault.
    public var timeToStable: Duration?
    public var firstSuccess: RunTime?
    public var lastSuccess: RunTime?
    public var lastDone: RunTime?
    public var seconds: SecondBuckets
    public var strip: TimeStrip
}

/// The outages of one track added up.
public struct Downtime: Sendable, Hashable {
    public var count = 0
    public var lower = Duration.zero
    /// `nil` when an outage has no upper bound.
    public var upper: Duration? = .zero
    public var estimate: Duration? = .zero
    /// The upper bound of the longest outage; `nil` when one has none.
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

    /// There is no upper bound: what is known is "at least `lower`".
    public var isOpen: Bool { upper == nil }

    /// The judged value: the upper bound, or that it is at least the lower one.
    public var judged: Sample.Value { upper.map { Sample.Value($0) } ?? Sample.Value(lower, isAtLeast: true) }
}

/// A change that had to be undone.
public struct UndoFinding: Sendable, Hashable {
    public var intent: Int
    public var summary: String
    /// `nil`: never answered.
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
