import Journal
import JournalScript
import Testing

@testable import Verdict

@Suite struct TimeStripTests {
    @Test func aSliceHoldsWhatWasIntendedInIt() {
        var strip = TimeStrip(from: .ms(1000))
        strip.record(intended: .ms(1000), .succeeded(.milliseconds(3)))
        strip.record(intended: .ms(1049), .failed)
        strip.record(intended: .ms(1050), .unknown)
        #expect(strip.step == .milliseconds(50))
        #expect(strip.slices.map(\.succeeded) == [1, 0])
        #expect(strip.slices.map(\.failed) == [1, 0])
        #expect(strip.slices.map(\.unknown) == [0, 1])
        #expect(strip.slices[0].slowest == 3)
    }

    /// However long a repeat is, a single failed probe is in its strip, at its time.
    @Test(arguments: [0, 1, 77, 409_599, 409_600, 7_200_000])
    func downSamplingHidesNoFailure(at failure: Int) throws {
        var strip = TimeStrip(from: .origin)
        for at in stride(from: 0, through: 7_200_000, by: 5000) { strip.record(intended: .ms(at), .succeeded(.zero)) }
        strip.record(intended: .ms(failure), .failed)
        #expect(strip.slices.count <= TimeStrip.mostSlices)
        let place = try #require(strip.slices.firstIndex { $0.failed > 0 })
        #expect(strip.slices.count { $0.failed > 0 } == 1)
        let from = strip.start + strip.step * place
        #expect(from <= .ms(failure) && .ms(failure) < from + strip.step)
    }

    @Test func aStormOfFailuresDoesNotOverflow() {
        var strip = TimeStrip(from: .origin)
        for _ in 0..<70_000 { strip.record(intended: .origin, .failed) }
        #expect(strip.slices.map(\.failed) == [.max])
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (16_384, 15), (1_000_000, 15)])
    func aClassEndsAtAPowerOfTwo(milliseconds: Int, latencyClass: Int) {
        #expect(TimeStrip.latencyClass(.milliseconds(milliseconds)) == latencyClass)
    }
}
