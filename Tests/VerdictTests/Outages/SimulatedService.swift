import Journal

@testable import Verdict

/// A generator with a seed, so that a failing draw can be drawn again.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A service that is out of service at known times, and what probes of it would have seen. Times are microseconds.
struct SimulatedService {
    enum Mode: CaseIterable {
        /// Fails at once, and what is under way fails when the outage begins.
        case refuse
        /// Is never answered, and fails at its deadline.
        case hang
        /// Is answered when the outage is over, if that is before its deadline.
        case freeze
    }

    struct Truth {
        var from: Int
        var to: Int
        var mode: Mode
        var length: Int { to - from }
    }

    var interval: Int
    var timeout: Int
    /// The most that an answer takes.
    var slowest: Int
    /// The most that a probe starts late.
    var jitter: Int
    var lanes = 1
    var truths: [Truth] = []
    let end: Int

    /// Draws one. Between two outages the service is up long enough for a whole probe.
    init(_ random: inout SplitMix64, track: Track) {
        interval = Int.random(in: 5...100, using: &random) * 1000
        timeout = interval * Int.random(in: 3...30, using: &random)
        slowest = Int.random(in: 100...interval * 3 / 2, using: &random)
        jitter = Int.random(in: 0...interval / 2, using: &random)
        lanes = track == .write ? Int.random(in: 1...4, using: &random) : 1
        var time = interval * 40
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let length =
                Bool.random(using: &random)
                ? Int.random(in: 1...interval * 3, using: &random) : Int.random(in: 1...interval * 60, using: &random)
            truths.append(Truth(from: time, to: time + length, mode: Mode.allCases.randomElement(using: &random) ?? .refuse))
            // Lanes that wait for an answer see nothing else meanwhile.
            let apart = track.holdsConnections ? timeout + 3 * interval : 0
            time += length + apart + 3 * (interval + jitter + slowest) + Int.random(in: 0...interval * 40, using: &random)
        }
        end = time + interval * 40 + 2 * timeout
    }

    var schedule: (Track) -> ProbesStarted.Schedule {
        { track in
            ProbesStarted.Schedule(
                track: track, interval: Int64(interval) * 1000, timeout: Int64(timeout) * 1000, inFlightCap: 1000, lanes: lanes)
        }
    }

    /// When a probe that is started at `started` and takes `work` is done, and whether it succeeded.
    func outcome(started: Int, work: Int, _ random: inout SplitMix64) -> (done: Int, succeeded: Bool) {
        guard let truth = truths.first(where: { $0.from < started + work && $0.to > started }) else { return (started + work, true) }
        switch truth.mode {
        case .refuse: return (max(started, truth.from) + Int.random(in: 1...max(1, slowest / 2), using: &random), false)
        case .hang: return (started + timeout, false)
        case .freeze:
            let resumed = truth.to + max(1, work - max(0, truth.from - started))
            return resumed <= started + timeout ? (resumed, true) : (started + timeout, false)
        }
    }

    /// Probes of a track with overlap, in the order in which they are done.
    func probes(_ track: Track, _ random: inout SplitMix64) -> [ProbeResult] {
        var results: [ProbeResult] = []
        for slot in 0..<(end / interval) {
            let started = slot * interval + Int.random(in: 0...jitter, using: &random)
            let (done, succeeded) = outcome(started: started, work: Int.random(in: 1...slowest, using: &random), &random)
            results.append(
                ProbeResult(
                    track: track, slot: slot, intended: .us(slot * interval), started: .us(started), done: .us(done),
                    failure: succeeded ? nil : Failure(phase: "tcp", kind: "any")))
        }
        return results.sorted { $0.done < $1.done }
    }

    /// Writes of all lanes, each of which waits for its answer.
    func writes(_ random: inout SplitMix64) -> [WriteResult] {
        var results: [WriteResult] = []
        for lane in 0..<lanes {
            var free = 0
            for slot in 0..<(end / interval) {
                let intended = slot * interval + lane * interval / lanes
                guard intended >= free else { continue }
                let started = intended + Int.random(in: 0...jitter, using: &random)
                let (done, succeeded) = outcome(started: started, work: Int.random(in: 1...slowest, using: &random), &random)
                free = done
                results.append(
                    WriteResult(
                        writer: lane, sequence: Int64(slot + 1), kind: .insert, intended: .us(intended), started: .us(started),
                        done: .us(done), outcome: succeeded ? .acknowledged : .unknown))
            }
        }
        return results.sorted { $0.done < $1.done }
    }
}

extension RunTime {
    static func us(_ microseconds: Int) -> RunTime { RunTime(nanoseconds: Int64(microseconds) * 1000) }

    var microseconds: Int { Int(nanoseconds / 1000) }
}
