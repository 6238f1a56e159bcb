import Experiment
import JSON
import Journal
import JournalScript
import Testing

@testable import Verdict

/// Runs that other tools are known to judge wrongly. Each test says which tool and what it said.
@Suite struct PeerDefectTests {
    private func first(_ script: Script) throws -> RepeatFindings {
        try #require(script.findings().experiments.first?.repeats.first)
    }

    // MARK: Durations

    /// Krkn 2 s health check: an outage between two polls, and one of a single poll, gave no record at all.
    @Test func anOutageOfOnePollIsAnOutage() throws {
        var script = Script()
        script.interval = 500
        script.outs = [.init(from: 10_400, to: 10_600, tracks: [.connect])]
        let track = try #require(try first(script).track(.connect))
        #expect(track.downtime.count == 1)
        #expect(track.downtime.lower == .zero)
        #expect(track.downtime.upper == .milliseconds(1003))
    }

    /// Krkn read 10 s as 8 s, and 5 s as 2 s or 4 s.
    @Test(arguments: [500, 1000, 2000, 5000])
    func theTruthIsBetweenTheBounds(length: Int) throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 10_000 + length)]
        for track in try first(script).tracks {
            #expect(track.downtime.lower <= .milliseconds(length))
            #expect(try #require(track.downtime.upper) >= .milliseconds(length))
            #expect(try #require(track.downtime.upper) - track.downtime.lower <= .milliseconds(130))
        }
    }

    /// Krkn added the time to reschedule to the time to ready, which contains it: 46 s for 33 s.
    @Test func reschedulingIsCountedOnce() throws {
        let found = try first(Script())
        let sum = found.phases.reduce(Duration.zero) { $0 + $1.duration }
        #expect(sum == found.judgedTrack.flatMap { found.track($0)?.downtime.upper })
        #expect(sum < .milliseconds(2100))
    }

    /// Krkn: a READY event 2 s before the kill made a recovery of -2.0 s.
    @Test func aReadyEventBeforeTheFaultIsNoRecovery() throws {
        var script = Script()
        script.change { record in
            if case .observation(var seen) = record.event, seen.kind == .containerStarted {
                seen.kind = .podReady
                seen.uid = "pod1"
                record = JournalRecord(at: .ms(9000), event: .observation(seen))
            }
        }
        let found = try first(script)
        #expect(found.phases.allSatisfy { $0.duration >= .zero })
        #expect(found.tracks.allSatisfy { $0.timeToStable.map { $0 > .seconds(1) } ?? false })
    }

    /// Azure's RTO scripts latch on the first failure; Litmus' continuous probes stop at it.
    @Test func theSecondOutageCountsToo() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 10_500), .init(from: 11_000, to: 11_500), .init(from: 12_000, to: 12_300)]
        for track in try first(script).tracks {
            #expect(track.downtime.count == 3)
            #expect(track.outages.count == 3)
            #expect(track.downtime.lower <= .milliseconds(1300))
            #expect(try #require(track.downtime.upper) >= .milliseconds(1300))
        }
    }

    /// The same scripts take failures times interval for the downtime, though each failure blocks until its timeout.
    @Test func blockedProbesDoNotShortenTheOutage() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 13_000, failure: Failure(phase: "query", kind: "timeout"), failsAfter: 1000)]
        for track in try first(script).tracks {
            #expect(track.downtime.lower <= .milliseconds(3000))
            #expect(try #require(track.downtime.upper) >= .milliseconds(3000))
        }
        // Three writes of a writer failed, one after the other. The last one's window reaches into the next writes.
        #expect(try #require(try first(script).track(.write)).downtime.lower >= .milliseconds(950))
    }

    /// nocentino: a stopped sqlservr stayed "ready" for 175 s, since the kernel goes on accepting TCP.
    @Test func aFrozenServerIsOutThoughItsPortIsOpen() throws {
        var script = Script()
        script.outs = [
            .init(
                from: 10_000, to: 14_000, tracks: [.login, .session, .write], failure: Failure(phase: "prelogin", kind: "timeout"),
                failsAfter: 1000)
        ]
        let found = try first(script)
        #expect(found.track(.connect)?.downtime.count == 0)
        #expect(try #require(found.track(.login)).downtime.lower > .seconds(3))
        #expect(found.verdict == .pass)
        #expect(found.judgedTrack != .connect)
    }

    // MARK: Verdicts

    /// krkn#670: 122.3 s passed a threshold of 100 s.
    @Test func overTheLimitIsAFailure() throws {
        var script = Script()
        script.expect = "recoveredWithin: 1s"
        #expect(script.findings().exitCode == .failed)
    }

    /// Chaos Toolkit: 10 of 20 iterations of a continuous hypothesis failed, exit 0, "deviated: false".
    @Test func failuresDuringTheFaultAreDeviation() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}"
        script.outs = [.init(from: 10_000, to: 15_000)]
        #expect(script.findings().verdict == .fail)
    }

    /// krkn `watch_node_status` records the elapsed time though the wanted state was never reached.
    @Test func notReachedIsNotReached() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        let found = try first(script)
        #expect(found.judgement(.recovery)?.outcome == .failed)
        #expect(found.tracks.allSatisfy { $0.timeToStable == nil && $0.downtime.isOpen })
    }

    /// litmus#1186: a drain "passed" while the database's pod was pending.
    @Test func aPendingPodIsNoReplica() throws {
        var script = Script()
        script.changeSnapshot(.after) { snapshot in
            snapshot.readyReplicas = 0
            snapshot.pods[0].ready = false
        }
        let found = try first(script)
        #expect(found.judgement(.replicas)?.outcome == .failed)
        #expect(found.judgement(.placement)?.outcome == .failed)
    }

    /// krkn#1409, chaos-mesh#4948, chaosblade#1178: nothing was killed, and all was well.
    @Test func aFaultWithoutEffectIsNoPass() throws {
        var script = Script()
        script.outs = []
        script.change { record in
            if case .faultEffect = record.event {
                record.event = .faultEffect(FaultEffect(proven: false, evidence: ["the pod's uid is unchanged"]))
            }
        }
        let findings = script.findings()
        #expect(findings.verdict == .invalid)
        #expect(findings.exitCode == .invalid)
        #expect(findings.experiments.first?.judgement(.downtime)?.outcome == .skipped)
    }

    /// Krkn's SLO queries: "no data, assuming pass". Litmus: no probe, score 100. FoundationDB: a check that cannot run counts as up.
    @Test func noDataIsNoPass() throws {
        var script = Script()
        script.drop { event in
            switch event {
            case .probe, .write: true
            default: false
            }
        }
        #expect(script.findings().exitCode == .invalid)
    }

    /// krkn#1177: the failures of an earlier scenario were lost, exit 0.
    @Test func anEarlierRepeatThatFailedFailsTheRun() throws {
        var script = Script()
        script.repeats = 2
        script.change { record in
            if case .ledgerChecked(var ledger) = record.event, record.at < .ms(25_000) {
                ledger.lost = 1
                record.event = .ledgerChecked(ledger)
            }
        }
        #expect(script.findings().exitCode == .dataLost)
    }

    /// Litmus' signal handlers exit 0, with the verdict of what was measured so far.
    @Test func anAbortIsNoPass() throws {
        var reducer = FindingsReducer()
        for record in Script().records {
            guard record.at < .ms(14_000) else { break }
            reducer.add(record)
        }
        reducer.add(JournalRecord(at: .ms(14_000), event: .interrupted(Interrupted(cause: "SIGTERM", message: "told to stop"))))
        reducer.add(JournalRecord(at: .ms(14_001), event: .repeatEnded(RepeatEnded(how: .aborted))))
        reducer.add(JournalRecord(at: .ms(14_002), event: .runEnded(RunEnded(restored: true))))
        #expect(reducer.findings().exitCode == .terminated)
        #expect(reducer.findings().verdict == .aborted)
    }

    /// Chaos Toolkit after SIGKILL: no rollback and no journal. Here the journal says what is still to be undone.
    @Test func aKilledRunSaysWhatIsNotPutBack() throws {
        var reducer = FindingsReducer()
        for record in Script().records {
            guard record.at < .ms(14_000) else { break }
            reducer.add(record)
            if case .faultBegun = record.event {
                let intent = UndoIntent(id: 1, kind: "uncordonNode", summary: "uncordon node/a", parameters: ["node": "a"])
                reducer.add(JournalRecord(at: record.at, event: .undoIntent(intent)))
            }
        }
        let findings = reducer.findings()
        #expect(findings.exitCode == .notRestored)
        #expect(findings.experiments.first?.judgement(.restore)?.message == "uncordon node/a was never tried")
    }

    /// openraft#1965: a failed teardown threw the verdict away.
    @Test func whatCouldNotBePutBackDoesNotHideTheVerdict() throws {
        var script = Script()
        script.expect = "downtime: {max: 1s}"
        var reducer = FindingsReducer()
        for record in script.records {
            reducer.add(record)
            if case .faultBegun = record.event {
                reducer.add(
                    JournalRecord(
                        at: record.at,
                        event: .undoIntent(UndoIntent(id: 1, kind: "removeTaint", summary: "remove the taint", parameters: [:]))))
                reducer.add(JournalRecord(at: record.at, event: .undoResult(UndoResult(intent: 1, proven: false, evidence: "forbidden"))))
            }
        }
        let findings = reducer.findings()
        #expect(findings.exitCode == .notRestored)
        #expect(findings.verdict == .fail)
        #expect(findings.experiments.first?.judgement(.downtime)?.outcome == .failed)
    }

    /// Azure's scripts test "recovered" on the throughput averaged since the start: a service that still fails looks recovered.
    @Test func aServiceThatStillFailsIsNotStable() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 12_000)] + (0..<7).map { .init(from: 13_000 + $0 * 1000, to: 13_100 + $0 * 1000) }
        let found = try first(script)
        #expect(found.doubts.contains { $0.kind == .notStable })
        #expect(found.verdict == .invalid)
    }

    // MARK: Data

    /// KubeDB: lost = acknowledged - COUNT(*), so that 100 rows that came without an answer hide 100 that were lost.
    @Test func rowsWithoutAnAnswerDoNotHideLostOnes() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.kept -= 20
        ledger.lost = 20
        ledger.unknownAbsent -= 20
        ledger.unknownPresent = 20
        ledger.read = ledger.kept + 20
        script.ledger = ledger
        let findings = script.findings()
        #expect(findings.exitCode == .dataLost)
        #expect(findings.experiments.first?.judgement(.dataPersistence)?.message.hasPrefix("20 lost") == true)
    }

    /// jonathan-vella's script: RPO hard-coded to "0 seconds (no data loss)".
    @Test func whatWasNotReadBackIsNotKnown() throws {
        var script = Script()
        script.drop { if case .ledgerChecked = $0 { true } else { false } }
        let found = try first(script)
        #expect(found.ledger == nil)
        #expect(found.judgement(.dataPersistence)?.outcome == .undecided)
    }

    /// scalar-jepsen#85: the final read failed because the cluster had not recovered, and that was a loss.
    @Test func aServiceThatIsAwayHasNotLostItsRows() throws {
        var script = Script()
        script.outs = [.init(from: 10_000, to: 100_000)]
        script.gaveUp = true
        script.change { record in
            if case .ledgerChecked = record.event { record.event = .ledgerUnchecked(LedgerUnchecked(reason: "no login")) }
        }
        let findings = script.findings()
        #expect(findings.exitCode == .failed)
        #expect(findings.experiments.first?.judgement(.dataPersistence)?.type == "gate.ledgerNotChecked")
    }

    /// scalar-jepsen#29, ZeroFS#487: an unanswered write that is absent was called lost, and one that is there unexpected.
    @Test(arguments: [true, false])
    func anUnansweredWriteIsNeitherLostNorUnexpected(isThere: Bool) throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.unknownPresent = isThere ? ledger.unknown : 0
        ledger.unknownAbsent = isThere ? 0 : ledger.unknown
        script.ledger = ledger
        #expect(ledger.unknown > 0)
        #expect(script.findings().verdict == .pass)
    }

    /// Jepsen's set-full cannot report a duplicate: its count is compared with 1 the wrong way.
    @Test func aRowThatIsThereTwiceIsFound() throws {
        var script = Script()
        var ledger = script.keptLedger()
        ledger.duplicate = 1
        ledger.kept -= 1
        ledger.read += 1
        script.ledger = ledger
        #expect(try first(script).judgement(.dataPersistence)?.outcome == .failed)
    }

    /// etcd's robustness tests refuse a run with too little traffic before the fault; the others pass it.
    @Test func noTrafficIsNoProof() throws {
        var script = Script()
        script.drop { if case .write = $0 { true } else { false } }
        #expect(try first(script).verdict == .invalid)
    }
}
