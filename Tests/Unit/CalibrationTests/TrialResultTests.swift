import Journal
import Testing
import Verdict

@testable import Calibration

/// The judge of the instrument must not be lenient.
@Suite struct TrialResultTests {
    private func at(_ milliseconds: Int64) -> RunTime { RunTime(nanoseconds: milliseconds * 1_000_000) }

    /// A true outage from 1000 ms to 2000 ms.
    private var truth: TrueOutage { TrueOutage(began: at(1000)...at(1001), ended: at(2000)...at(2001)) }

    private func outage(_ from: Int64, _ to: Int64?, lower: Int64) -> Outage {
        Outage(
            lastSuccessStarted: at(from), firstFailureStarted: at(from + 10), firstFailureDone: at(from + 11),
            lastFailureStarted: at(from + 12), firstSuccessDone: to.map(at), certain: at(from)...at(from + lower),
            upper: to.map { .milliseconds($0 - from) }, failures: 3, causes: ["tcp/refused": 3])
    }

    private func score(
        _ outages: [Outage], kind: TrialPlan.Kind = .refuse, track: Track = .connect, truths: [TrueOutage]? = nil,
        fullQueues: [TrueOutage] = []
    ) throws -> TrialResult.Score {
        var random = SplitMix64(seed: 1)
        let result = TrialResult(
            plan: TrialPlan(kind: kind, cadence: .init(), using: &random), truths: truths ?? [truth], fullQueues: fullQueues,
            tracks: [.init(track: track, interval: .milliseconds(20), outages: outages, recoveries: outages.map { _ in .milliseconds(1) })])
        return try #require(result.scores.first)
    }

    @Test func boundsAroundTheTruthContainIt() throws {
        let score = try score([outage(985, 2015, lower: 980)])
        #expect(score.contained == 1)
        #expect(score.widths == [.milliseconds(50)])
        #expect(score.promisedWidths == [.milliseconds(41)])
        #expect(score.missed + score.outside + score.falseAlarms == 0)
    }

    @Test func boundsBelowOrAboveTheTruthDoNot() throws {
        #expect(try score([outage(1100, 1900, lower: 700)]).outside == 1)
        #expect(try score([outage(985, 2100, lower: 1050)]).outside == 1)
    }

    @Test func whatTheSwitchingTookIsNotHeldAgainstTheBounds() throws {
        #expect(try score([outage(1001, 2000, lower: 999)]).contained == 1)
    }

    @Test func anOutageThatIsStillOpenAtTheEndDoesNotContainIt() throws {
        #expect(try score([outage(985, nil, lower: 980)]).outside == 1)
    }

    @Test func nothingFoundIsMissed() throws {
        #expect(try score([]).missed == 1)
    }

    @Test func anOutageElsewhereIsAFalseAlarmAndTheTrueOneMissed() throws {
        let score = try score([outage(3000, 3100, lower: 20)])
        #expect(score.missed == 1)
        #expect(score.falseAlarms == 1)
    }

    @Test func oneOutageToldAsTwoIsAFalseAlarm() throws {
        let score = try score([outage(985, 2015, lower: 980), outage(1990, 2030, lower: 0)])
        #expect(score.contained == 1)
        #expect(score.falseAlarms == 1)
    }

    @Test func twoOutagesToldAsOneIsAMiss() throws {
        let second = TrueOutage(began: at(3000)...at(3001), ended: at(3500)...at(3501))
        #expect(try score([outage(985, 3520, lower: 980)], truths: [truth, second]).missed == 1)
    }

    @Test func aTrackThatTheKindLeavesAloneMustSeeNothing() throws {
        #expect(try score([], kind: .freeze, track: .connect).missed == 0)
        #expect(try score([outage(985, 2015, lower: 980)], kind: .freeze, track: .connect).falseAlarms == 1)
    }

    /// The kernel connects for a stopped process only until its queue is full.
    @Test func aFullQueueIsAnOutageOfConnectInAFreeze() throws {
        let full = TrueOutage(began: at(1000)...at(1001), ended: at(3000)...at(3001))
        let seen = outage(985, 3015, lower: 1990)
        #expect(try score([seen], kind: .freeze, track: .connect, fullQueues: [full]).contained == 1)
        #expect(try score([outage(985, 2015, lower: 980)], kind: .freeze, track: .connect, fullQueues: [full]).outside == 1)
        #expect(try score([], kind: .freeze, track: .connect, fullQueues: [full]).missed == 1)
        #expect(try score([outage(4000, 4100, lower: 80)], kind: .freeze, track: .connect, fullQueues: [full]).falseAlarms == 1)
        // Too short for a deadline to pass: it may be seen.
        let short = TrueOutage(began: at(1000)...at(1001), ended: at(2020)...at(2021))
        #expect(try score([], kind: .freeze, track: .connect, fullQueues: [short]).missed == 0)
        #expect(try score([seen], kind: .freeze, track: .login, truths: [truth], fullQueues: [full]).outside == 1)
    }

    @Test func aTrialIsContainedOnlyWhenAllOfItIs() {
        var random = SplitMix64(seed: 1)
        let plan = TrialPlan(kind: .refuse, cadence: .init(), using: &random)
        func measured(_ track: Track, _ outages: [Outage]) -> TrialResult.Measured {
            .init(track: track, interval: .milliseconds(20), outages: outages, recoveries: outages.map { _ in .zero })
        }
        let good = outage(985, 2015, lower: 980)
        let whole = TrialResult(plan: plan, truths: [truth], tracks: [measured(.connect, [good]), measured(.login, [good])])
        let half = TrialResult(plan: plan, truths: [truth], tracks: [measured(.connect, [good]), measured(.login, [])])
        let summary = CalibrationSummary([whole, half], seed: 1)
        #expect(summary.trials == 2)
        #expect(summary.contained == 1)
        #expect(summary.missed == 1)
        #expect(summary.remarks.count == 1)
        #expect(summary.table.contains("2 trials, 1 contained, 0 overloaded, 1 missed"))
    }

    /// The effects of the machine's load are neither held against the bounds nor counted for them.
    @Test func aTrialOnAnOverloadedMachineCountsNowhere() {
        var random = SplitMix64(seed: 1)
        let plan = TrialPlan(kind: .refuse, cadence: .init(), using: &random)
        func trial(_ outages: [Outage], lateShare: Double) -> TrialResult {
            let track = TrialResult.Measured(
                track: .connect, interval: .milliseconds(20), outages: outages, recoveries: outages.map { _ in .zero }, lateShare: lateShare
            )
            return TrialResult(plan: plan, truths: [truth], tracks: [track])
        }
        let good = outage(985, 2015, lower: 980)
        let summary = CalibrationSummary(
            [trial([good], lateShare: 0.01), trial([good], lateShare: 0.5), trial([], lateShare: 0.5)], seed: 1)
        #expect(summary.trials == 3)
        #expect(summary.contained == 1)
        #expect(summary.overloaded == 2)
        #expect(summary.missed == 0)
        #expect(summary.remarks.count == 2)
    }
}
