import Journal

/// Collects one track's results of one repeat, as they come from the journal.
///
/// The journal has results in the order of their ends; the bounds need the order of their starts. A result is held only until all
/// earlier slots are accounted for, so that only results that were in flight at the same time are held.
struct TrackReducer {
    private struct Result {
        /// `nil` if it succeeded.
        var cause: String?
        var started: RunTime
        var done: RunTime
        /// The window in which the track was not served at some moment, if it failed; `nil` if it is the whole probe.
        var unservedFrom: RunTime?
        var unservedBy: RunTime?
        var heldSince: RunTime?
    }

    let schedule: ProbesStarted.Schedule
    private(set) var finder: OutageFinder
    private(set) var latency = LatencyRecorder()
    private(set) var seconds: SecondBuckets
    private(set) var strip: TimeStrip
    private(set) var firstSuccess: RunTime?
    private(set) var lastSuccess: RunTime?
    private(set) var lastDone: RunTime?
    private(set) var results = 0
    private(set) var succeeded = 0
    private(set) var skipped: [ProbeSkipped.Reason: Int] = [:]
    /// The longest time of each phase of a success before the fault, in nanoseconds.
    private var slowestHealthy: [String: Int64] = [:]
    /// The longest time of each phase of a healthy service, known since the fault.
    private var answersWithin: [String: Duration] = [:]

    /// Results that wait for earlier ones, by their start.
    private var waiting: [Result] = []
    /// Slots that came before their predecessors.
    private var early: [Int: RunTime] = [:]
    private var nextSlot = 0
    /// The earliest possible start of each writer's next write.
    private var lanes: [Int: RunTime] = [:]
    /// The time of the last answer on each lane's held connection.
    private var heldSince: [Int: RunTime] = [:]

    init(_ schedule: ProbesStarted.Schedule, from start: RunTime) {
        self.schedule = schedule
        finder = OutageFinder()
        seconds = SecondBuckets(from: start)
        strip = TimeStrip(from: start)
    }

    /// Returns the number of slots without a result or a reason, although later ones have one, among those intended when `matches` says.
    func missing(_ matches: (RunTime) -> Bool) -> Int {
        guard let (last, time) = early.max(by: { $0.key < $1.key }) else { return 0 }
        // More would not add information.
        return (max(nextSlot, last - 1_000_000)..<last).count { slot in
            early[slot] == nil && matches(time + (.zero - .nanoseconds(schedule.interval) * (last - slot)))
        }
    }

    /// Marks the fault: later latencies are no measure of a healthy service.
    mutating func faultBegins(at time: RunTime) {
        finder.quietGapsCountFrom = time
        // Twice the slowest, so that a slow answer is not taken for a missing one.
        answersWithin = slowestHealthy.mapValues { .nanoseconds(max($0 * 2, schedule.interval / 2)) }
    }

    mutating func add(_ probe: ProbeResult) {
        if probe.failure?.kind != Failure.cancelled {
            record(
                lane: 0, intended: probe.intended, started: probe.started, done: probe.done, failure: probe.failure,
                phases: probe.phases ?? [:])
            latency.recordLag(probe.started - probe.intended)
        }
        account(slot: probe.slot, intended: probe.intended)
    }

    mutating func add(_ skip: ProbeSkipped) {
        skipped[skip.reason, default: 0] += 1
        seconds.recordSkipped(at: skip.intended, skip.reason)
        // Each writer counts its own slots.
        if skip.track != .write { account(slot: skip.slot, intended: skip.intended) }
    }

    mutating func add(_ write: WriteResult) {
        var failure = write.failure
        if write.outcome != .acknowledged && failure == nil { failure = Failure(phase: "write", kind: write.outcome.rawValue) }
        if failure?.kind != Failure.cancelled {
            record(
                lane: write.writer, intended: write.intended, started: write.started, done: write.done,
                failure: write.outcome == .acknowledged || write.foundDataGone ? nil : failure,
                phases: [Failure.queryPhase: (write.done - write.started).wholeNanoseconds],
                outcome: write.outcome == .unknown ? .unknown : nil)
        }
        lanes[write.writer] = max(write.done, lanes[write.writer] ?? .origin)
        guard lanes.count >= schedule.lanes, let earliest = lanes.values.min() else { return }
        release(startedBefore: earliest)
    }

    /// Returns the outages, after the last result.
    mutating func finish() {
        release(startedBefore: RunTime(nanoseconds: .max))
        finder.finish()
    }

    private mutating func record(
        lane: Int, intended: RunTime, started: RunTime, done: RunTime, failure: Failure?, phases: [String: Int64],
        outcome: TimeStrip.Outcome? = nil
    ) {
        results += 1
        lastDone = max(done, lastDone ?? done)
        seconds.record(intended: intended, succeeded: failure == nil)
        strip.record(intended: intended, outcome ?? (failure == nil ? .succeeded(done - intended) : .failed))
        let held = schedule.track.holdsConnections ? heldSince[lane] : nil
        heldSince[lane] = failure == nil ? done : nil
        // A query on a new connection cannot be compared with one on a held connection.
        let isUsual = !schedule.track.holdsConnections || held != nil
        guard let failure else {
            succeeded += 1
            firstSuccess = min(started, firstSuccess ?? started)
            lastSuccess = max(done, lastSuccess ?? done)
            latency.record(done - intended)
            if isUsual, finder.quietGapsCountFrom == nil { slowestHealthy.merge(phases, uniquingKeysWith: max) }
            return wait(Result(started: started, done: done))
        }
        var unservedBy: RunTime?
        if isUsual, let unanswered = failure.unanswered, let answersWithin = answersWithin[failure.phase] {
            unservedBy = done + (answersWithin - .nanoseconds(unanswered))
        }
        wait(
            Result(
                cause: failure.cause, started: started, done: done, unservedFrom: started + failure.certainProgress(phases),
                unservedBy: unservedBy, heldSince: held))
    }

    private mutating func wait(_ result: Result) {
        let place = waiting.lastIndex { $0.started <= result.started }.map { $0 + 1 } ?? 0
        waiting.insert(result, at: place)
    }

    private mutating func account(slot: Int, intended: RunTime) {
        guard slot >= nextSlot else { return }
        early[slot] = intended
        var safe: RunTime?
        while let intended = early.removeValue(forKey: nextSlot) {
            safe = intended
            nextSlot += 1
        }
        // Later slots are intended for later, and no probe starts early.
        if let safe { release(startedBefore: safe) }
    }

    private mutating func release(startedBefore limit: RunTime) {
        let count = waiting.firstIndex { $0.started >= limit } ?? waiting.endIndex
        finder.windowsBeginAt = (waiting.compactMap(\.heldSince) + heldSince.values).min()
        for result in waiting[..<count] {
            if let cause = result.cause {
                finder.failed(
                    started: result.started, done: result.done, heldSince: result.heldSince, unservedFrom: result.unservedFrom,
                    unservedBy: result.unservedBy, cause: cause)
            } else {
                finder.succeeded(started: result.started, done: result.done)
            }
        }
        waiting.removeFirst(count)
    }
}

extension Track {
    /// Is `true` if the track's probes use a connection that an earlier probe opened.
    var holdsConnections: Bool {
        switch self {
        case .connect, .login, .client: false
        case .session, .write: true
        }
    }
}

extension Failure {
    /// Returns whether the harness itself gave the probe up, which says nothing about the service.
    static let cancelled = "cancelled"

    fileprivate static let timeout = "timeout"

    /// The phase of a statement and its answer.
    static let queryPhase = "query"

    /// The phases of opening a connection, in their order.
    private static let openingPhases = ["dns", "tcp", "prelogin", "tls", "login"]

    /// Returns the last phase that the probe had certainly reached when the track was not served.
    ///
    /// A server that answers with an error had been asked. A broken connection may have broken before the end of the last completed phase,
    /// but not before its start. Any slow phase may be the cause of a missed deadline.
    fileprivate func certainProgress(_ phases: [String: Int64]) -> Duration {
        guard kind != Self.timeout else { return .zero }
        let completed = Self.openingPhases.compactMap { phases[$0] }
        return .nanoseconds((number == nil ? completed.dropLast() : completed[...]).reduce(0, +))
    }

    /// The key of an outage's cause: `tcp/refused`, `login/loginRejected 18456`.
    var cause: String {
        "\(phase)/\(kind)" + (number.map { " \($0)" } ?? "")
    }
}
