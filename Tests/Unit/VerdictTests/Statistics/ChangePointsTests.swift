import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct ChangePointsTests {
    /// Milliseconds of downtime, upper bounds of the worst track, of 22 deletions of a pod on the embedded cluster.
    private static let nights: [Double] = [
        1084, 937, 880, 702, 707, 743, 1235, 695, 854, 700, 635, 873, 441, 427, 614, 610, 640, 654, 643, 608, 905, 841,
    ]

    /// Sixty nights, each the median of ten repeats drawn from them, and `ratio` times as long from night 40 on.
    private func series(seed: UInt64, ratio: Double) -> [Sample.Value] {
        var generator = SplitMix64(seed: seed)
        return (0..<60).compactMap { night in
            let repeats = (0..<10).map { _ in
                let drawn = Self.nights[Int.random(in: 0..<Self.nights.count, using: &generator)]
                return Sample.Value(.milliseconds(Int(drawn * (night >= 40 ? ratio : 1))))
            }
            return Sample(repeats).summary?.median
        }
    }

    @Test func aPlantedChangeIsFoundAtItsNight() {
        let found = (0..<100 as Range<UInt64>).map { ChangePoints.find(series(seed: $0, ratio: 1.3)) }
        #expect(found.allSatisfy { !$0.isEmpty })
        #expect(found.count { changes in changes.contains { abs($0.index - 40) <= 2 } } >= 90)
    }

    /// The stated rate is one in a thousand series: of a hundred a second one would be too many.
    @Test func nothingIsFoundWhereNothingChanged() {
        let alarms = (0..<100 as Range<UInt64>).count { !ChangePoints.find(series(seed: 1000 + $0, ratio: 1)).isEmpty }
        #expect(alarms <= 1)
    }

    @Test func aServiceThatNoLongerRecoversIsAChange() {
        let before = (0..<20).map { Sample.Value(.milliseconds(1000 + $0 * 7 % 13)) }
        let after = (0..<20).map { Sample.Value(.milliseconds(900 + $0 * 5 % 11), isAtLeast: true) }
        #expect(ChangePoints.find(before + after).map(\.index) == [20])
    }

    @Test func tooFewNightsShowNothing() {
        #expect(ChangePoints.find([]).isEmpty)
        #expect(ChangePoints.find((0..<7).map { Sample.Value(.milliseconds($0 < 4 ? 1 : 1000)) }).isEmpty)
        #expect(ChangePoints.find(Array(repeating: Sample.Value(.milliseconds(5)), count: 60)).isEmpty)
    }
}
