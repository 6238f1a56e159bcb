import Testing

@testable import Verdict

@Suite struct ComparisonTests {
    /// The smallest p there is: all of one sample below all of the other.
    @Test(arguments: [(3, 0.1), (4, 0.0286), (5, 0.0079)])
    func thePValueIsExact(count: Int, p: Double) throws {
        let found = try #require(MannWhitney.p(Array(0..<count), Array(count..<2 * count)))
        #expect(abs(found - p) < 0.0001)
    }

    /// Against scipy.stats.mannwhitneyu, exact and with ties by the normal approximation with continuity correction.
    @Test func thePValueIsThatOfOthers() throws {
        let exact = try #require(MannWhitney.p([1.1, 2.2, 3.3, 4.4, 7.7], [2.5, 5.5, 6.6, 8.8]))
        #expect(abs(exact - 0.28571429) < 1e-6)
        let tied = try #require(MannWhitney.p([1, 2, 2, 3, 4, 5], [2, 3, 5, 6, 7, 8]))
        #expect(abs(tied - 0.08926935) < 1e-6)
        #expect(MannWhitney.p([1, 1, 1], [1, 1, 1]) == 1)
        #expect(MannWhitney.p([Int](), [1]) == nil)
    }

    private func pair(_ baseline: [Int], _ current: [Int], track: String = "login") -> Comparison.Pair {
        Comparison.Pair(
            experiment: "pod-delete", track: track, baseline: baseline.map { .init(.milliseconds($0)) },
            current: current.map { .init(.milliseconds($0)) }, resolution: .milliseconds(200))
    }

    private func compare(_ pairs: Comparison.Pair...) -> [Comparison] {
        Comparison.compare(pairs, maxRegression: 0.2, alpha: 0.05)
    }

    @Test func slowerByMoreThanIsAllowedIsARegression() {
        let found = compare(pair([1000, 1010, 1020, 1030, 1040], [2000, 2010, 2020, 2030, 2040]))
        #expect(found.first?.outcome == .slower)
        #expect(found.first?.isRegression == true)
    }

    @Test func significantIsNotLarge() {
        let found = compare(pair([10_000, 10_010, 10_020, 10_030, 10_040], [11_000, 11_010, 11_020, 11_030, 11_040]))
        #expect(found.first?.outcome == .slower)
        #expect(found.first?.isRegression == false)
    }

    @Test func lessThanTheProbesCanTellIsNoRegression() {
        let found = compare(pair([100, 101, 102, 103, 104], [200, 201, 202, 203, 204]))
        #expect(found.first?.isRegression == false)
    }

    @Test func fewRepeatsShowNothing() {
        #expect(compare(pair([1000, 1001, 1002], [9000, 9001, 9002])).first?.outcome == .tooFew)
        #expect(compare(pair([1000, 1100, 1200, 1300], [1010, 1090, 1210, 1290])).first?.outcome == .unchanged)
    }

    /// One of four values of p = 0.0286 is no finding among four.
    @Test func manyComparisonsNeedStrongerEvidence() {
        let clear = pair([1000, 1001, 1002, 1003], [9000, 9001, 9002, 9003])
        #expect(compare(clear).first?.outcome == .slower)
        let same = ["a", "b", "c"].map { pair([1000, 1100, 1200, 1300], [1010, 1090, 1210, 1290], track: $0) }
        #expect(Comparison.compare([clear] + same, maxRegression: 0.2, alpha: 0.05).first?.outcome == .tooFew)
    }

    @Test func neverRecoveredIsWorse() {
        let ended = (0..<5).map { Sample.Value(.milliseconds(1000 + $0)) }
        let open = (0..<5).map { Sample.Value(.milliseconds(900 + $0), isAtLeast: true) }
        let pair = Comparison.Pair(experiment: "a", track: "login", baseline: ended, current: open, resolution: .zero)
        #expect(compare(pair).first?.isRegression == true)
    }

    /// With four tracks, four repeats a side could never be significant: the smallest p is 4 x 0.029.
    @Test func theRepeatsThatAreNeededGrowWithTheComparisons() {
        #expect(Comparison.needed(comparisons: 1, alpha: 0.05) == 4)
        #expect(Comparison.needed(comparisons: 4, alpha: 0.05) == 5)
        #expect(Comparison.needed(comparisons: 8, alpha: 0.05) == 6)
        let few = ["a", "b", "c", "d"].map { pair([1000, 1001, 1002, 1003], [2000, 2001, 2002, 2003], track: $0) }
        for comparison in Comparison.compare(few, maxRegression: 0.2, alpha: 0.05) {
            #expect(comparison.outcome == .tooFew)
            #expect(comparison.missing == 1)
        }
    }

    @Test func oneRepeatSaysWhatItShows() throws {
        let apart = try #require(compare(pair([1000, 1100, 1200], [2000])).first)
        #expect(apart.outcome == .tooFew)
        #expect(abs((apart.chance ?? 0) - 0.25) < 1e-9, "one of four places in the order")
        #expect(apart.missing == 3)
        #expect(compare(pair([1000, 1100, 1200], [1100])).first?.chance == nil)
    }

    @Test func lossesOfBothSidesAreHeldAgainstEachOther() {
        func side(_ damaged: Int, of repeats: Int) -> LossComparison.Side {
            var side = LossComparison.Side()
            side.repeats = repeats
            side.damaged = damaged
            return side
        }
        func compare(_ baseline: LossComparison.Side, _ current: LossComparison.Side) -> LossComparison {
            LossComparison(experiment: "a", baseline: baseline, current: current, alpha: 0.05)
        }
        #expect(!compare(side(0, of: 10), side(0, of: 10)).isRegression)
        #expect(compare(side(0, of: 1), side(1, of: 1)).isRegression)
        #expect(!compare(side(1, of: 10), side(2, of: 10)).isRegression)
        let more = compare(side(1, of: 10), side(9, of: 10))
        #expect(more.isRegression)
        // (10 over 9)(10 over 1) + (10 over 10)(10 over 0) of (20 over 10).
        #expect(abs(more.p - 101.0 / 184_756) < 1e-9)
    }
}
