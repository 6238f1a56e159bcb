import Journal

@testable import Verdict

/// A service that is out of service at known times. Times are microseconds.
///
/// The harness that probes it is held up at times, and answers get lost and come late, most of all when an outage begins: neither may
/// make a bound wrong.
struct SimulatedService {
    enum Mode: CaseIterable {
        /// Fails at once; what is under way fails when the outage begins, and idle connections break.
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

    /// The fate of a question that the service has got.
    enum Answer {
        case comes(Int)
        case fails(Int)
        case never
    }

    var interval: Int
    var timeout: Int
    /// The most that an answer takes on a connection that is open, and all the answers together that a probe without one needs.
    var slowest: Int
    /// The most that each step of opening a held connection takes.
    var slowestOpening: Int
    /// The most that a probe starts late.
    var jitter: Int
    var lanes = 1
    var truths: [Truth] = []
    /// When the harness gets no processor.
    var holdUps: [Range<Int>] = []
    /// The most by which an answer comes late that got lost.
    var resending: Int
    let end: Int

    /// Draws one. Between two outages the service is up long enough for a whole probe.
    init(_ random: inout SplitMix64, track: Track) {
        interval = Int.random(in: 5...100, using: &random) * 1000
        timeout = interval * Int.random(in: 6...30, using: &random)
        slowest = Int.random(in: 100...interval * 3 / 2, using: &random)
        slowestOpening = Int.random(in: 100...timeout / 8, using: &random)
        jitter = Int.random(in: 0...interval / 2, using: &random)
        resending = timeout / 8
        lanes = track == .write ? Int.random(in: 1...4, using: &random) : 1
        let longestHoldUp = timeout / 8
        var time = interval * 40
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let length =
                Bool.random(using: &random)
                ? Int.random(in: 1...interval * 3, using: &random) : Int.random(in: 1...interval * 60, using: &random)
            truths.append(Truth(from: time, to: time + length, mode: Mode.allCases.randomElement(using: &random) ?? .refuse))
            for edge in [time, time + length] where Int.random(in: 0..<3, using: &random) == 0 {
                let start = edge - Int.random(in: 0...longestHoldUp, using: &random)
                holdUps.append(start..<start + Int.random(in: 1...longestHoldUp, using: &random))
            }
            // Lanes that wait for an answer see nothing else meanwhile.
            let apart = track.holdsConnections ? 2 * timeout + 3 * interval : 0
            time += length + apart + 3 * (interval + jitter + slowest) + Int.random(in: 0...interval * 40, using: &random)
        }
        end = time + interval * 40 + 2 * timeout
    }

    func schedule(_ track: Track) -> ProbesStarted.Schedule {
        ProbesStarted.Schedule(
            track: track, interval: Int64(interval) * 1000, timeout: Int64(timeout) * 1000, inFlightCap: 1000, lanes: lanes)
    }

    /// When the harness notices what happens at `time`.
    func noticed(_ time: Int) -> Int {
        holdUps.reduce(time) { $1.contains($0) ? $1.upperBound : $0 }
    }

    /// Returns the answer to a question that was sent at `sent` and is `work` to answer.
    func answer(sent: Int, work: Int, _ random: inout SplitMix64) -> Answer {
        guard let truth = truths.first(where: { $0.from < sent + work && $0.to > sent }) else {
            let isLast = truths.contains { ($0.from - 2 * interval...$0.from).contains(sent + work) }
            let isLost = isLast && resending > 0 && Int.random(in: 0..<3, using: &random) == 0
            return .comes(sent + work + (isLost ? Int.random(in: 0...resending, using: &random) : 0))
        }
        switch truth.mode {
        case .refuse: return .fails(max(sent, truth.from) + Int.random(in: 1...max(1, slowest / 2), using: &random))
        case .hang: return .never
        case .freeze: return .comes(truth.to + max(1, work - max(0, truth.from - sent)))
        }
    }

    /// Returns whether a connection that was good at `since` broke while it was idle, before `time`.
    func isBroken(since: Int, at time: Int) -> Bool {
        truths.contains { $0.mode == .refuse && $0.from >= since && $0.from < time }
    }
}

extension RunTime {
    static func us(_ microseconds: Int) -> RunTime { RunTime(nanoseconds: Int64(microseconds) * 1000) }

    var microseconds: Int { Int(nanoseconds / 1000) }
}
