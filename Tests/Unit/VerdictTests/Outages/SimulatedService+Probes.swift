import Journal

@testable import Verdict

/// The results that probes of the service would have seen.
extension SimulatedService {
    /// One probe, or one write.
    private struct Attempt {
        var slot: Int
        var intended: Int
        var started: Int
        var done: Int
        var failure: Failure?
        var phases: [String: Int64] = [:]
    }

    /// The results of a track in the order in which they are recorded.
    func events(_ track: Track, _ random: inout SplitMix64) -> [Event] {
        var events: [(at: Int, event: Event)] = []
        for lane in 0..<lanes {
            var free = 0
            var goodSince: Int?
            for slot in 0..<(end / interval) {
                let intended = slot * interval + lane * interval / lanes
                let started = noticed(intended + Int.random(in: 0...jitter, using: &random))
                let isBusy = track.holdsConnections && intended < free
                guard !isBusy, started - intended < interval else {
                    let skip = ProbeSkipped(
                        track: track, lane: track == .write ? lane : nil, slot: slot, intended: .us(intended), reason: isBusy ? .busy : .lag
                    )
                    events.append((max(free, started), .probeSkipped(skip)))
                    continue
                }
                let attempt = attempt(track, slot, intended, started, goodSince: goodSince, &random)
                free = attempt.done
                if track.holdsConnections { goodSince = attempt.failure == nil ? attempt.done : nil }
                events.append((attempt.done, event(track, lane, attempt)))
            }
        }
        return events.sorted { $0.at < $1.at }.map(\.event)
    }

    private func attempt(
        _ track: Track, _ slot: Int, _ intended: Int, _ started: Int, goodSince: Int?, _ random: inout SplitMix64
    ) -> Attempt {
        var attempt = Attempt(slot: slot, intended: intended, started: started, done: started)
        if let goodSince, isBroken(since: goodSince, at: started) {
            attempt.done = noticed(started + 1)
            attempt.failure = Failure(phase: "idle", kind: "eof")
            return attempt
        }
        for step in steps(track, isOpen: goodSince != nil, &random) {
            let sent = attempt.done
            func failed(_ kind: String, at time: Int) -> Attempt {
                attempt.done = noticed(time)
                attempt.failure = Failure(phase: step.phase, kind: kind, unanswered: Int64(attempt.done - sent) * 1000)
                return attempt
            }
            switch answer(sent: sent, work: step.work, &random) {
            case .comes(let time) where time <= noticed(started + timeout):
                attempt.done = noticed(time)
                attempt.phases[step.phase] = Int64(attempt.done - sent) * 1000
            case .fails(let time): return failed("reset", at: time)
            case .comes, .never: return failed("timeout", at: started + timeout)
            }
        }
        return attempt
    }

    /// The questions of a probe, one after the other, and the work of each answer.
    private func steps(_ track: Track, isOpen: Bool, _ random: inout SplitMix64) -> [(phase: String, work: Int)] {
        let query = Int.random(in: 1...slowest, using: &random)
        func opening() -> Int { Int.random(in: 1...slowestOpening, using: &random) }
        switch track {
        case .connect: return [("tcp", query)]
        case .client: return [("operation", query)]
        case .login: return [("tcp", 1 + query / 4), ("login", 1 + query / 4), ("query", 1 + query / 4)]
        case .session, .write: return (isOpen ? [] : [("tcp", opening()), ("login", opening())]) + [("query", query)]
        }
    }

    private func event(_ track: Track, _ lane: Int, _ attempt: Attempt) -> Event {
        let intended = RunTime.us(attempt.intended)
        let started = RunTime.us(attempt.started)
        guard track == .write else {
            return .probe(
                ProbeResult(
                    track: track, slot: attempt.slot, intended: intended, started: started, done: .us(attempt.done),
                    failure: attempt.failure, phases: attempt.phases))
        }
        return .write(
            WriteResult(
                writer: lane, sequence: Int64(attempt.slot + 1), kind: .insert, intended: intended, started: started,
                done: .us(attempt.done), outcome: attempt.failure == nil ? .acknowledged : .unknown, failure: attempt.failure))
    }
}
