import Experiment
import Journal

/// Collects the facts of one repeat from its records.
struct RepeatReducer {
    let number: Int
    let started: RunTime
    private(set) var ended: RunTime?
    private(set) var end: RepeatEnded?
    private(set) var stages: [RepeatFindings.StageTime] = []
    private(set) var probesStarted: ProbesStarted?
    private(set) var tracks: [Track: TrackReducer] = [:]
    private(set) var loginRecoveries = LoginRecoveries()
    private(set) var writeRecoveries = WriteRecoveries()
    private(set) var clientFailed: ClientFailed?
    private(set) var views = ViewsReducer()
    private(set) var idleStarted: IdleStarted?
    private(set) var idleAsked: [IdleAsked] = []
    private(set) var databaseAsked: [DatabaseAsked] = []
    private(set) var writes = WriteCounts()
    private(set) var prepared: LedgerPrepared?
    /// The account of the earlier repeats whose ledger this one continues.
    private(set) var carried = LedgerAccount()
    private let account: LedgerAccount
    private(set) var before: Snapshot?
    private(set) var faulted: Snapshot?
    private(set) var after: Snapshot?
    /// The time of ``after``, which is taken last while the probes still run.
    private(set) var afterAt: RunTime?
    private(set) var observations: [RepeatFindings.TimedObservation] = []
    private(set) var blind: [BlindInterval] = []
    private(set) var serverLog: [RepeatFindings.TimedLogEntry] = []
    private(set) var engineBefore: EngineState?
    private(set) var engineAfter: EngineState?
    private(set) var debt: RecoveryDebt?
    private(set) var faultBegan: RunTime?
    private(set) var fault: FaultBegun?
    private(set) var faultInjected: RunTime?
    private(set) var effect: (at: RunTime, effect: FaultEffect)?
    private(set) var intents: [UndoIntent] = []
    private var ledgerChecked: LedgerChecked?
    private var ledgerReason: String?
    private var namedRows: [DamagedRow] = []
    private var writeTimes: WriteTimes
    /// The servers that clients, and the reader of the ledger, may have reached.
    private(set) var severalBackends: String?

    /// Kubernetes events are only shown; a flood of them must not fill the memory.
    private static let eventLimit = 500
    /// The most that are kept; more would not add information.
    private static let askedLimit = 10_000

    /// - Parameter account: the account of the earlier repeats.
    init(number: Int, started: RunTime, account: LedgerAccount = LedgerAccount()) {
        self.number = number
        self.account = account
        self.started = started
        writeTimes = WriteTimes(from: started)
    }

    /// The read-back from the only server; `nil` if rows may have gone to several servers, as they then prove nothing.
    var ledger: LedgerChecked? { severalBackends == nil ? ledgerChecked : nil }

    /// The rows that the ``ledger`` names as lost or damaged.
    var damagedRows: [DamagedRow] { ledger == nil ? [] : namedRows }

    /// The reason why there is no ``ledger``.
    var ledgerUnchecked: String? { severalBackends.map { "the Service led to several servers: \($0)" } ?? ledgerReason }

    /// The account with this repeat's writes, for the next repeat with the same ledger.
    var closingAccount: LedgerAccount {
        LedgerAccount(
            tableSuffix: prepared?.tableSuffix, repeats: carried.repeats + 1, acknowledged: carried.acknowledged + writes.acknowledged,
            acknowledgedInserts: carried.acknowledgedInserts + writes.acknowledgedInserts)
    }

    /// Is `true` if the repeat still runs.
    var isRunning: Bool { end == nil }

    /// The time at which the recovery, or the steady state, was given up.
    var gaveUpAt: RunTime? { stages.first { $0.stage == .gaveUp }?.at }

    /// All facts but the tracks, whose histograms need most of the memory.
    var withoutTracks: RepeatReducer {
        var rest = self
        rest.tracks = [:]
        rest.views = ViewsReducer()
        return rest
    }

    mutating func add(_ record: JournalRecord) {
        switch record.event {
        case .stageEntered(let entered): stages.append(.init(stage: entered.stage, at: record.at))
        case .ledgerPrepared(let ledger):
            prepared = ledger
            if ledger.tableSuffix == account.tableSuffix { carried = account }
        case .probesStarted(let probes):
            probesStarted = probes
            views.begin(probes.schedules, from: started)
            for schedule in probes.schedules where schedule.view == nil { tracks[schedule.track] = TrackReducer(schedule, from: started) }
        case .probe(let probe):
            guard counts(probe.done) else { return }
            guard probe.view == nil else { return views.add(probe) }
            tracks[probe.track]?.add(probe)
            if probe.track == .login { loginRecoveries.add(probe) }
        case .probeSkipped(let skip):
            guard counts(skip.intended) else { return }
            guard skip.view == nil else { return views.add(skip) }
            tracks[skip.track]?.add(skip)
        case .vantage(let seen): views.add(seen)
        case .idleStarted(let started): idleStarted = started
        case .idleAsked(let asked): if idleAsked.count < Self.askedLimit { idleAsked.append(asked) }
        case .databaseAsked(let asked):
            if counts(asked.done), databaseAsked.count < Self.askedLimit { databaseAsked.append(asked) }
        case .clientFailed(let failed): clientFailed = clientFailed ?? failed
        case .write(let write):
            count(write)
            writeTimes.add(write)
            guard counts(write.done) else { return }
            tracks[.write]?.add(write)
            writeRecoveries.add(write)
        case .snapshot(let snapshot):
            switch snapshot.moment {
            case .before: before = snapshot
            case .faulted: faulted = snapshot
            case .after:
                after = snapshot
                afterAt = record.at
            }
        case .observation(let observation): add(observation, at: record.at)
        case .serverLog(let entry): serverLog.append(.init(at: record.at, entry: entry))
        case .engine(let engine):
            if engine.moment == .before { engineBefore = engine } else { engineAfter = engine }
        case .recoveryDebt(let found): debt = found
        case .blind(let interval): blind = blind.joined(by: interval)
        case .undoIntent(let intent): intents.append(intent)
        case .faultBegun(let begun):
            fault = begun
            faultBegan = record.at
            for track in tracks.keys { tracks[track]?.faultBegins(at: record.at) }
            views.faultBegins(at: record.at)
        case .faultInjected: faultInjected = record.at
        case .faultEffect(let found): effect = (record.at, found)
        case .ledgerChecked(let checked):
            ledgerChecked = checked
            namedRows = writeTimes.damage(checked)
            writeTimes = WriteTimes(from: started)
        case .ledgerUnchecked(let unchecked): ledgerReason = unchecked.reason
        case .repeatEnded(let ended):
            end = ended
            self.ended = record.at
        case .runStarted, .experimentStarted, .preflightCheck, .repeatStarted, .undoResult, .interrupted, .runEnded: break
        }
    }

    /// Returns whether an observation at `time` counts for the recovery. After giving up, the run undoes the fault, and a service that
    /// comes back then was restored by the harness.
    private func counts(_ time: RunTime) -> Bool { gaveUpAt.map { time <= $0 } ?? true }

    private mutating func add(_ observation: ClusterObservation, at time: RunTime) {
        if observation.kind == .severalBackends { severalBackends = severalBackends ?? observation.detail ?? observation.object }
        if observation.kind == .event {
            guard observations.count(where: { $0.observation.kind == .event }) < Self.eventLimit else { return }
        }
        observations.append(.init(at: time, observation: observation))
    }

    private mutating func count(_ write: WriteResult) {
        writes.attempted += 1
        switch write.outcome {
        case .acknowledged:
            writes.acknowledged += 1
            if write.kind.addsRow { writes.acknowledgedInserts += 1 }
            guard let faultBegan else {
                writes.acknowledgedBefore += 1
                return
            }
            if write.done < faultBegan { writes.acknowledgedBefore += 1 }
            if write.started >= faultBegan { writes.acknowledgedAfter += 1 }
        case .refused:
            writes.refused += 1
            if !write.foundDataGone { writes.acknowledgedAfter = 0 }
        case .unknown:
            writes.unknown += 1
            writes.acknowledgedAfter = 0
        }
    }
}

/// The writes of several repeats to one ledger.
struct LedgerAccount: Sendable, Hashable {
    /// The name of the ledger; `nil` if there is none.
    var tableSuffix: String?
    var repeats = 0
    var acknowledged = 0
    var acknowledgedInserts = 0
}

/// The times at which logins, and then the database, worked again after a failure on the `login` track, for the phases of the downtime.
struct LoginRecoveries {
    struct Recovery: Hashable {
        /// The time at which the server accepted a login, even if it refused the database.
        var loginAccepted: RunTime
        /// The time at which the login got into its database.
        var databaseOnline: RunTime
        /// The time at which the sentinel query was answered.
        var queryAnswered: RunTime
    }

    private(set) var recoveries: [Recovery] = []
    private var failing = false
    private var accepted: RunTime?
    private var online: RunTime?

    mutating func add(_ probe: ProbeResult) {
        guard let failure = probe.failure else {
            if failing {
                let queryTook = probe.phases?["query"].map(Duration.nanoseconds) ?? .zero
                let login = probe.done + (.zero - queryTook)
                recoveries.append(
                    Recovery(loginAccepted: accepted ?? online ?? login, databaseOnline: online ?? login, queryAnswered: probe.done))
            }
            failing = false
            accepted = nil
            online = nil
            return
        }
        guard failure.kind != Failure.cancelled else { return }
        failing = true
        if failure.phase == "query" {
            accepted = accepted ?? probe.done
            online = online ?? probe.done
        } else if failure.phase == "login", failure.isAboutDatabase {
            accepted = accepted ?? probe.done
            online = nil
        } else {
            accepted = nil
            online = nil
        }
    }
}

/// The times in which a server accepted logins but not the writers' use of the ledger's database, as during its recovery.
struct WriteRecoveries {
    /// The last such refusal before each time that a write succeeded again.
    private(set) var refusedUntil: [RunTime] = []
    private var refused: RunTime?

    mutating func add(_ write: WriteResult) {
        if write.outcome == .acknowledged {
            if let refused { refusedUntil.append(refused) }
            refused = nil
        } else if write.failure?.isAboutDatabase == true {
            refused = write.done
        }
    }
}

extension [BlindInterval] {
    /// Merges overlapping intervals: each watch is blind on its own, and in their union not everything was seen.
    func joined(by interval: BlindInterval) -> Self {
        var joined = interval
        var others: Self = []
        for other in self {
            if other.from <= joined.to, joined.from <= other.to {
                joined = BlindInterval(
                    from: Swift.min(joined.from, other.from), to: Swift.max(joined.to, other.to), reason: other.reason)
            } else {
                others.append(other)
            }
        }
        return others + [joined]
    }
}
