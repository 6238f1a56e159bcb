import Journal
import Testing

@Suite struct CountedTests {
    @Test(arguments: [(0, "0 repeats"), (1, "1 repeat"), (2, "2 repeats"), (-1, "-1 repeats")])
    func aNounHasTheFormOfItsNumber(_ count: Int, _ text: String) {
        #expect(counted(count, "repeat") == text)
        #expect(counted(Int64(count), "repeat") == text)
    }

    @Test func aPluralCanBeGiven() {
        #expect(counted(1, "process", "processes") == "1 process")
        #expect(counted(3, "process", "processes") == "3 processes")
        #expect("1,000 \(noun(for: 1000, "run"))" == "1,000 runs")
    }
}
