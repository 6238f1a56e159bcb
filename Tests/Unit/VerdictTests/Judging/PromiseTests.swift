import Experiment
import Journal
import JournalScript
import Testing

@testable import Verdict

/// A promise that is broken fails its own check, and says how.
@Suite struct PromiseTests {
    private func failing(_ edit: (inout Script) -> Void) throws -> (check: Check, message: String, exit: RunExitCode) {
        var script = Script()
        edit(&script)
        let findings = script.findings()
        let experiment = try #require(findings.experiments.first)
        #expect(experiment.verdict == .fail)
        let failed = experiment.judgements.filter { $0.outcome == .failed }
        #expect(failed.count == 1, "\(failed)")
        let judgement = try #require(failed.first)
        return (judgement.check, judgement.message, findings.exitCode)
    }

    @Test func downtimeIsJudgedOnItsUpperBound() throws {
        // 2 s out, between 1.949 s and 2.053 s by the probes.
        let found = try failing { $0.expect = "downtime: {max: 2s}" }
        #expect(found.check == .downtime)
        #expect(found.exit == .failed)
        var script = Script()
        script.expect = "downtime: {max: 2100ms}"
        #expect(script.findings().verdict == .pass)
    }

    @Test func recoveryHasALimitOfItsOwn() throws {
        let found = try failing { $0.expect = "recoveredWithin: 2s" }
        #expect(found.check == .recovery)
        #expect(found.message == "recovered 2.003 s after the fault (connect track), allowed 2 s")
    }

    @Test func neverRecoveredIsNoNumber() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        script.drop { if case .ledgerChecked = $0 { true } else { false } }
        let findings = script.findings()
        let repeated = try #require(findings.experiments.first?.repeats.first)
        #expect(repeated.judgement(.recovery)?.outcome == .failed)
        #expect(repeated.judgement(.downtime)?.outcome == .failed)
        #expect(repeated.judgement(.dataPersistence)?.outcome == .undecided)
        for track in repeated.tracks {
            #expect(track.downtime.upper == nil)
            #expect(track.downtime.estimate == nil)
            #expect(track.downtime.lower > .seconds(9))
        }
        #expect(findings.exitCode == .failed)
        #expect(repeated.phases.last?.name == .notRecovered)
    }

    /// Told to stop while the server stood still: nobody knows how long it would have been out.
    @Test func anOutageThatTheInterruptionCutOffBreaksNothing() throws {
        var script = Script()
        script.outs = [.init(from: 17_000, to: 100_000)]
        script.drop { if case .ledgerChecked = $0 { true } else { false } }
        script.change { record in
            guard case .repeatEnded = record.event else { return }
            record.event = .repeatEnded(RepeatEnded(how: .aborted, reason: "interrupted by SIGTERM"))
        }
        let repeated = try #require(script.findings().experiments.first?.repeats.first)
        #expect(repeated.tracks.allSatisfy { $0.downtime.isOpen })
        #expect(repeated.verdict == .aborted, "\(repeated.judgements.filter { $0.outcome == .failed })")
        script.outs[0].from = 12_000
        #expect(script.findings().verdict == .fail)
    }

    /// A lost node comes back when its fault is undone, and the service with it.
    @Test func whatTheUndoBringsBackIsNoRecovery() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 17_000)]
        script.gaveUp = true
        script.undoTakes = 4_000
        let findings = script.findings()
        let repeated = try #require(findings.experiments.first?.repeats.first)
        for track in repeated.tracks {
            #expect(track.downtime.upper == nil)
            #expect(track.downtime.lower > .seconds(5) && track.downtime.lower <= .seconds(6))
            #expect(track.timeToStable == nil)
        }
        #expect(repeated.judgement(.recovery)?.outcome == .failed)
        #expect(repeated.doubts.isEmpty, "\(repeated.doubts)")
    }

    @Test(arguments: [
        ("lost", RunExitCode.dataLost), ("corrupt", .dataLost), ("stale", .dataLost), ("duplicate", .failed), ("unexpected", .failed),
        ("torn", .dataLost),
    ])
    func brokenDataFails(set: String, exit: RunExitCode) throws {
        let found = try failing { script in
            var ledger = script.keptLedger()
            switch set {
            case "lost":
                ledger.lost = 1
                ledger.kept -= 1
                ledger.lostRows = [RowIdentity(writer: 1, sequence: 17)]
            case "corrupt":
                ledger.corrupt = 1
                ledger.kept -= 1
            case "stale": ledger.stale = 1
            case "duplicate": ledger.duplicate = 1
            case "torn": ledger.transfers = .torn(1, 17)
            default: ledger.unexpected = 1
            }
            script.ledger = ledger
        }
        #expect(found.check == .dataPersistence)
        #expect(found.exit == exit)
        #expect(found.message.contains("1 \(set)"))
    }

    @Test func theLostRowsAreNamed() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.lost = 2
        ledger.kept -= 2
        ledger.seededLost = 1
        ledger.lostRows = [RowIdentity(writer: -1, sequence: 3), RowIdentity(writer: 1, sequence: 17)]
        script.ledger = ledger
        let judgement = script.findings().experiments.first?.judgement(.dataPersistence)
        #expect(judgement?.details == ["lost (writer/sequence): baseline/3 1/17"])
    }

    @Test func tornTransfersAreNamed() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.transfers = .torn(4, 17)
        ledger.transfers?.sum = 12
        ledger.transfers?.tornTransfers.append(.init(writer: 4, sequence: nil, detail: "account 3 is there 0 times"))
        script.ledger = ledger
        let judgement = script.findings().experiments.first?.judgement(.dataPersistence)
        #expect(
            judgement?.details == [
                "torn: the sum of all accounts is 12, and must be 0",
                "torn: transfer 4/17: the row is there, the debit and the credit are not",
                "torn: lane 4: account 3 is there 0 times",
            ])
    }

    /// Without a single transfer nothing is known of them.
    @Test(arguments: [true, false]) func transfersThatWereNeverAcknowledgedAreNoPass(areThere: Bool) throws {
        var script = Script()
        script.transfers = 1
        var ledger = script.keptLedger()
        ledger.transfers = TransfersChecked()
        if areThere { ledger.transfers?.acknowledged = 3 }
        script.ledger = ledger
        let judgement = script.findings().experiments.first?.judgement(.dataPersistence)
        #expect(judgement?.outcome == (areThere ? .passed : .undecided))
        if areThere { #expect(judgement?.message.contains("3 of the writes as whole transfers") == true) }
    }

    @Test func damageThatTheServerItselfReportsIsLostData() throws {
        let found = try failing { script in
            var ledger = script.keptLedger()
            ledger.checkDatabase = ["8939 (state 1, class 16): Table error"]
            script.ledger = ledger
        }
        #expect(found.check == .dataPersistence)
        #expect(found.exit == .dataLost)
        #expect(found.message.hasPrefix("damage by DBCC CHECKDB: 1;"))
    }

    @Test func aCheckThatWasNotMadeIsToldAsThat() {
        var script = Script()
        var ledger = script.keptLedger()
        func details() -> [String]? { script.findings().experiments.first?.judgement(.dataPersistence)?.details }
        ledger.checkDatabaseSkipped = "DBCC CHECKDB is not supported"
        script.ledger = ledger
        #expect(details() == ["not checked by DBCC CHECKDB: DBCC CHECKDB is not supported"])
        ledger.checkDatabaseSkipped = nil
        ledger.checkDatabase = []
        script.ledger = ledger
        #expect(details() == ["DBCC CHECKDB found nothing"])
    }

    @Test func dataThatIsLostIsLostWhateverElseIsDoubtful() {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.lost = 3
        script.ledger = ledger
        script.drop { if case .faultEffect = $0 { true } else { false } }
        let findings = script.findings()
        #expect(findings.experiments.first?.judgement(.dataPersistence)?.outcome == .failed)
        #expect(findings.exitCode == .dataLost)
    }

    @Test func theAddressMustStay() throws {
        let found = try failing { $0.changeSnapshot(.after) { $0.service.clusterIP = "10.96.0.10" } }
        #expect(found.check == .serviceAddress)
        #expect(found.message == "cluster IP 10.96.0.9 became 10.96.0.10")
    }

    @Test func theVolumeMustStay() throws {
        let anew = try failing { $0.changeSnapshot(.after) { $0.volumes[0].claimUID = "pvc2" } }
        #expect(anew.check == .storage)
        let gone = try failing { $0.changeSnapshot(.after) { $0.volumes = [] } }
        #expect(gone.check == .storage)
        let swapped = try failing { $0.changeSnapshot(.after) { $0.volumes[0].handle = "/elsewhere" } }
        #expect(swapped.message.contains("/elsewhere"))
    }

    @Test func whereNoPodCameBackItsStorageIsNotAccused() throws {
        var script = Script()
        script.changeSnapshot(.after) {
            $0.volumes = []
            $0.pods = []
            $0.readyReplicas = 0
        }
        let found = try #require(script.findings().experiments.first)
        #expect(found.judgement(.storage)?.outcome == .skipped)
        #expect(found.judgement(.replicas)?.outcome == .failed)
        #expect(found.verdict == .fail)
    }

    @Test(arguments: [("same", Verdict.fail), ("different", .pass), ("any", .pass)])
    func placementIsHeldAgainstWhatIsExpected(node: String, verdict: Verdict) {
        var script = Script()
        script.expect = "node: \(node)"
        let findings = script.findings()
        #expect(findings.verdict == verdict)
        #expect(findings.experiments.first?.judgement(.placement)?.message == "the pod moved from node-a to node-b; expected: \(node) node")
    }

    @Test func aPodThatIsNotReadyIsNamedWithItsNode() throws {
        var script = Script()
        script.changeSnapshot(.after) { $0.pods[0].ready = false }
        let found = try #require(script.findings().experiments.first)
        let pod = script.snapshot(.after).pods[0]
        #expect(
            found.judgement(.placement)?.message
                == "no pod is ready after the fault (\(pod.name) on \(pod.node) is not); it was on node-a")
    }

    @Test func replicasMustBeReadyAndAsManyAsBefore() throws {
        let short = try failing { $0.changeSnapshot(.after) { $0.readyReplicas = 0 } }
        #expect(short.check == .replicas)
        let fewer = try failing { script in
            script.changeSnapshot(.after) { snapshot in
                snapshot.desiredReplicas = 0
                snapshot.readyReplicas = 0
            }
        }
        #expect(fewer.check == .replicas)
    }

    @Test func aRepeatThatFailsIsNotMadeGoodByOthers() {
        var script = Script()
        script.repeats = 3
        script.change { record in
            // The second repeat's replicas.
            if case .snapshot(var snapshot) = record.event, snapshot.moment == .after, record.at == .ms(26_000 + 20_000) {
                snapshot.readyReplicas = 0
                record.event = .snapshot(snapshot)
            }
        }
        let experiment = script.findings().experiments.first
        #expect(experiment?.repeats.map(\.verdict) == [.pass, .fail, .pass])
        #expect(experiment?.verdict == .fail)
        #expect(experiment?.judgement(.replicas)?.message == "0 of 1 replica is ready (repeat 2 of 3)")
    }
}
