import Testing

@testable import Verdict

@Suite struct SampleTests {
    /// The ranks that benchstat's QuantileCI gives.
    @Test(arguments: [
        (3, nil), (5, nil), (6, 1...6), (8, 1...8), (10, 2...9), (12, 3...10), (15, 4...12), (20, 6...15), (30, 10...21), (50, 18...33),
    ])
    func theIntervalOfTheMedianIsOfOrderStatistics(count: Int, ranks: ClosedRange<Int>?) {
        #expect(Sample.medianRanks(count: count) == ranks)
    }

    @Test func whatNeverEndedIsTheLongest() {
        let summary = Sample([.init(.seconds(2)), .init(.seconds(1), isAtLeast: true), .init(.seconds(5))]).summary
        #expect(summary?.minimum.text == "2.000 s")
        #expect(summary?.median.text == "5.000 s")
        #expect(summary?.maximum.text == "≥ 1.000 s")
        #expect(summary?.medianInterval == nil)
        #expect(Sample([.init(.seconds(2)), .init(.seconds(1), isAtLeast: true)]).summary?.median.isAtLeast == true)
        #expect(Sample([]).summary == nil)
    }

    @Test(arguments: [(5, 0.45), (10, 0.26), (30, 0.095), (59, 0.05), (299, 0.01)])
    func noneOfManyIsNotNone(count: Int, bound: Double) throws {
        let share = try #require(Sample.upperBoundOfShare(noneOf: count))
        #expect(abs(share - bound) < 0.006)
    }

    @Test func textKeepsBoundsBounds() {
        #expect(Duration.nanoseconds(1_000_001).textRoundedUp == "0.002 s")
        #expect(Duration.nanoseconds(1_999_999).textRoundedDown == "0.001 s")
    }
}
