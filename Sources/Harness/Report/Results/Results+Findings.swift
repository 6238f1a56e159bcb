import Experiment
import Journal
import Verdict

extension Results {
    init(_ findings: Findings) {
        // A running run has no verdict, nor do its parts.
        let isJudged = findings.state != .running
        self.init(
            state: findings.state.rawValue, complete: findings.isComplete, chained: findings.isChained, restored: findings.restored,
            durationMs: findings.ended.milliseconds, experiments: findings.experiments.map { Experiment($0, isJudged: isJudged) },
            exitCode: isJudged ? Int(findings.exitCode.rawValue) : nil, verdict: isJudged ? findings.verdict.rawValue : nil,
            run: findings.run.map(Run.init), interruption: findings.interruption, damage: findings.damage)
    }
}

extension Results.Run {
    fileprivate init(_ run: Findings.Run) {
        self.init(
            id: run.id, version: run.version, startedAt: run.startedAt, host: run.host, context: run.context,
            serverVersion: run.serverVersion, seed: String(run.seed))
    }
}

extension Results.Check {
    fileprivate init(_ judgement: Judgement) {
        self.init(
            name: judgement.check.rawValue, outcome: judgement.outcome.rawValue, type: judgement.type, message: judgement.message,
            follows: judgement.follows?.rawValue)
    }
}

extension Results.Doubt {
    fileprivate init(_ doubt: Doubt) {
        self.init(name: doubt.kind.rawValue, sentence: doubt.sentence)
    }
}

extension Results.Experiment {
    fileprivate init(_ found: ExperimentFindings, isJudged: Bool) {
        self.init(
            name: found.name, fault: found.fault, verdict: isJudged ? found.verdict.rawValue : nil,
            checks: found.judgements.map(Results.Check.init), doubts: found.doubts.map(Results.Doubt.init),
            repeatsAsked: found.repeatsAsked, repeats: found.repeats.map { Results.Repeat($0, isJudged: isJudged) },
            downtime: .init(uniqueKeysWithValues: found.statistics.map { ($0.key.rawValue, Statistics($0.value)) }),
            target: (found.experiment?.target).map {
                Target(namespace: $0.namespace, workload: $0.workload, service: $0.service)
            },
            limits: (found.experiment?.expect).map {
                Limits(
                    downtimeMaxMs: $0.maxDowntime?.milliseconds, recoveredWithinMs: $0.recoveredWithin?.milliseconds,
                    lostWrites: $0.lostWrites, node: $0.node.rawValue, shutdown: $0.shutdown.rawValue,
                    instances: $0.instances.rawValue, clientDowntimeMaxMs: $0.maxClientDowntime?.milliseconds)
            })
    }
}

extension Results.Experiment.Statistics {
    fileprivate init(_ summary: Sample.Summary) {
        self.init(
            count: summary.count, values: summary.values.map(Value.init), min: Value(summary.minimum), median: Value(summary.median),
            max: Value(summary.maximum),
            medianInterval: summary.medianInterval.map { Interval(low: Value($0.lowerBound), high: Value($0.upperBound)) })
    }
}

extension Results.Experiment.Statistics.Value {
    fileprivate init(_ value: Sample.Value) {
        self.init(ms: value.duration.milliseconds, atLeast: value.isAtLeast)
    }
}

extension Results.Repeat {
    fileprivate init(_ found: RepeatFindings, isJudged: Bool) {
        self.init(
            number: found.number, verdict: isJudged ? found.verdict.rawValue : nil, checks: found.judgements.map(Results.Check.init),
            doubts: found.doubts.map(Results.Doubt.init), startedMs: found.started.milliseconds, endedMs: found.ended?.milliseconds,
            faultMs: found.faultBegan?.milliseconds,
            downtime: .init(uniqueKeysWithValues: found.tracks.map { ($0.track.rawValue, Downtime($0)) }),
            outages: found.tracks.flatMap { track in track.outages.map { Outage($0, track.track) } },
            recoveredMs: found.faultBegan == nil || found.recoveredAfter.isAtLeast ? nil : found.recoveredAfter.duration.milliseconds,
            judgedTrack: found.judgedTrack?.rawValue, remarks: found.remarks, views: found.views.map(View.init),
            split: found.split.map(Split.init),
            readyNotServed: found.readyNotServed.map { Bounds(DurationBounds(lower: $0.lower, upper: $0.upper)) },
            idle: found.idle.map(Idle.init),
            phases: found.phases.map { Phase(name: $0.name.rawValue, ms: $0.duration.milliseconds) },
            probes: .init(uniqueKeysWithValues: found.tracks.map { ($0.track.rawValue, Probes($0)) }), ledger: Ledger(found),
            nodeLoss: found.nodeLoss.map(NodeLoss.init), shutdown: found.shutdown.map(Shutdown.init),
            debt: found.debt.map(Debt.init),
            recoveries: found.recoveries.map {
                Recovery(database: $0.database, analysisMs: $0.analysis, redoMs: $0.redo, undoMs: $0.undo)
            },
            measuredRecovery: found.recovery.map {
                MeasuredRecovery(
                    database: $0.database, lowerMs: $0.time.lower.milliseconds, upperMs: $0.time.upper?.milliseconds, error: $0.number)
            },
            infrastructure: Infrastructure(before: found.before, after: found.after),
            effect: Effect(proven: found.effect?.proven ?? false, evidence: found.effect?.evidence ?? []),
            restore: Restore(
                complete: found.undo.allSatisfy { $0.proven == true },
                undone: found.undo.map {
                    .init(intent: $0.intent, summary: $0.summary, proven: $0.proven, evidence: $0.evidence)
                }))
    }
}

extension Results.Repeat.Downtime {
    fileprivate init(_ track: TrackFindings) {
        let downtime = track.downtime
        self.init(
            lowerMs: downtime.lower.milliseconds, upperMs: downtime.upper?.milliseconds, estimateMs: downtime.estimate?.milliseconds,
            longestMs: downtime.longest?.milliseconds, count: downtime.count, open: downtime.isOpen,
            stableAfterMs: track.timeToStable?.milliseconds, resolutionMs: track.resolution.milliseconds)
    }
}

extension Results.Repeat.Bounds {
    fileprivate init(_ bounds: DurationBounds) {
        self.init(lowerMs: bounds.lower.milliseconds, upperMs: bounds.upper?.milliseconds)
    }
}

extension Results.Repeat.View {
    fileprivate init(_ found: ViewFindings) {
        self.init(
            view: found.view.rawValue, address: found.address, reached: found.isReached, detail: found.detail,
            downtime: .init(uniqueKeysWithValues: found.tracks.map { ($0.track.rawValue, Results.Repeat.Downtime($0)) }))
    }
}

extension Results.Repeat.Split {
    fileprivate init(_ split: DowntimeSplit) {
        typealias Bounds = Results.Repeat.Bounds
        self.init(
            server: Bounds(split.server), clusterIP: split.clusterIP.map(Bounds.init), service: Bounds(split.service),
            network: Bounds(split.network), kubeProxy: split.kubeProxy.map(Bounds.init), loadBalancer: split.loadBalancer.map(Bounds.init),
            sentence: split.sentence)
    }
}

extension Results.Repeat.Idle {
    fileprivate init(_ idle: IdleFindings) {
        func counts(_ overFault: Bool) -> Counts {
            func count(_ outcome: IdleFindings.Outcome) -> Int { idle.count(outcome, overFault: overFault) }
            return Counts(
                answered: count(.answered), reset: count(.reset), noAnswer: count(.noAnswer), otherFailure: count(.otherFailure))
        }
        self.init(
            silentForMs: idle.silentFor.milliseconds, connections: idle.connections, overFault: counts(true), withoutFault: counts(false))
    }
}

extension Results.Repeat.Outage {
    fileprivate init(_ outage: Outage, _ track: Track) {
        self.init(
            track: track.rawValue, lastSuccessStartedMs: outage.lastSuccessStarted?.milliseconds,
            firstFailureStartedMs: outage.firstFailureStarted.milliseconds, firstFailureDoneMs: outage.firstFailureDone.milliseconds,
            lastFailureStartedMs: outage.lastFailureStarted.milliseconds, firstSuccessDoneMs: outage.firstSuccessDone?.milliseconds,
            lowerMs: outage.lower.milliseconds, upperMs: outage.upper?.milliseconds, estimateMs: outage.estimate?.milliseconds,
            open: outage.isOpen, failures: outage.failures, causes: outage.causes)
    }
}

extension Results.Repeat.Probes {
    fileprivate init(_ track: TrackFindings) {
        self.init(
            intervalMs: Duration.nanoseconds(track.schedule.interval).milliseconds,
            timeoutMs: Duration.nanoseconds(track.schedule.timeout).milliseconds, lanes: track.schedule.lanes, made: track.results,
            succeeded: track.succeeded, failed: track.results - track.succeeded,
            skipped: .init(uniqueKeysWithValues: track.skipped.map { ($0.key.rawValue, $0.value) }), missing: track.missing,
            latencyMs: track.latency.map(Distribution.init), lagMs: track.lag.map(Distribution.init))
    }
}

extension Results.Repeat.Probes.Distribution {
    fileprivate init(_ distribution: Distribution) {
        self.init(
            p50: distribution.median.milliseconds, p90: distribution.p90.milliseconds, p99: distribution.p99.milliseconds,
            max: distribution.maximum.milliseconds)
    }
}

extension Results.Repeat.Ledger {
    fileprivate init(_ found: RepeatFindings) {
        guard let ledger = found.ledger else {
            self.init(
                Counts(
                    checked: false, attempted: Int64(found.writes.attempted), acknowledged: Int64(found.writes.acknowledged),
                    refused: Int64(found.writes.refused), unknown: Int64(found.writes.unknown)),
                .unchecked(Unchecked(reason: found.ledgerUnchecked)))
            return
        }
        self.init(
            Counts(
                checked: true, attempted: ledger.attempted, acknowledged: ledger.acknowledged, refused: ledger.refused,
                unknown: ledger.unknown, lost: ledger.lost, corrupt: ledger.corrupt, duplicate: ledger.duplicate,
                unexpected: ledger.unexpected, stale: ledger.stale, torn: ledger.transfers?.torn,
                unknownPresent: ledger.unknownPresent, unknownAbsent: ledger.unknownAbsent),
            .readBack(
                ReadBack(
                    kept: ledger.kept, unknownOverwritten: ledger.unknownOverwritten, seeded: ledger.seeded,
                    seededLost: ledger.seededLost, read: ledger.read, lostRows: ledger.lostRows, corruptRows: ledger.corruptRows,
                    duplicateRows: ledger.duplicateRows, unexpectedRows: ledger.unexpectedRows,
                    staleRegisters: ledger.staleRegisters.map {
                        .init(writer: $0.writer, acknowledged: $0.acknowledged, found: $0.found)
                    },
                    transfers: ledger.transfers.map(ReadBack.Transfers.init), gone: ledger.gone ?? [], checkDatabase: ledger.checkDatabase,
                    checkDatabaseSkipped: ledger.checkDatabaseSkipped)))
    }
}

extension Results.Repeat.Ledger.ReadBack.Transfers {
    fileprivate init(_ transfers: TransfersChecked) {
        self.init(
            attempted: transfers.attempted, acknowledged: transfers.acknowledged, refused: transfers.refused, unknown: transfers.unknown,
            unknownPresent: transfers.unknownPresent, unknownAbsent: transfers.unknownAbsent, torn: transfers.torn, sum: transfers.sum,
            tornTransfers: transfers.tornTransfers.map { .init(writer: $0.writer, sequence: $0.sequence, detail: $0.detail) })
    }
}

extension Results.Repeat.NodeLoss {
    fileprivate init(_ loss: NodeLoss) {
        self.init(
            node: loss.node, ready: loss.ready, taints: loss.taints, outOfService: loss.isOutOfService,
            tolerationSeconds: loss.tolerationSeconds,
            oldPod: OldPod(
                name: loss.oldPodName, state: loss.oldPod.rawValue, deletedAfterMs: loss.oldPodDeletedAfter?.milliseconds,
                goneAfterMs: loss.oldPodGoneAfter?.milliseconds),
            attachments: loss.attachments,
            multiAttach: loss.multiAttach.map { MultiAttach(afterMs: $0.after.milliseconds, message: $0.message) },
            sentences: loss.sentences)
    }
}

extension Results.Repeat.Shutdown {
    fileprivate init(_ shutdown: Shutdown) {
        self.init(
            clean: shutdown.isClean, gracePeriodMs: shutdown.gracePeriod.milliseconds, tookMs: shutdown.took?.milliseconds,
            exitCode: shutdown.exit?.code, reason: shutdown.exit?.reason, sentence: shutdown.sentence)
    }
}

extension Results.Repeat.Debt {
    fileprivate init(_ debt: RecoveryDebt) {
        self.init(
            logBytes: debt.logBytes, sentBytes: debt.sentBytes, openRows: debt.openRows, openForMs: debt.openFor.map { Double($0) / 1e6 },
            acceleratedRecovery: debt.acceleratedRecovery, targetRecoverySeconds: debt.targetRecoveryTime, evidence: debt.evidence,
            missing: debt.missing)
    }
}

extension Results.Repeat.Infrastructure {
    fileprivate init(before: Snapshot?, after: Snapshot?) {
        func pair<Value>(_ value: (Snapshot) -> Value?) -> Pair<Value> {
            Pair(before: before.flatMap(value), after: after.flatMap(value))
        }
        self.init(
            serviceIP: pair { $0.service.ingress.first ?? $0.service.clusterIP }, clusterIP: pair { $0.service.clusterIP },
            ingress: pair { $0.service.ingress },
            volume: pair { snapshot in
                snapshot.volumes.map { Volume(claim: $0.claim, claimUID: $0.claimUID, volume: $0.volume, handle: $0.handle) }
            },
            node: pair { $0.servingPod?.node },
            pod: pair { snapshot in
                snapshot.servingPod.map {
                    Pod(name: $0.name, uid: $0.uid, containerID: $0.containerID, restartCount: $0.restartCount)
                }
            },
            replicas: pair { Replicas(desired: $0.desiredReplicas, ready: $0.readyReplicas) })
    }
}

extension RunTime {
    /// The time from the origin with nanoseconds, unrounded: a rounded bound may be wrong.
    fileprivate var milliseconds: Double { (self - .origin).milliseconds }
}
