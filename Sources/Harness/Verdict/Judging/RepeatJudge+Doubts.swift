import Experiment
import Journal

extension RepeatJudge {
    /// The reasons why a pass is not justified.
    func doubts() -> [Doubt] {
        var doubts: [Doubt] = []
        if let unfinished { doubts.append(unfinished) }
        if facts.end?.how == .aborted, unfinished == nil {
            doubts.append(Doubt(.interrupted, "the repeat was aborted\(facts.end?.reason.map { ": \($0)" } ?? "")"))
        }
        if experiment == nil {
            doubts.append(Doubt(.experimentUnknown, "the journal's files do not have this experiment"))
        }
        // An unfinished repeat lacks many facts for one reason.
        guard doubts.isEmpty else { return doubts + restoreDoubts() }
        if let failed = facts.clientFailed { doubts.append(clientDoubt(failed)) }
        doubts += steadyDoubts() + faultDoubts()
        guard !doubts.contains(where: \.kind.voidsMeasurement) else { return doubts + restoreDoubts() }
        return doubts + probeDoubts() + recoveryDoubts() + ledgerDoubts() + clusterDoubts() + restoreDoubts()
    }

    private func steadyDoubts() -> [Doubt] {
        guard let experiment else { return [] }
        guard let steady = facts.stages.first(where: { $0.stage == .steady })?.at, facts.faultBegan.map({ steady <= $0 }) ?? true else {
            // Where the client has gone before, that is the one reason.
            guard facts.clientFailed == nil else { return [] }
            return [Doubt(.steadyStateNotSeen, "the service was not seen healthy for \(experiment.steadyFor.text) before the fault")]
        }
        guard let fault = facts.faultBegan else { return [] }
        // A track without a probe and writers without an answer have doubts of their own.
        for track in tracks where track.results > 0 && (track.track != .write || facts.writes.acknowledgedBefore > 0) {
            if let outage = track.outages.first(where: { $0.firstFailureDone < fault }) {
                let ahead = (fault - outage.firstFailureDone).textRoundedDown
                return [
                    Doubt(
                        .outageBeforeFault,
                        "the \(track.track.rawValue) track failed \(ahead) before the fault: the outage may not be its effect")
                ]
            }
            let needed = experiment.steadyFor * (1 - limits.healthTolerance)
            guard let first = track.firstSuccess, fault - first >= needed else {
                let sentence = "the \(track.track.rawValue) track was not seen healthy for \(experiment.steadyFor.text) before the fault"
                return [Doubt(.steadyStateNotSeen, sentence)]
            }
        }
        return []
    }

    private func clientDoubt(_ failed: ClientFailed) -> Doubt {
        facts.stages.contains { $0.stage == .steady }
            ? Doubt(.clientFailed, "the client of the experiment: \(failed.sentence)")
            : Doubt(.clientFailedEarly, "the client of the experiment was gone before the fault, which was not begun: \(failed.sentence)")
    }

    /// The doubt if the server did not have the work that the experiment asks for at the moment of the fault.
    private func debtDoubt() -> Doubt? {
        guard experiment?.load != nil, facts.stages.contains(where: { $0.stage == .steady }) else { return nil }
        guard let debt = facts.debt else {
            return Doubt(.noDebt, "nothing shows what the server had to recover at the moment of the fault")
        }
        return debt.missing.map { Doubt(.noDebt, "the recovery debt was not there at the moment of the fault: \($0)") }
    }

    private func faultDoubts() -> [Doubt] {
        if let debt = debtDoubt() { return [debt] }
        guard let fault = facts.faultBegan else {
            // Without a steady state no fault begins: that is the only reason.
            guard facts.stages.contains(where: { $0.stage == .steady }) else { return [] }
            return [Doubt(.faultNotInjected, "the fault was never begun")]
        }
        guard !isControl else { return [] }
        guard let effect = facts.effect else {
            return facts.faultInjected == nil
                ? [Doubt(.faultNotInjected, "the fault's request was not answered: nothing is known to have been done")]
                : [Doubt(.faultNotProven, "nothing shows that the fault took effect")]
        }
        guard effect.effect.proven else {
            let evidence = effect.effect.evidence.isEmpty ? "" : ": \(effect.effect.evidence.joined(separator: "; "))"
            return [Doubt(.faultNotProven, "the fault is not proven to have taken effect\(evidence)")]
        }
        guard !effect.effect.evidence.isEmpty else {
            return [Doubt(.faultNotProven, "the fault is said to have taken effect, but without any evidence")]
        }
        guard effect.at >= fault else {
            return [Doubt(.evidenceBeforeFault, "the evidence of the fault is older than the fault")]
        }
        return []
    }

    private func probeDoubts() -> [Doubt] {
        var doubts: [Doubt] = []
        guard !tracks.isEmpty else { return [Doubt(.noProbes, "no probe was ever started")] }
        for track in tracks {
            let name = track.track.rawValue
            let interval = Duration.nanoseconds(track.schedule.interval)
            guard track.results > 0 else {
                doubts.append(Doubt(.noProbes, "the \(name) track has no probe at all"))
                continue
            }
            if track.unexplained > 0 {
                let count = counted(track.unexplained, "probe")
                doubts.append(Doubt(.probesMissing, "of \(count) of the \(name) track neither a result nor a reason is in the journal"))
            }
            if let rate = track.probeRate, rate.share < limits.minimumProbeShare,
                rate.missing > limits.overlookedStall / interval * Double(track.schedule.lanes)
            {
                let made = "\(Int(rate.share * 100)) % of the promised probes were made"
                let needed = "\(Int(limits.minimumProbeShare * 100)) % are needed"
                doubts.append(Doubt(.rateTooLow, "the \(name) track was probed too seldom outside outages: \(made), \(needed)"))
            }
            // With few probes, one is more than a hundredth, and a single stall is no overload.
            if let lag = track.lag, track.track != .write {
                let few = max(2, lag.count / 100)
                let late = lag.count < 100 ? lag.secondLargest : lag.p99
                if late > max(limits.maximumScheduleLag, interval * 2) {
                    let kept = "\(few) of \(lag.count) started more than \(late.textRoundedDown) late"
                    doubts.append(Doubt(.scheduleLag, "the probes of the \(name) track did not keep their schedule: \(kept)"))
                }
            }
            let quiet = .nanoseconds(track.schedule.timeout) + interval * limits.quietIntervals
            if track.resolution > quiet {
                let gap = "for \(track.resolution.textRoundedUp) neither a success nor a failure was seen on the \(name) track"
                doubts.append(Doubt(.probingGap, "\(gap): an outage may have been overlooked"))
            }
        }
        return doubts
    }

    private func recoveryDoubts() -> [Doubt] {
        guard let experiment, facts.end?.how == .completed, let fault = facts.faultBegan else { return [] }
        var doubts: [Doubt] = []
        let wanted = experiment.stableFor.text
        if !facts.stages.contains(where: { $0.stage == .stable }) {
            let reason = facts.end?.reason.map { ": \($0)" } ?? ""
            doubts.append(Doubt(.notStable, "the service was not seen healthy for \(wanted) after the recovery\(reason)"))
        } else {
            for track in tracks where track.timeToStable != nil && isPromised(track.track) {
                let since = track.outages.last?.firstSuccessDone ?? fault
                let healthy = max(.zero, (track.lastSuccess ?? since) - since)
                guard healthy < experiment.stableFor * (1 - limits.healthTolerance) else { continue }
                let seen = "the \(track.track.rawValue) track was seen healthy for \(healthy.textRoundedDown) after the recovery"
                doubts.append(Doubt(.notStable, "\(seen), \(wanted) are needed"))
                break
            }
        }
        if let blind = blindDoubt(from: fault) { doubts.append(blind) }
        return doubts
    }

    /// A client without a promise is not judged.
    private func isPromised(_ track: Track) -> Bool { track.isOfService || experiment?.expect.maxClientDowntime != nil }

    private func blindDoubt(from fault: RunTime) -> Doubt? {
        guard let recovered = serviceTracks.compactMap({ $0.outages.last?.firstSuccessDone }).max(), recovered > fault else { return nil }
        let whole = recovered - fault
        let unseen = facts.blind.reduce(Duration.zero) { $0 + max(.zero, min($1.to, recovered) - max($1.from, fault)) }
        guard unseen > whole * limits.maximumBlindShare else { return nil }
        let share = "\(min(unseen, whole).textRoundedUp) of the \(whole.textRoundedUp) from the fault to the recovery"
        return Doubt(.blind, "the cluster could not be watched for \(share)")
    }

    private func ledgerDoubts() -> [Doubt] {
        var doubts: [Doubt] = []
        if facts.writes.acknowledgedBefore < limits.minimumWrites {
            doubts.append(Doubt(.noWritesBefore, "no write was acknowledged before the fault: there was nothing to lose"))
        }
        // A service that never recovered fails the recovery, which is the verdict.
        let recovered = facts.end?.how == .completed
        if recovered, facts.writes.acknowledgedAfter < limits.minimumWrites {
            doubts.append(Doubt(.noWritesAfter, "no write was acknowledged after the recovery"))
        }
        if let several = facts.severalBackends {
            let sentence =
                "the Service led to several ready servers at the same time (\(several)): the rows of one say nothing about those of another"
            return doubts + [Doubt(.severalBackends, sentence)]
        }
        guard let ledger = facts.ledger else {
            let reason = facts.ledgerUnchecked ?? "the journal does not say why"
            return doubts + [Doubt(.ledgerNotChecked, "the rows were not read back: \(reason)")]
        }
        if ledger.acknowledged > 0, ledger.read == 0, ledger.kept > 0 {
            doubts.append(Doubt(.ledgerEmpty, "rows are said to be kept, but none was read back"))
        }
        if ledger.attempted == 0 || ledger.acknowledged == 0 {
            doubts.append(Doubt(.ledgerEmpty, "the ledger has no acknowledged write: there was nothing to lose"))
        }
        if let experiment, experiment.ledger.transfers > 0, (ledger.transfers?.acknowledged ?? 0) == 0 {
            doubts.append(Doubt(.ledgerEmpty, "the ledger has no acknowledged transfer: there was nothing to tear"))
        }
        if let sum = ledgerSumDoubt(ledger) { doubts.append(sum) }
        let acknowledged = facts.closingAccount.acknowledged
        if ledger.acknowledged < Int64(acknowledged) {
            let known = "the ledger knows \(counted(ledger.acknowledged, "acknowledged write")), the journal \(acknowledged)"
            doubts.append(Doubt(.ledgerShort, "\(known): some were not looked for"))
        }
        return doubts
    }

    /// Every row of the baseline and every acknowledged insert must be in one of the sets.
    private func ledgerSumDoubt(_ ledger: LedgerChecked) -> Doubt? {
        let expected = ledger.seeded + Int64(facts.closingAccount.acknowledgedInserts)
        let found = ledger.kept + ledger.lost + ledger.corrupt + ledger.duplicate
        guard found < expected else { return nil }
        return Doubt(.ledgerInconsistent, "\(counted(expected, "row")) must be there, but only \(found) are accounted for")
    }

    private func clusterDoubts() -> [Doubt] {
        var doubts: [Doubt] = []
        guard let before = facts.before, facts.after != nil else {
            let which = facts.before == nil ? "before the fault" : "after the recovery"
            let reason = "no state of the cluster was recorded \(which)"
            for kind in [Doubt.Kind.serviceNotSeen, .storageNotSeen, .placementNotSeen, .replicasNotSeen] {
                doubts.append(Doubt(kind, reason))
            }
            return doubts
        }
        let probed = facts.probesStarted?.address ?? before.address
        if !before.service.has(address: probed) {
            let own = ([before.service.clusterIP] + before.service.ingress).joined(separator: ", ")
            doubts.append(
                Doubt(.wrongAddress, "\(probed) was probed, which is not an address of the service \(before.service.name) (\(own))"))
        }
        if before.volumes.isEmpty {
            doubts.append(Doubt(.noVolume, "the pod has no persistent volume claim: a new instance finds no storage"))
        }
        if before.servingPod == nil {
            doubts.append(Doubt(.placementNotSeen, "no ready pod was seen before the fault"))
        }
        if before.readyReplicas < before.desiredReplicas {
            let ready = "\(before.readyReplicas) of \(counted(before.desiredReplicas, "replica was", "replicas were")) ready"
            doubts.append(Doubt(.replicasShortBefore, "\(ready) before the fault already"))
        }
        if let unseen = shutdownDoubt() { doubts.append(unseen) }
        return doubts
    }

    private func restoreDoubts() -> [Doubt] {
        undo.filter { $0.proven != true }.map { undo in
            let why = undo.proven == nil ? "was never tried" : "is not proven: \(undo.evidence ?? "no evidence")"
            return Doubt(.notRestored, "\(undo.summary) \(why)")
        }
    }
}

extension ClientFailed {
    fileprivate var sentence: String {
        switch kind {
        case .notStarted, .ended: message
        case .brokeProtocol: "it broke its protocol, \(message)"
        }
    }
}

extension Snapshot.Service {
    /// Returns whether `address`, `host:port`, is one of the service's own.
    func has(address: String) -> Bool {
        let host = address.lastIndex(of: ":").map { String(address[..<$0]) } ?? address
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        return bare == clusterIP || ingress.contains(bare)
    }
}
