public import Journal

/// The state of the service now, by the probes and writers. Its size depends on the number of lanes alone.
///
/// It is for the run's state machine only. The reports are computed from the journal, where late answers stand in their place.
public struct Health: Sendable {
    /// One schedule's view. The `write` track has a lane for every writer, the others have one.
    public struct Lane: Sendable {
        /// When the latest success was done.
        public fileprivate(set) var lastSuccess: RunTime?
        /// When the latest failure was done, and what it was.
        public fileprivate(set) var lastFailure: RunTime?
        public fileprivate(set) var failure: Failure?
        /// When the first success after the latest failure was done; `nil` as long as there is none.
        public fileprivate(set) var healthySince: RunTime?
        public fileprivate(set) var successes = 0
        public fileprivate(set) var failures = 0
        public fileprivate(set) var skipped = 0

        /// For how long nothing but success was *seen*: silence after the last answer does not count.
        public var healthyFor: Duration? {
            guard let healthySince, let lastSuccess else { return nil }
            return lastSuccess - healthySince
        }
    }

    public private(set) var tracks: [Track: [Lane]]
    /// Nothing will be told any more.
    public private(set) var isOver = false

    /// - Parameter lanes: how many lanes each watched track has.
    public init(lanes: [Track: Int]) {
        tracks = lanes.mapValues { Array(repeating: Lane(), count: $0) }
    }

    /// Since when every lane of every track has been healthy; `nil` while one is not.
    public var healthySince: RunTime? {
        var latest: RunTime?
        for lane in lanes {
            guard let since = lane.healthySince else { return nil }
            latest = max(latest ?? since, since)
        }
        return latest
    }

    /// For how long every lane of every track has been seen healthy, without a failure; `nil` while one is not.
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

    /// Takes in the end of a probe or write. `failure` is `nil` for a success.
    public mutating func finished(_ track: Track, lane: Int = 0, done: RunTime, failure: Failure?) {
        tracks[track]?[lane].take(done: done, failure: failure)
    }

    public mutating func skipped(_ track: Track, lane: Int = 0) {
        tracks[track]?[lane].skipped += 1
    }

    mutating func end() { isOver = true }

    private var lanes: some Sequence<Lane> { tracks.values.joined() }
}

extension Health.Lane {
    /// A probe that hung and fails late makes the lane unhealthy again although later ones succeeded meanwhile: that costs the run at
    /// most one deadline of waiting, and never calls a service stable that is not.
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
