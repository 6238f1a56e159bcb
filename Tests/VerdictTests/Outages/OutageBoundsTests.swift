import Journal
import Testing

@testable import Verdict

/// Random truths, the probes that would have seen them, and what is made of those: the bounds must contain the truth every time.
@Suite struct OutageBoundsTests {
    private static let draws = 100

    @Test(arguments: [Track.connect, .write], [UInt64(1), 2, 3, 4, 5])
    func boundsContainTheTruth(track: Track, seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for draw in 0..<Self.draws {
            let service = SimulatedService(&random, track: track)
            let outages = outages(service, track, &random)
            let context = "seed \(seed), draw \(draw): \(service.truths) \(outages.map(\.bounds))"
            for outage in outages {
                let inside = service.truths.filter { outage.contains($0) }
                #expect(!inside.isEmpty, "an outage that never was: \(context)")
                guard let first = inside.first, let last = inside.last else { continue }
                let length = last.to - first.from
                #expect(outage.lower <= .microseconds(length), "the lower bound is too high: \(context)")
                #expect(outage.upper.map { $0 >= .microseconds(length) } ?? true, "the upper bound is too low: \(context)")
            }
        }
    }

    @Test(arguments: [UInt64(11), 12, 13, 14, 15])
    func everyOutageOfTwoIntervalsIsFound(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        for draw in 0..<Self.draws {
            var service = SimulatedService(&random, track: .connect)
            // A freeze shorter than the deadline is answered late, and is no outage to anybody who waits that long.
            service.truths = service.truths.map { truth in
                SimulatedService.Truth(from: truth.from, to: truth.to, mode: truth.mode == .freeze ? .hang : truth.mode)
            }
            let outages = outages(service, .connect, &random)
            for truth in service.truths where truth.length >= 2 * service.interval {
                let found = outages.filter { $0.contains(truth) }
                #expect(found.count == 1, "seed \(seed), draw \(draw): \(truth) in \(outages.map(\.bounds))")
            }
        }
    }

    /// Two intervals and one answer for what fails at once. What hangs is wider by the time in which a healthy answer may come, and a
    /// freeze by an interval more, because the probes that are answered late leave open which of them was the first.
    @Test(arguments: [(SimulatedService.Mode.refuse, 0.0), (.hang, 0.5), (.freeze, 1.5)])
    func boundsAreAsTightAsTheProbesAllow(mode: SimulatedService.Mode, extraIntervals: Double) {
        var random = SplitMix64(seed: 21)
        var found = 0
        for _ in 0..<Self.draws {
            var service = SimulatedService(&random, track: .connect)
            service.slowest = service.interval / 10
            service.jitter = 0
            service.truths = service.truths.map { SimulatedService.Truth(from: $0.from, to: $0.to, mode: mode) }
            for outage in outages(service, .connect, &random) where outage.lower > .zero {
                guard let upper = outage.upper else { continue }
                found += 1
                let intervals = Double(service.interval) * (2 + extraIntervals)
                #expect(upper - outage.lower <= .microseconds(Int(intervals) + 2 * service.slowest))
            }
        }
        #expect(found > 20)
    }

    private func outages(_ service: SimulatedService, _ track: Track, _ random: inout SplitMix64) -> [Outage] {
        var reducer = TrackReducer(service.schedule(track), from: .origin)
        let fault = RunTime.us(service.interval * 30)
        var hasBegun = false
        func begin(_ done: RunTime) {
            guard !hasBegun, done >= fault else { return }
            hasBegun = true
            reducer.faultBegins(at: fault)
        }
        if track == .write {
            for write in service.writes(&random) {
                begin(write.done)
                reducer.add(write)
            }
        } else {
            for probe in service.probes(track, &random) {
                begin(probe.done)
                reducer.add(probe)
            }
        }
        reducer.finish()
        return reducer.finder.outages
    }
}

extension Outage {
    fileprivate func contains(_ truth: SimulatedService.Truth) -> Bool {
        (lastSuccessStarted?.microseconds ?? .min) <= truth.from && (firstSuccessDone?.microseconds ?? .max) >= truth.to
    }

    fileprivate var bounds: String {
        "[\(lastSuccessStarted?.microseconds ?? -1), \(firstSuccessDone?.microseconds ?? -1)] \(lower)...\(upper ?? .zero)"
    }
}
