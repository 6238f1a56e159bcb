import Experiment
import JSON
import Journal
import JournalScript
import Testing

@testable import Verdict

/// Every reason why a pass would not be justified, each from a run that would pass but for it.
@Suite struct DoubtTests {
    struct Case: Sendable, CustomStringConvertible {
        var kind: Doubt.Kind
        var script: @Sendable () -> Script
        var limits = Limits()

        init(_ kind: Doubt.Kind, limits: Limits = Limits(), _ edit: @escaping @Sendable (inout Script) -> Void) {
            self.kind = kind
            self.limits = limits
            script = {
                var script = Script()
                edit(&script)
                return script
            }
        }

        var description: String { kind.rawValue }
    }

    static let cases: [Case] = [
        Case(.noDebt) { script in script.load = "dirty: 64MiB" },
        Case(.clientFailed) { script in
            script.more = [script.record(1500, .clientFailed(ClientFailed(kind: .ended, message: "it ended by itself, with exit code 3")))]
        },
        Case(.journalEndedEarly) { script in
            script.drop { event in
                switch event {
                case .repeatEnded, .runEnded: true
                default: false
                }
            }
        },
        Case(.interrupted) { script in
            script.change { record in
                if case .repeatEnded = record.event { record.event = .repeatEnded(RepeatEnded(how: .aborted, reason: "SIGINT")) }
            }
        },
        Case(.noData) { $0.dropRepeats() },
        Case(.experimentUnknown) { script in
            script.change { record in
                if case .experimentStarted = record.event { record.event = .experimentStarted(ExperimentStarted(name: "another")) }
            }
        },
        Case(.repeatsMissing) { script in
            script.change { record in
                if case .repeatStarted(let started) = record.event {
                    record.event = .repeatStarted(RepeatStarted(number: started.number, of: 3))
                }
            }
        },
        Case(.preflightFailed) { script in
            script.dropRepeats()
            script.change { record in
                if case .preflightCheck(var check) = record.event {
                    check.status = .failed
                    record.event = .preflightCheck(check)
                }
            }
        },
        Case(.steadyStateNotSeen) { script in
            script.drop { if case .stageEntered(let entered) = $0 { entered.stage == .steady } else { false } }
        },
        Case(.clientFailedEarly) { script in
            let gone = script.record(3000, .clientFailed(ClientFailed(kind: .ended, message: "it closed its output")))
            script.drop { if case .stageEntered(let entered) = $0 { entered.stage == .steady } else { false } }
            script.more.append(gone)
        },
        Case(.outageBeforeFault) { $0.outs = [.init(from: 8000, to: 12_000)] },
        Case(.faultNotInjected) { script in
            script.drop { event in
                switch event {
                case .faultInjected, .faultEffect: true
                default: false
                }
            }
        },
        Case(.faultNotProven) { script in
            script.change { record in
                if case .faultEffect = record.event {
                    record.event = .faultEffect(FaultEffect(proven: false, evidence: ["the pod is the same"]))
                }
            }
        },
        Case(.evidenceBeforeFault) { script in
            script.change { record in
                if case .faultEffect = record.event { record.at = .ms(9000) }
            }
        },
        Case(.noProbes) { script in
            script.drop { if case .probe(let probe) = $0 { probe.track == .login } else { false } }
        },
        // One in a hundred: a leak that no rate shows.
        Case(.probesMissing) { script in
            script.drop { if case .probe(let probe) = $0 { probe.track == .login && probe.slot % 100 == 50 } else { false } }
        },
        Case(.rateTooLow) { script in
            script.skip(.login, every: 3, .lag)
        },
        // The cap is the harness's own, and what it held back was not asked.
        Case(.rateTooLow) { script in
            script.skip(.login, every: 3, .inFlightCap)
        },
        Case(.scheduleLag) { script in
            script.change { record in
                if case .probe(var probe) = record.event, probe.slot % 10 == 0 {
                    probe.intended = RunTime(nanoseconds: probe.intended.nanoseconds - 400_000_000)
                    record.event = .probe(probe)
                }
            }
        },
        Case(.probingGap, limits: lenient) { script in
            script.drop { if case .probe(let probe) = $0 { probe.track == .connect && (280..<320).contains(probe.slot) } else { false } }
        },
        Case(.wrongAddress) { $0.address = "192.168.1.5:1433" },
        Case(.notStable) { script in
            script.drop { if case .stageEntered(let entered) = $0 { entered.stage == .stable } else { false } }
        },
        Case(.blind) { script in
            script.change { record in
                if case .stageEntered(let entered) = record.event, entered.stage == .stable {
                    record.event = .blind(BlindInterval(from: .ms(11_000), to: .ms(13_000), reason: "the API server is away"))
                }
            }
            script.addStable()
        },
        Case(.noWritesBefore) { script in
            script.drop { if case .write(let write) = $0 { write.started < .ms(11_000) } else { false } }
        },
        Case(.noWritesAfter) { script in
            script.drop { if case .write(let write) = $0 { write.started > .ms(12_000) } else { false } }
        },
        Case(.ledgerNotChecked) { script in
            script.change { record in
                if case .ledgerChecked = record.event { record.event = .ledgerUnchecked(LedgerUnchecked(reason: "no login")) }
            }
        },
        Case(.ledgerEmpty) { script in
            var ledger = script.keptLedger()
            ledger.acknowledged = 0
            ledger.attempted = 0
            script.ledger = ledger
        },
        Case(.ledgerInconsistent) { script in
            var ledger = script.keptLedger()
            ledger.kept -= 5
            script.ledger = ledger
        },
        Case(.ledgerShort) { script in
            var ledger = script.keptLedger()
            ledger.acknowledged -= 1
            script.ledger = ledger
        },
        Case(.severalBackends) { script in
            script.change { record in
                if case .observation(let seen) = record.event, seen.kind == .podScheduled {
                    record.event = .observation(
                        ClusterObservation(kind: .severalBackends, object: "service/mssql", detail: "pod mssql-0, pod other-0"))
                }
            }
        },
        Case(.serviceNotSeen) { $0.dropSnapshot(.after) },
        Case(.storageNotSeen) { $0.dropSnapshot(.before) },
        Case(.placementNotSeen) { $0.dropSnapshot(.after) },
        Case(.replicasNotSeen) { $0.dropSnapshot(.before) },
        Case(.noVolume) { $0.changeSnapshot(.before) { $0.volumes = [] } },
        Case(.replicasShortBefore) { $0.changeSnapshot(.before) { $0.desiredReplicas = 2 } },
        Case(.shutdownNotSeen) {
            $0.expect = "shutdown: clean"
            $0.drop { if case .observation(let seen) = $0 { seen.kind == .podTerminating } else { false } }
        },
        Case(.notRestored) { script in
            script.change { record in
                if case .preflightCheck = record.event { return }
                if case .faultInjected = record.event {
                    record.event = .undoIntent(
                        UndoIntent(id: 1, kind: "uncordonNode", summary: "uncordon node/a", parameters: ["node": "a"]))
                }
            }
        },
    ]

    /// Only the gap itself is to be doubted.
    private static var lenient: Limits {
        var limits = Limits()
        limits.minimumProbeShare = 0.1
        return limits
    }

    @Test(arguments: cases)
    func itIsNeverAPass(_ given: Case) throws {
        let findings = given.script().findings(limits: given.limits)
        let doubts = findings.experiments.flatMap { $0.doubts + $0.repeats.flatMap(\.doubts) }
        let doubt = try #require(doubts.first { $0.kind == given.kind }, "only \(doubts)")
        #expect(!doubt.sentence.isEmpty)
        #expect(findings.verdict != .pass)
        #expect(findings.exitCode != .pass)
        #expect(findings.experiments.contains { $0.verdict != .pass })
    }

    /// One of less than a hundred probes is more than a hundredth of them, but no more than one stall.
    @Test(arguments: [(1, false), (2, true)]) func aSingleStallIsNoLoad(late: Int, isDoubted: Bool) throws {
        var script = Script()
        script.interval = 250
        script.change { record in
            if case .probe(var probe) = record.event, probe.track == .login, (4..<4 + late).contains(probe.slot) {
                probe.intended = RunTime(nanoseconds: probe.intended.nanoseconds - 600_000_000)
                record.event = .probe(probe)
            }
        }
        let doubts = script.findings().experiments.flatMap { $0.repeats.flatMap(\.doubts) }
        #expect(doubts.map(\.kind) == (isDoubted ? [.scheduleLag] : []))
    }

    /// However short the time is in which it is seen: half a second, of a probe every 50 ms.
    @Test(arguments: [(10, false), (11, true)]) func whatOneStallCostsIsNoRate(missing: Int, isDoubted: Bool) throws {
        var limits = Limits()
        limits.minimumProbeShare = 1
        var script = Script()
        script.skip(.login, .lag) { (40..<40 + missing).contains($0) }
        let doubts = script.findings(limits: limits).experiments.flatMap { $0.repeats.flatMap(\.doubts) }
        #expect(doubts.map(\.kind) == (isDoubted ? [.rateTooLow] : []))
    }

    /// Damage is not in a journal's records; it is what keeps them from being read.
    @Test func aDamagedJournalIsNeverAPass() {
        var reducer = FindingsReducer()
        for record in Script().records.dropLast() { reducer.add(record) }
        reducer.addDamage("line 812 is no record")
        let findings = reducer.findings()
        #expect(findings.experiments.first?.doubts.map(\.kind) == [.journalDamaged])
        #expect(findings.verdict == .aborted)
        #expect(findings.exitCode == .invalid)
        #expect(findings.damage == "line 812 is no record")
    }

    /// A consequence of a missing steady state is not told as another reason.
    @Test func aFaultThatWasNotBegunForWantOfASteadyStateIsNoSecondReason() {
        var script = Script()
        script.drop { event in
            switch event {
            case .stageEntered(let entered): ![.preparing, .steadying].contains(entered.stage)
            case .faultBegun, .faultInjected, .faultEffect: true
            default: false
            }
        }
        let found = script.findings().experiments.first
        #expect(found?.repeats.first?.doubts.map(\.kind) == [.steadyStateNotSeen])
        #expect(found?.judgement(.preflight)?.outcome == .undecided)
        #expect(found?.judgement(.faultTookEffect)?.outcome == .skipped)
        #expect(found?.verdict == .invalid)
    }

    @Test func everyReasonHasItsTest() {
        // Two more need several experiments: PreflightOrderTests.
        let tested = Set(Self.cases.map(\.kind)).union([.journalDamaged, .otherPreflightFailed, .preflightFailedLater])
        #expect(tested == Set(Doubt.Kind.allCases))
    }
}

extension Script {
    fileprivate mutating func dropRepeats() {
        drop { event in
            switch event {
            case .runStarted, .experimentStarted, .preflightCheck, .runEnded: false
            default: true
            }
        }
    }

    fileprivate mutating func dropSnapshot(_ moment: Snapshot.Moment) {
        drop { if case .snapshot(let snapshot) = $0 { snapshot.moment == moment } else { false } }
    }

    /// One in `count` probes of the track was not started.
    fileprivate mutating func skip(_ track: Track, every count: Int, _ reason: ProbeSkipped.Reason) {
        skip(track, reason) { $0 % count == 0 }
    }

    fileprivate mutating func skip(_ track: Track, _ reason: ProbeSkipped.Reason, where isSkipped: @escaping (_ slot: Int) -> Bool) {
        change { record in
            if case .probe(let probe) = record.event, probe.track == track, isSkipped(probe.slot) {
                record.event = .probeSkipped(ProbeSkipped(track: track, slot: probe.slot, intended: probe.intended, reason: reason))
            }
        }
    }

    /// The stage that another edit has taken the place of.
    fileprivate mutating func addStable() {
        change { record in
            if case .stageEntered(let entered) = record.event, entered.stage == .recovered {
                record.event = .stageEntered(StageEntered(stage: .stable))
            }
        }
    }
}
