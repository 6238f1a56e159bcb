public import Journal

/// The current health of the service, by the probes and writers. Its size depends only on the number of lanes.
///
/// Only the course of the run uses it. Reports are computed from the journal, where late answers are in their place.
public struct Health: Sendable {
    /// The health of one schedule. The `write` track has a lane for every writer, the others have one.
    public struct Lane: Sendable {
        /// The end of the latest success.
        public fileprivate(set) var lastSuccess: RunTime?
        /// The latest failure and its end.
        public fileprivate(set) var lastFailure: RunTime?
        public fileprivate(set) var failure: Failure?
        /// The end of the first success after the latest failure; `nil` if there is none yet.
        public fileprivate(set) var healthySince: RunTime?
        public fileprivate(set) var successes = 0
        public fileprivate(set) var failures = 0
        public fileprivate(set) var skipped = 0

        /// The time in which only successes were *seen*: silence after the last answer does not count.
        public var healthyFor: Duration? {
            guard let healthySince, let lastSuccess else { return nil }
            return lastSuccess - healthySince
        }
    }

    public private(set) var tracks: [Track: [Lane]]
    /// Is `true` if no more results will come.
    public private(set) var isOver = false

    /// - Parameter lanes: the number of lanes of each watched track.
    public init(lanes: [Track: Int]) {
        tracks = lanes.mapValues { Array(repeating: Lane(), count: $0) }
    }

    /// The time since which every lane of every track has been healthy; `nil` while one is not.
    public var healthySince: RunTime? {
        var latest: RunTime?
        for lane in lanes {
            guard let since = lane.healthySince else { return nil }
            latest = max(latest ?? since, since)
        }
        return latest
    }

    /// The time for which every lane of every track was seen healthy; `nil` while one is not.
    public var healthyFor: Duration? {
        guard let since = healthySince else { return nil }
        return lanes.compactMap { $0.lastSuccess.map { $0 - since } }.min()
    }

    /// The latest failure of all, for progress displays.
    public var latestFailure: (track: Track, at: RunTime, failure: Failure)? {
        var latest: (track: Track, at: RunTime, failure: Failure)?
        for (track, lanes) in tracks {
            for lane in lanes {
                guard let at = lane.lastFailure, let failure = lane.failure, at > latest?.at ?? .origin else { continue }
                latest = (track, at, failure)
            }
        }
        return latest
    }

    /// Adds the end of a probe or write. `failure` is `nil` for a success.
    public mutating func finished(_ track: Track, lane: Int = 0, done: RunTime, failure: Failure?) {
        tracks[track]?[lane].take(done: done, failure: failure)
    }

    /// Adds a skipped slot, which proves nothing about the service.
    public mutating func skipped(_ track: Track, lane: Int = 0) {
        tracks[track]?[lane].skipped += 1
    }

    mutating func end() { isOver = true }

    private var lanes: some Sequence<Lane> { tracks.values.joined() }
}

extension Health.Lane {
    /// A late failure of a hanging probe makes the lane unhealthy again, although later probes have succeeded. That costs the run at most
    /// one deadline, and never reports an unstable service as stable.
    fileprivate mutating func take(done: RunTime, failure: Failure?) {
        if let failure {
            failures += 1
            lastFailure = done
            self.failure = failure
            healthySince = nil
        } else {
            successes += 1
            lastSuccess = done
            healthySince = healthySince ?? done
        }
    }
}
