import Experiment
import Journal

/// Judges one repeat by the facts of its records.
struct RepeatJudge {
    let facts: RepeatReducer
    let experiment: Experiment?
    let limits: Limits
    let tracks: [TrackFindings]
    let views: [ViewFindings]
    /// The orderly shutdown of the server.
    let shutdown: Shutdown?
    /// The time in which two servers may have had the volume open.
    let overlap: Overlap?
    /// The engine before and after.
    let health: EngineHealth
    /// The results of this repeat's intents, as of the journal's end.
    var undo: [UndoFinding] = []
    /// The reason why the repeat has no end, if it has none.
    var unfinished: Doubt?

    init(_ facts: RepeatReducer, _ experiment: Experiment?, _ limits: Limits) {
        self.experiment = experiment
        self.limits = limits
        let steady = facts.stages.first { $0.stage == .steady }?.at
        // The service must be healthy for `steadyFor` before the fault: an outage in that time is not part of its start.
        let steadySince = steady.map { entered in
            guard let experiment, let fault = facts.faultBegan else { return entered }
            return min(entered, fault + (.zero - experiment.steadyFor * (1 - limits.healthTolerance)))
        }
        // Probing ends with the closing snapshot: no probe is promised while the last writes settle and the ledger is read back.
        // After giving up, no snapshot counts.
        let settling = facts.stages.last { $0.stage == .settling }?.at
        let end = facts.gaveUpAt ?? facts.afterAt ?? settling ?? facts.ended ?? facts.tracks.values.compactMap(\.lastDone).max()
        tracks = Track.allCases.compactMap { track in
            facts.tracks[track].map {
                TrackFindings(track, $0, steadySince: steadySince, fault: facts.faultBegan, end: end)
            }
        }
        views = facts.views.findings(steadySince: steadySince, fault: facts.faultBegan, end: end)
        self.facts = facts.withoutTracks
        shutdown = Shutdown(facts)
        overlap = Overlap(facts)
        health = EngineHealth(facts)
    }

    func findings() -> RepeatFindings {
        let doubts = doubts()
        let judgements = Check.allCases.filter { $0 != .preflight }.map { check -> Judgement in
            let judgement = judge(check, doubts)
            guard let aborted = doubts.first(where: { $0.kind.type == "aborted" }) else { return judgement }
            if check == runningCheck && !stands(judgement) {
                return Judgement(check, .undecided, type: "aborted", message: aborted.sentence)
            }
            // A check that failed before the end stays failed; one that passed could still have failed.
            return stands(judgement) ? judgement : .skipped(check, "not evaluated: the repeat did not run to its end")
        }
        let consequences = Consequences(
            neverRecovered: facts.end?.how == .gaveUp || serviceTracks.contains { $0.outages.last?.isOpen == true },
            hasReadyPod: facts.after?.servingPod != nil)
        let judged = judgedTrack
        return RepeatFindings(
            number: facts.number,
            verdict: verdict(judgements, doubts),
            judgements: consequences.marked(judgements),
            doubts: doubts,
            started: facts.started,
            ended: facts.ended,
            how: facts.end?.how,
            reason: facts.end?.reason,
            stages: facts.stages,
            faultBegan: facts.faultBegan,
            faultSummary: facts.fault?.summary,
            address: facts.probesStarted?.address,
            tracks: tracks,
            views: views,
            split: DowntimeSplit(facts, views: views, logins: tracks.first { $0.track == .login }),
            readyNotServed: ReadyNotServed(facts, logins: tracks.first { $0.track == .login }),
            idle: facts.idleStarted.map {
                IdleFindings(
                    silentFor: .nanoseconds($0.silentFor), connections: $0.connections, asked: facts.idleAsked, fault: facts.faultBegan)
            },
            phases: judged.map { Attribution(facts: facts, tracks: tracks).phases(of: $0) } ?? [],
            judgedTrack: judged,
            phasesBegan: judged.flatMap { Attribution(facts: facts, tracks: tracks).begins(of: $0) },
            ledger: facts.ledger,
            ledgerUnchecked: facts.ledgerUnchecked,
            damagedRows: facts.damagedRows,
            writes: facts.writes,
            effect: facts.effect?.effect,
            server: facts.prepared?.server,
            before: facts.before,
            after: facts.after,
            nodeLoss: NodeLoss(facts),
            shutdown: shutdown,
            overlap: overlap,
            debt: facts.debt,
            recoveries: DatabaseRecovery.all(in: facts),
            recovery: MeasuredRecovery(facts),
            engine: health,
            undo: undo,
            observations: facts.observations,
            blind: facts.blind)
    }

    /// Returns whether the missing end of an unfinished repeat could not have changed a judgement.
    private func stands(_ judgement: Judgement) -> Bool {
        switch judgement.check {
        case .dataPersistence: judgement.outcome == .failed
        case .downtime: judgement.outcome == .failed && facts.effect?.effect.proven == true
        case .restore: judgement.outcome == .undecided
        case .preflight, .faultTookEffect, .recovery, .serviceAddress, .storage, .placement, .replicas, .singleInstance, .shutdown,
            .engineHealth:
            false
        }
    }

    /// The check that the repeat was at, which carries the abort.
    private var runningCheck: Check {
        guard facts.faultBegan != nil else { return .faultTookEffect }
        switch facts.stages.last?.stage {
        case .undoing: return .restore
        case .settling: return .dataPersistence
        case .preparing, .steadying, .steady, .injecting, .recovering, .recovered, .stable, .gaveUp, nil:
            return facts.effect == nil ? .faultTookEffect : .recovery
        }
    }

    private func judge(_ check: Check, _ doubts: [Doubt]) -> Judgement {
        switch check {
        case .preflight: .skipped(check, "judged once an experiment")
        case .faultTookEffect: judgeEffect(doubts)
        case .recovery: gated(check, doubts, judgeRecovery)
        case .downtime: gated(check, doubts, judgeDowntime)
        case .dataPersistence: judgePersistence(doubts)
        case .serviceAddress: gated(check, doubts, judgeServiceAddress)
        case .storage: gated(check, doubts, judgeStorage)
        case .placement: gated(check, doubts, judgePlacement)
        case .replicas: gated(check, doubts, judgeReplicas)
        case .singleInstance: gated(check, doubts, judgeSingleInstance)
        case .shutdown: gated(check, doubts, judgeShutdown)
        case .engineHealth: gated(check, doubts, judgeEngineHealth)
        case .restore: judgeRestore(doubts)
        }
    }

    /// Judges a check of the time after the fault: not evaluated without a proven fault, a failure despite doubts, never a pass with one.
    private func gated(_ check: Check, _ doubts: [Doubt], _ judge: () -> Judgement?) -> Judgement {
        if let voided = doubts.first(where: \.kind.voidsMeasurement) {
            return .skipped(check, "not evaluated: \(voided.sentence)")
        }
        let judgement = judge()
        if let judgement, judgement.outcome == .failed { return judgement }
        if let doubt = doubts.first(where: { $0.kind.check == check }) { return .undecided(doubt) }
        return judgement ?? .skipped(check, "not evaluated")
    }

    private func verdict(_ judgements: [Judgement], _ doubts: [Doubt]) -> Verdict {
        if judgements.contains(where: { $0.outcome == .failed }) { return .fail }
        if doubts.contains(where: { $0.kind.type == "aborted" }) || facts.end?.how == .aborted { return .aborted }
        if !doubts.isEmpty || judgements.contains(where: { $0.outcome == .undecided }) { return .invalid }
        return .pass
    }

    /// The tracks that probe the service itself.
    var serviceTracks: [TrackFindings] { tracks.filter(\.track.isOfService) }

    /// The track of the service with the longest downtime.
    var judgedTrack: Track? {
        serviceTracks.filter { $0.downtime.count > 0 }.max { $0.downtime.judged < $1.downtime.judged }?.track
    }

    /// Is `true` if this is the control experiment, which injects nothing.
    var isControl: Bool {
        experiment?.fault.isControl ?? (facts.fault?.fault == FaultDocument.control)
    }
}
