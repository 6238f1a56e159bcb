import Journal
import Testing

@testable import Verdict

/// Random truths, the probes that would have seen them, and what is made of those: the bounds must contain the truth every time.
@Suite struct OutageBoundsTests {
    private static let draws = 100

    @Test(arguments: Track.allCases, [UInt64(1), 2, 3, 4, 5])
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
            service.holdUps = []
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

    /// Two intervals and one answer for a failure that shows at once. A hang is wider by the time in which a healthy answer may come, and a
    /// freeze by a deadline, because a question in its last deadline is answered.
    @Test(arguments: [SimulatedService.Mode.refuse, .hang, .freeze])
    func boundsAreAsTightAsTheProbesAllow(mode: SimulatedService.Mode) {
        var random = SplitMix64(seed: 21)
        var found = 0
        for _ in 0..<Self.draws {
            var service = SimulatedService(&random, track: .connect)
            service.slowest = service.interval / 10
            service.jitter = 0
            service.holdUps = []
            service.resending = 0
            service.truths = service.truths.map { SimulatedService.Truth(from: $0.from, to: $0.to, mode: mode) }
            let extra =
                switch mode {
                case .refuse: 0
                case .hang: service.interval / 2
                case .freeze: service.interval / 2 + service.timeout
                }
            for outage in outages(service, .connect, &random) where outage.lower > .zero {
                guard let upper = outage.upper else { continue }
                found += 1
                #expect(upper - outage.lower <= .microseconds(2 * service.interval + 2 * service.slowest + extra))
            }
        }
        #expect(found > 20)
    }

    /// A defect that calibration once found: opening the connection again after an outage took longer than any query on an open one had
    /// taken, and the outage was said to have lasted as long as that.
    @Test func aSlowReconnectIsNoOutage() throws {
        var reducer = TrackReducer(
            .init(track: .session, interval: 20_000_000, timeout: 1_000_000_000, inFlightCap: 1, lanes: 1), from: .origin)
        func probe(_ slot: Int, took: Int, failure: Failure? = nil) {
            let started = slot * 20_000
            reducer.add(
                ProbeResult(
                    track: .session, slot: slot, intended: .us(started), started: .us(started), done: .us(started + took),
                    failure: failure, phases: ["query": Int64(took) * 1000]))
        }
        for slot in 0..<10 { probe(slot, took: 1000) }
        reducer.faultBegins(at: .us(195_000))
        probe(10, took: 500, failure: Failure(phase: "query", kind: "reset", unanswered: 400_000))
        probe(11, took: 30_000)
        for slot in 13..<16 { probe(slot, took: 1000) }
        reducer.finish()
        let outage = try #require(reducer.finder.outages.first)
        #expect(reducer.finder.outages.count == 1)
        #expect(outage.lower == .zero)
        #expect(outage.upper == .microseconds(220_000 + 30_000 - 180_000))
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
        for event in service.events(track, &random) {
            switch event {
            case .probe(let result):
                begin(result.done)
                reducer.add(result)
            case .write(let result):
                begin(result.done)
                reducer.add(result)
            case .probeSkipped(let skip): reducer.add(skip)
            default: break
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
