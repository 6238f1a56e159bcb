import Experiment
import Foundation
import JSON
import Journal
import Verdict

/// `results.json`: what other tools read. Times are milliseconds, on the run's clock from its origin where they are moments.
struct ResultsReport {
    static let schema = "aftershock.results/v1"

    let findings: Findings

    init(_ findings: Findings) {
        self.findings = findings
    }

    func data() throws -> Data {
        var data = try json().data(pretty: true)
        data.append(UInt8(ascii: "\n"))
        return data
    }

    func json() -> JSONValue {
        var json: JSONValue = [
            "schema": .string(Self.schema),
            "state": .string(findings.state.rawValue),
            "complete": .bool(findings.isComplete),
            "chained": .bool(findings.isChained),
            "restored": findings.restored.map(JSONValue.bool) ?? .null,
            "durationMs": .milliseconds(findings.ended),
            "experiments": .array(findings.experiments.map { Self.experiment($0, isJudged: findings.state != .running) }),
        ]
        // A run that goes on has neither, also not in its parts.
        if findings.state != .running {
            json["exitCode"] = .integer(Int64(findings.exitCode.rawValue))
            json["verdict"] = .string(findings.verdict.rawValue)
        }
        if let run = findings.run {
            json["run"] = [
                "id": .string(run.id), "version": .string(run.version), "startedAt": .string(run.startedAt), "host": .string(run.host),
                "context": .string(run.context), "serverVersion": .string(run.serverVersion), "seed": .string(String(run.seed)),
            ]
        }
        if let interruption = findings.interruption {
            json["interruption"] = ["cause": .string(interruption.cause), "message": .string(interruption.message)]
        }
        if let damage = findings.damage { json["damage"] = .string(damage) }
        return json
    }

    private static func experiment(_ found: ExperimentFindings, isJudged: Bool) -> JSONValue {
        var statistics: JSONValue = [:]
        for (track, summary) in found.statistics { statistics[track.rawValue] = Self.summary(summary) }
        var json: JSONValue = [
            "name": .string(found.name),
            "fault": .string(found.fault),
            "checks": checks(found.judgements),
            "doubts": doubts(found.doubts),
            "repeatsAsked": .integer(Int64(found.repeatsAsked)),
            "repeats": .array(found.repeats.map { repeatFindings($0, isJudged: isJudged) }),
            "downtime": statistics,
            "target": found.experiment.map { experiment in
                [
                    "namespace": .string(experiment.target.namespace), "workload": .string(experiment.target.workload),
                    "service": .string(experiment.target.service),
                ]
            } ?? .null,
        ]
        if isJudged { json["verdict"] = .string(found.verdict.rawValue) }
        if let experiment = found.experiment {
            json["limits"] = [
                "downtimeMaxMs": .milliseconds(experiment.expect.maxDowntime),
                "recoveredWithinMs": .milliseconds(experiment.expect.recoveredWithin),
                "lostWrites": .integer(Int64(experiment.expect.lostWrites)),
                "node": .string(experiment.expect.node.rawValue),
            ]
        }
        return json
    }

    private static func repeatFindings(_ found: RepeatFindings, isJudged: Bool) -> JSONValue {
        var downtime: JSONValue = [:]
        var outages: [JSONValue] = []
        var probes: JSONValue = [:]
        for track in found.tracks {
            let name = track.track.rawValue
            downtime[name] = Self.downtime(track)
            probes[name] = Self.probes(track)
            outages += track.outages.map { outage($0, track.track) }
        }
        var json: JSONValue = [
            "number": .integer(Int64(found.number)),
            "checks": checks(found.judgements),
            "doubts": doubts(found.doubts),
            "startedMs": .milliseconds(found.started),
            "endedMs": .milliseconds(found.ended),
            "faultMs": .milliseconds(found.faultBegan),
            "downtime": downtime,
            "outages": .array(outages),
            "recoveredMs": found.faultBegan == nil || found.recoveredAfter.isAtLeast
                ? .null : .milliseconds(found.recoveredAfter.duration),
            "judgedTrack": found.judgedTrack.map { .string($0.rawValue) } ?? .null,
            "remarks": .array(found.remarks.map { .string($0) }),
            "phases": .array(found.phases.map { ["name": .string($0.name.rawValue), "ms": .milliseconds($0.duration)] }),
            "probes": probes,
            "ledger": ledger(found),
            "nodeLoss": found.nodeLoss.map(nodeLoss) ?? .null,
            "infrastructure": InfrastructureJSON(before: found.before, after: found.after).json,
            "effect": [
                "proven": .bool(found.effect?.proven ?? false),
                "evidence": .array((found.effect?.evidence ?? []).map(JSONValue.string)),
            ],
            "restore": [
                "complete": .bool(found.undo.allSatisfy { $0.proven == true }),
                "undone": .array(found.undo.map(undo)),
            ],
        ]
        if isJudged { json["verdict"] = .string(found.verdict.rawValue) }
        return json
    }

    private static func downtime(_ track: TrackFindings) -> JSONValue {
        [
            "lowerMs": .milliseconds(track.downtime.lower),
            "upperMs": .milliseconds(track.downtime.upper),
            "estimateMs": .milliseconds(track.downtime.estimate),
            "longestMs": .milliseconds(track.downtime.longest),
            "count": .integer(Int64(track.downtime.count)),
            "open": .bool(track.downtime.isOpen),
            "stableAfterMs": .milliseconds(track.timeToStable),
            "resolutionMs": .milliseconds(track.resolution),
        ]
    }

    private static func probes(_ track: TrackFindings) -> JSONValue {
        var skipped: JSONValue = [:]
        for (reason, count) in track.skipped { skipped[reason.rawValue] = .integer(Int64(count)) }
        return [
            "intervalMs": .milliseconds(Duration.nanoseconds(track.schedule.interval)),
            "timeoutMs": .milliseconds(Duration.nanoseconds(track.schedule.timeout)),
            "lanes": .integer(Int64(track.schedule.lanes)),
            "made": .integer(Int64(track.results)),
            "succeeded": .integer(Int64(track.succeeded)),
            "failed": .integer(Int64(track.results - track.succeeded)),
            "skipped": skipped,
            "missing": .integer(Int64(track.missing)),
            "latencyMs": distribution(track.latency),
            "lagMs": distribution(track.lag),
        ]
    }

    private static func distribution(_ distribution: Distribution?) -> JSONValue {
        guard let distribution else { return .null }
        return [
            "p50": .milliseconds(distribution.median), "p90": .milliseconds(distribution.p90),
            "p99": .milliseconds(distribution.p99), "max": .milliseconds(distribution.maximum),
        ]
    }

    private static func outage(_ outage: Outage, _ track: Track) -> JSONValue {
        var causes: JSONValue = [:]
        for (cause, count) in outage.causes { causes[cause] = .integer(Int64(count)) }
        return [
            "track": .string(track.rawValue),
            "lastSuccessStartedMs": .milliseconds(outage.lastSuccessStarted),
            "firstFailureStartedMs": .milliseconds(outage.firstFailureStarted),
            "firstFailureDoneMs": .milliseconds(outage.firstFailureDone),
            "lastFailureStartedMs": .milliseconds(outage.lastFailureStarted),
            "firstSuccessDoneMs": .milliseconds(outage.firstSuccessDone),
            "lowerMs": .milliseconds(outage.lower),
            "upperMs": .milliseconds(outage.upper),
            "estimateMs": .milliseconds(outage.estimate),
            "open": .bool(outage.isOpen),
            "failures": .integer(Int64(outage.failures)),
            "causes": causes,
        ]
    }

    /// The result of the read-back; without one, the sums of the writes' own answers, and the sets are `null`: not known is not 0.
    private static func ledger(_ found: RepeatFindings) -> JSONValue {
        guard let ledger = found.ledger else {
            return [
                "checked": false,
                "reason": found.ledgerUnchecked.map(JSONValue.string) ?? .null,
                "attempted": .integer(Int64(found.writes.attempted)),
                "acknowledged": .integer(Int64(found.writes.acknowledged)),
                "refused": .integer(Int64(found.writes.refused)),
                "unknown": .integer(Int64(found.writes.unknown)),
                "lost": .null, "corrupt": .null, "duplicate": .null, "unexpected": .null, "stale": .null,
                "unknownPresent": .null, "unknownAbsent": .null,
            ]
        }
        return [
            "checked": true,
            "attempted": .integer(ledger.attempted),
            "acknowledged": .integer(ledger.acknowledged),
            "refused": .integer(ledger.refused),
            "unknown": .integer(ledger.unknown),
            "kept": .integer(ledger.kept),
            "lost": .integer(ledger.lost),
            "corrupt": .integer(ledger.corrupt),
            "duplicate": .integer(ledger.duplicate),
            "unexpected": .integer(ledger.unexpected),
            "stale": .integer(ledger.stale),
            "unknownPresent": .integer(ledger.unknownPresent),
            "unknownAbsent": .integer(ledger.unknownAbsent),
            "unknownOverwritten": .integer(ledger.unknownOverwritten),
            "seeded": .integer(ledger.seeded),
            "seededLost": .integer(ledger.seededLost),
            "read": .integer(ledger.read),
            "lostRows": rows(ledger.lostRows),
            "corruptRows": rows(ledger.corruptRows),
            "duplicateRows": rows(ledger.duplicateRows),
            "unexpectedRows": rows(ledger.unexpectedRows),
            "staleRegisters": .array(
                ledger.staleRegisters.map {
                    [
                        "writer": .integer(Int64($0.writer)), "acknowledged": .integer($0.acknowledged),
                        "found": $0.found.map(JSONValue.integer) ?? .null,
                    ]
                }),
            "gone": .array((ledger.gone ?? []).map(JSONValue.string)),
            "checkDatabase": ledger.checkDatabase.map { .array($0.map(JSONValue.string)) } ?? .null,
            "checkDatabaseSkipped": ledger.checkDatabaseSkipped.map(JSONValue.string) ?? .null,
        ]
    }

    private static func rows(_ rows: [RowIdentity]) -> JSONValue {
        .array(rows.map { ["writer": .integer(Int64($0.writer)), "sequence": .integer($0.sequence)] })
    }

    private static func nodeLoss(_ loss: NodeLoss) -> JSONValue {
        var tolerations: JSONValue = [:]
        for (taint, seconds) in loss.tolerationSeconds { tolerations[taint] = .integer(Int64(seconds)) }
        return [
            "node": .string(loss.node),
            "ready": loss.ready.map(JSONValue.string) ?? .null,
            "taints": loss.taints.map { .array($0.map(JSONValue.string)) } ?? .null,
            "outOfService": loss.isOutOfService.map(JSONValue.bool) ?? .null,
            "tolerationSeconds": tolerations,
            "oldPod": [
                "name": .string(loss.oldPodName), "state": .string(loss.oldPod.rawValue),
                "deletedAfterMs": .milliseconds(loss.oldPodDeletedAfter), "goneAfterMs": .milliseconds(loss.oldPodGoneAfter),
            ],
            "attachments": loss.attachments.map { attachments in
                .array(
                    attachments.map { ["volume": .string($0.volume), "node": .string($0.node), "attached": .bool($0.attached)] })
            } ?? .null,
            "multiAttach": .array(loss.multiAttach.map { ["afterMs": .milliseconds($0.after), "message": .string($0.message)] }),
            "sentences": .array(loss.sentences.map(JSONValue.string)),
        ]
    }

    private static func undo(_ undo: UndoFinding) -> JSONValue {
        [
            "intent": .integer(Int64(undo.intent)), "summary": .string(undo.summary),
            "proven": undo.proven.map(JSONValue.bool) ?? .null, "evidence": undo.evidence.map(JSONValue.string) ?? .null,
        ]
    }

    private static func checks(_ judgements: [Judgement]) -> JSONValue {
        .array(
            judgements.map {
                [
                    "name": .string($0.check.rawValue), "outcome": .string($0.outcome.rawValue), "type": .string($0.type),
                    "message": .string($0.message), "follows": $0.follows.map { .string($0.rawValue) } ?? .null,
                ]
            })
    }

    private static func doubts(_ doubts: [Doubt]) -> JSONValue {
        .array(doubts.map { ["name": .string($0.kind.rawValue), "sentence": .string($0.sentence)] })
    }

    private static func summary(_ summary: Sample.Summary) -> JSONValue {
        func value(_ value: Sample.Value) -> JSONValue {
            ["ms": .milliseconds(value.duration), "atLeast": .bool(value.isAtLeast)]
        }
        return [
            "count": .integer(Int64(summary.count)),
            "values": .array(summary.values.map(value)),
            "min": value(summary.minimum),
            "median": value(summary.median),
            "max": value(summary.maximum),
            "medianInterval": summary.medianInterval.map { ["low": value($0.lowerBound), "high": value($0.upperBound)] } ?? .null,
        ]
    }
}

/// The cluster before the fault and after the recovery; `null` is what was not looked at.
private struct InfrastructureJSON {
    let before: Snapshot?
    let after: Snapshot?

    var json: JSONValue {
        [
            "serviceIP": pair { .string($0.service.ingress.first ?? $0.service.clusterIP) },
            "clusterIP": pair { .string($0.service.clusterIP) },
            "ingress": pair { .array($0.service.ingress.map(JSONValue.string)) },
            "volume": pair { snapshot in
                .array(
                    snapshot.volumes.map {
                        [
                            "claim": .string($0.claim), "claimUID": .string($0.claimUID), "volume": .string($0.volume),
                            "handle": .string($0.handle),
                        ]
                    })
            },
            "node": pair { $0.servingPod.map { .string($0.node) } ?? .null },
            "pod": pair { snapshot in
                snapshot.servingPod.map {
                    [
                        "name": .string($0.name), "uid": .string($0.uid), "containerID": .string($0.containerID),
                        "restartCount": .integer(Int64($0.restartCount)),
                    ]
                } ?? .null
            },
            "replicas": pair {
                ["desired": .integer(Int64($0.desiredReplicas)), "ready": .integer(Int64($0.readyReplicas))]
            },
        ]
    }

    private func pair(_ value: (Snapshot) -> JSONValue) -> JSONValue {
        ["before": before.map(value) ?? .null, "after": after.map(value) ?? .null]
    }
}

extension JSONValue {
    /// Milliseconds to the nanosecond, unrounded: a bound that is rounded may no longer be one.
    fileprivate static func milliseconds(_ duration: Duration?) -> JSONValue {
        duration.map { .double($0.milliseconds) } ?? .null
    }

    fileprivate static func milliseconds(_ time: RunTime?) -> JSONValue {
        milliseconds(time.map { $0 - .origin })
    }
}
