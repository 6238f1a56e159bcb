import Experiment
public import Journal

/// The checks of the data, and of the clauses that the cluster's objects show.
extension RepeatJudge {
    func judgePersistence(_ doubts: [Doubt]) -> Judgement {
        // A loss counts even if other facts are missing.
        if let ledger = facts.ledger, let loss = loss(ledger) { return loss }
        if let voided = doubts.first(where: \.kind.voidsMeasurement) {
            return .skipped(.dataPersistence, "not evaluated: \(voided.sentence)")
        }
        if let doubt = doubts.first(where: { $0.kind.check == .dataPersistence }) { return .undecided(doubt) }
        guard let ledger = facts.ledger else { return .skipped(.dataPersistence, "not evaluated") }
        var unknown = ""
        if ledger.unknown > 0 {
            unknown = "; of \(ledger.unknown) unanswered \(ledger.unknownPresent) are there, \(ledger.unknownAbsent) not"
            if ledger.unknownOverwritten > 0 { unknown += ", \(ledger.unknownOverwritten) overwritten since" }
        }
        let since = facts.carried.repeats > 0 ? ", over this fault and the \(facts.carried.repeats) before it" : ""
        let transfers = ledger.transfers.map { ", \($0.acknowledged) of the writes as whole transfers" } ?? ""
        let message =
            "\(counted(ledger.acknowledged, "acknowledged write")) and \(counted(ledger.seeded, "baseline row")) are all there\(transfers)\(since)\(unknown)"
        return .passed(.dataPersistence, message, details: Self.databaseCheck(ledger))
    }

    private func loss(_ ledger: LedgerChecked) -> Judgement? {
        let allowed = Int64(limits.lostWrites ?? experiment?.expect.lostWrites ?? 0)
        var broken: [String] = []
        if ledger.lost > allowed { broken.append("\(ledger.lost) lost (allowed \(allowed))") }
        for (count, name) in [
            (ledger.corrupt, "corrupt"), (ledger.duplicate, "duplicate"), (ledger.unexpected, "unexpected"),
            (ledger.stale, "stale registers"), (ledger.torn, "torn transfers"),
        ] where count > 0 {
            broken.append("\(count) \(name)")
        }
        if let found = ledger.checkDatabase, !found.isEmpty { broken.append("damage by DBCC CHECKDB: \(found.count)") }
        guard !broken.isEmpty else { return nil }
        let type = ledger.isDataLost(allowed: allowed) ? "data-lost" : "data"
        let message =
            "\(broken.joined(separator: ", ")); of \(counted(ledger.acknowledged, "acknowledged write")) and \(counted(ledger.seeded, "baseline row"))"
        return .failed(.dataPersistence, type: type, message, details: Self.lines(ledger))
    }

    /// Returns a line that tells a check that was not made from one that found nothing.
    private static func databaseCheck(_ ledger: LedgerChecked) -> [String] {
        if let reason = ledger.checkDatabaseSkipped { return ["not checked by DBCC CHECKDB: \(reason)"] }
        return ledger.checkDatabase == [] ? ["DBCC CHECKDB found nothing"] : []
    }

    /// The rows that the journal names.
    private static func lines(_ ledger: LedgerChecked) -> [String] {
        func line(_ name: String, _ rows: [RowIdentity]) -> [String] {
            guard !rows.isEmpty else { return [] }
            let shown = rows.prefix(50).map { $0.writer < 0 ? "baseline/\($0.sequence)" : "\($0.writer)/\($0.sequence)" }
            return ["\(name) (writer/sequence): \(shown.joined(separator: " "))\(rows.count > 50 ? " ..." : "")"]
        }
        let stale = ledger.staleRegisters.prefix(50).map { register in
            let found = register.found.map(String.init) ?? "nothing"
            return "stale: register of writer \(register.writer) holds \(found), acknowledged was \(register.acknowledged)"
        }
        let torn = ledger.transfers.map { transfers in
            let sum = transfers.sum == 0 ? [] : ["torn: the sum of all accounts is \(transfers.sum), and must be 0"]
            return sum
                + transfers.tornTransfers.prefix(50).map { one in
                    "torn: \(one.sequence.map { "transfer \(one.writer)/\($0)" } ?? "lane \(one.writer)"): \(one.detail)"
                }
        }
        let gone = ledger.gone.map { ["the server no longer has \($0.joined(separator: ", "))"] } ?? []
        return gone + line("lost", ledger.lostRows) + line("corrupt", ledger.corruptRows) + line("duplicate", ledger.duplicateRows)
            + line("unexpected", ledger.unexpectedRows) + stale + (torn ?? [])
            + (ledger.checkDatabase ?? []).prefix(20).map { "DBCC CHECKDB: \($0)" }
    }

    func judgeServiceAddress() -> Judgement? {
        guard let before = facts.before?.service, let after = facts.after?.service else { return nil }
        var changes: [String] = []
        if before.uid != after.uid { changes.append("the service \(before.name) was created again (uid \(before.uid), now \(after.uid))") }
        if before.clusterIP != after.clusterIP { changes.append("cluster IP \(before.clusterIP) became \(after.clusterIP)") }
        if before.ingress != after.ingress {
            changes.append("load balancer address \(Self.list(before.ingress)) became \(Self.list(after.ingress))")
        }
        guard changes.isEmpty else {
            return .failed(.serviceAddress, type: "service-address", changes.joined(separator: "; "))
        }
        let address = facts.probesStarted?.address ?? facts.before?.address ?? ""
        return .passed(.serviceAddress, "\(address) stayed the address of the service \(before.name)")
    }

    func judgeStorage() -> Judgement? {
        guard let before = facts.before?.volumes, let snapshot = facts.after, !before.isEmpty else { return nil }
        // Without a pod, an unmounted claim says nothing about the claim.
        guard !snapshot.pods.isEmpty else { return .skipped(.storage, "not evaluated: no pod could mount it") }
        let after = snapshot.volumes
        var changes: [String] = []
        for volume in before {
            guard let now = after.first(where: { $0.claim == volume.claim }) else {
                changes.append("the claim \(volume.claim) is no longer mounted")
                continue
            }
            if now.claimUID != volume.claimUID { changes.append("the claim \(volume.claim) was created again") }
            if now.volume != volume.volume {
                changes.append("the claim \(volume.claim) is bound to \(now.volume), before to \(volume.volume)")
            }
            if now.handle != volume.handle { changes.append("the volume \(now.volume) is \(now.handle), before \(volume.handle)") }
        }
        guard changes.isEmpty else { return .failed(.storage, type: "storage", changes.joined(separator: "; ")) }
        let names = before.map { "\($0.claim) (\($0.volume))" }.joined(separator: ", ")
        return .passed(.storage, "same volume: \(names)")
    }

    func judgePlacement() -> Judgement? {
        guard let experiment, let before = facts.before?.servingPod, let snapshot = facts.after else { return nil }
        guard let after = snapshot.servingPod else {
            let unready = snapshot.pods.filter { !$0.terminating && !$0.node.isEmpty }.map { "\($0.name) on \($0.node) is not" }
            let pods = unready.isEmpty ? "" : " (\(unready.joined(separator: ", ")))"
            return .failed(.placement, type: "placement", "no pod is ready after the fault\(pods); it was on \(before.node)")
        }
        let moved = before.node == after.node ? "stayed on \(before.node)" : "moved from \(before.node) to \(after.node)"
        let expected = experiment.expect.node
        let message = "the pod \(moved); expected: \(expected.rawValue) node"
        let kept =
            switch expected {
            case .same: before.node == after.node
            case .different: before.node != after.node
            case .any: true
            }
        return kept ? .passed(.placement, message) : .failed(.placement, type: "placement", message)
    }

    func judgeReplicas() -> Judgement? {
        guard let before = facts.before, let after = facts.after else { return nil }
        let message = "\(after.readyReplicas) of \(counted(after.desiredReplicas, "replica is", "replicas are")) ready"
        if after.desiredReplicas != before.desiredReplicas {
            return .failed(
                .replicas, type: "replicas",
                "\(message); \(counted(before.desiredReplicas, "was", "were")) wanted before the fault: somebody changed that")
        }
        return after.readyReplicas == after.desiredReplicas ? .passed(.replicas, message) : .failed(.replicas, type: "replicas", message)
    }

    func judgeSingleInstance() -> Judgement? {
        guard let experiment, let before = facts.before, facts.after != nil else { return nil }
        guard let overlap else {
            let claim = before.volumes.first.map { " \($0.claim)" } ?? ""
            return .passed(.singleInstance, "no new server was ready before the end of the old one: one at a time had the claim\(claim)")
        }
        return experiment.expect.instances == .one
            ? .failed(.singleInstance, type: "singleInstance", overlap.sentence)
            : .notApplicable(.singleInstance, "not judged, as spec.expect.instances is any: \(overlap.sentence)")
    }

    func judgeShutdown() -> Judgement? {
        guard let experiment else { return nil }
        guard let shutdown else { return .notApplicable(.shutdown, "not evaluated: the fault does not tell the server to stop in order") }
        guard let isClean = shutdown.isClean else { return .skipped(.shutdown, "not evaluated: \(shutdown.sentence)") }
        let words = shutdown.words.map { "the server's log: \($0)" }
        return isClean || experiment.expect.shutdown == .any
            ? .passed(.shutdown, shutdown.sentence, details: words)
            : .failed(.shutdown, type: "shutdown", shutdown.sentence, details: words)
    }

    /// The judgement of an expected clean shutdown that did not happen.
    func shutdownDoubt() -> Doubt? {
        guard experiment?.expect.shutdown == .clean, shutdown?.isClean == nil else { return nil }
        let sentence = shutdown?.sentence ?? "a clean end is expected, but nothing shows that the server was told to stop"
        return Doubt(.shutdownNotSeen, sentence)
    }

    func judgeRestore(_ doubts: [Doubt]) -> Judgement {
        let open = doubts.filter { $0.kind == .notRestored }
        if let first = open.first {
            return Judgement(
                .restore, .undecided, type: "restore.incomplete", message: first.sentence, details: open.map(\.sentence))
        }
        guard !undo.isEmpty else { return .passed(.restore, "there was nothing to restore") }
        let lines = undo.map { "\($0.summary): \($0.evidence ?? "proven")" }
        return .passed(.restore, "\(undo.count) of \(undo.count) restored and proven", details: lines)
    }

    private static func list(_ addresses: [String]) -> String {
        addresses.isEmpty ? "none" : addresses.joined(separator: ", ")
    }
}

extension LedgerChecked {
    /// Returns whether acknowledged data is gone: a row, its content, a register's value or, by the server's own report, pages.
    public func isDataLost(allowed: Int64) -> Bool {
        lost > allowed || corrupt > 0 || stale > 0 || torn > 0 || checkDatabase?.isEmpty == false
    }
}
