import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct ChangePointsTests {
    /// Milliseconds of downtime, upper bounds of the worst track, of deletions of a pod on the embedded cluster: 22 on a quiet machine, and
    /// 30 on one with five times as much to do as it has cores.
    private static let samples: [[Double]] = [
        [1084, 937, 880, 702, 707, 743, 1235, 695, 854, 700, 635, 873, 441, 427, 614, 610, 640, 654, 643, 608, 905, 841],
        [
            1266, 1435, 1416, 1418, 1411, 1208, 1259, 1240, 1406, 1406, 1408, 1404, 1408, 1406, 1448, 1428, 1432, 1407, 1437, 1407, 1405,
            1258, 1415, 1435, 1420, 1411, 1425, 1229, 1226, 1265,
        ],
    ]

    /// Sixty nights, each the median of ten repeats drawn from a sample, and `ratio` times as long from night 40 on.
    private func series(of sample: [Double], seed: UInt64, ratio: Double) -> [Sample.Value] {
        var generator = SplitMix64(seed: seed)
        return (0..<60).compactMap { night in
            let repeats = (0..<10).map { _ in
                let drawn = sample[Int.random(in: 0..<sample.count, using: &generator)]
                return Sample.Value(.milliseconds(Int(drawn * (night >= 40 ? ratio : 1))))
            }
            return Sample(repeats).summary?.median
        }
    }

    @Test(arguments: samples) func aPlantedChangeIsFoundAtItsNight(_ sample: [Double]) {
        let found = (0..<100 as Range<UInt64>).map { ChangePoints.find(series(of: sample, seed: $0, ratio: 1.3)) }
        #expect(found.allSatisfy { !$0.isEmpty })
        #expect(found.count { changes in changes.contains { abs($0.index - 40) <= 2 } } >= 90)
    }

    /// The stated rate is one in a thousand series: of a hundred a second one would be too many.
    @Test(arguments: samples) func nothingIsFoundWhereNothingChanged(_ sample: [Double]) {
        let alarms = (0..<100 as Range<UInt64>).count { !ChangePoints.find(series(of: sample, seed: 1000 + $0, ratio: 1)).isEmpty }
        #expect(alarms <= 1)
    }

    /// The same of thirty runs, "nights", of three repeats each, one after the other on the embedded cluster, while the machine's other work
    /// grew from seven to sixteen times what its cores can do.
    private static let nights: [[Int]] = [
        [1514, 1432, 1409], [1613, 1650, 1415], [1438, 1410, 1424], [1405, 1608, 1413], [1451, 1406, 1216], [1422, 1274, 1510],
        [1412, 1408, 1602], [1676, 1421, 1438], [1434, 1500, 1443], [1424, 1469, 1484], [1444, 1427, 1778], [1433, 1695, 1696],
        [1715, 1647, 1410], [1600, 1661, 1661], [1506, 1619, 1417], [1464, 1448, 1476], [1283, 1448, 1475], [1455, 1873, 1691],
        [1733, 1420, 1464], [1418, 1479, 1840], [1724, 1677, 1437], [1504, 1449, 1502], [1479, 1706, 1462], [1448, 1439, 1433],
        [1438, 1622, 1445], [1606, 1504, 1627], [1583, 1689, 1637], [1495, 1663, 1476], [1632, 1890, 1611], [2044, 1630, 1748],
    ]

    /// The thirty nights twice, in an order that the seed gives, and `ratio` times as long from night 40 on.
    private func realNights(seed: UInt64, ratio: Double) -> [Sample.Value] {
        var generator = SplitMix64(seed: seed)
        let order = Self.nights.shuffled(using: &generator) + Self.nights.shuffled(using: &generator)
        return order.enumerated().compactMap { night, repeats in
            Sample(repeats.map { .init(.milliseconds(Int(Double($0) * (night >= 40 ? ratio : 1)))) }).summary?.median
        }
    }

    @Test func aPlantedChangeIsFoundAmongRealNights() {
        let found = (0..<100 as Range<UInt64>).map { ChangePoints.find(realNights(seed: $0, ratio: 1.3)) }
        #expect(found.allSatisfy { $0.count == 1 && abs($0[0].index - 40) <= 2 })
    }

    @Test func realNightsWithoutAChangeShowNone() {
        let alarms = (0..<100 as Range<UInt64>).count { !ChangePoints.find(realNights(seed: $0, ratio: 1)).isEmpty }
        #expect(alarms == 0)
        let asTheyCame = Self.nights.compactMap { Sample($0.map { .init(.milliseconds($0)) }).summary?.median }
        #expect(ChangePoints.find(asTheyCame).isEmpty)
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
