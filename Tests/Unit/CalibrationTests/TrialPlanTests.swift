import Journal
import Testing

@testable import Calibration

@Suite struct TrialPlanTests {
    private func plan(_ kind: TrialPlan.Kind, seed: UInt64, cadence: TrialPlan.Cadence = .init()) -> TrialPlan {
        var random = SplitMix64(seed: seed)
        return TrialPlan(kind: kind, cadence: cadence, using: &random)
    }

    @Test(arguments: TrialPlan.Kind.allCases) func aSeedGivesTheSamePlanAgain(kind: TrialPlan.Kind) {
        #expect(plan(kind, seed: 4) == plan(kind, seed: 4))
        #expect(plan(kind, seed: 4) != plan(kind, seed: 5))
    }

    @Test(arguments: TrialPlan.Kind.allCases) func lengthsAreWithinWhatIsPromisedToBeFound(kind: TrialPlan.Kind) {
        let cadence = TrialPlan.Cadence()
        for seed in 0..<200 as Range<UInt64> {
            for dip in plan(kind, seed: seed).dips {
                #expect(dip.length >= cadence.loginInterval * 2)
                #expect(dip.length <= .seconds(10))
                if kind == .freeze || kind == .blackHole { #expect(dip.length > cadence.timeout) }
            }
        }
    }

    /// Half of the lengths from 200 ms to 10 s lie below the second: short outages are the hard ones.
    @Test func lengthsAreSpreadOverTheOrdersOfMagnitude() {
        let lengths = (0..<400 as Range<UInt64>).map { plan(.refuse, seed: $0).dips[0].length }.sorted()
        #expect(lengths[0] < .milliseconds(250))
        #expect(lengths[399] > .seconds(8))
        #expect((.milliseconds(800) ... .seconds(2)).contains(lengths[200]))
    }

    @Test func flappingHasSeveralDipsThatCanBeToldApart() {
        let cadence = TrialPlan.Cadence()
        for seed in 0..<50 as Range<UInt64> {
            let dips = plan(.flapping, seed: seed).dips
            #expect((2...5).contains(dips.count))
            for dip in dips.dropFirst() { #expect(dip.after > cadence.timeout + cadence.loginInterval * 2) }
        }
    }
}
