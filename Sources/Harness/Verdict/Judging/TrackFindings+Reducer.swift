import Journal

extension TrackFindings {
    /// - Parameters:
    ///   - steadySince: the steady state; outages that were over by then are not counted.
    ///   - end: the end of the probing, for the share of the promised probes.
    init(_ track: Track, _ reducer: TrackReducer, steadySince: RunTime?, fault: RunTime?, end: RunTime?) {
        var reducer = reducer
        reducer.finish()
        self.track = track
        schedule = reducer.schedule
        let all = reducer.finder.outages
        outages = all.filter { outage in
            guard let steadySince, let done = outage.firstSuccessDone else { return steadySince != nil }
            return done > steadySince
        }
        outagesWhileSteadying = Array(all.prefix(all.count - outages.count))
        downtime = Downtime(outages)
        latency = reducer.latency.latency
        lag = reducer.latency.lag
        results = reducer.results
        succeeded = reducer.succeeded
        skipped = reducer.skipped
        missing = reducer.missing { _ in true }
        // A probe that was in flight at the end of the probing has no record.
        let answered = (end ?? .origin) + (.zero - .nanoseconds(reducer.schedule.timeout) - Self.probeEnd)
        unexplained = reducer.missing { $0 < answered }
        resolution = reducer.finder.widestQuietGap
        firstSuccess = reducer.firstSuccess
        lastSuccess = reducer.lastSuccess
        lastDone = reducer.lastDone
        seconds = reducer.seconds
        strip = reducer.strip
        timeToStable = fault.flatMap { fault in
            guard let last = outages.last else { return .zero }
            return last.firstSuccessDone.map { max(.zero, $0 - fault) }
        }
        probeRate = Self.probeRate(reducer, outages: all, end: end)
    }

    /// The time after its deadline within which a probe ends.
    private static let probeEnd = Duration.seconds(1)

    /// Counts the whole seconds between the first and the last probe that no outage touches.
    private static func probeRate(_ reducer: TrackReducer, outages: [Outage], end: RunTime?) -> ProbeRate? {
        let buckets = reducer.seconds.buckets
        guard let first = buckets.firstIndex(where: { $0.isUsed }) else { return nil }
        let second = Duration.seconds(1)
        let last = min(SecondBuckets.longest, end.map { Int(($0 - reducer.seconds.start) / second) } ?? buckets.count - 1)
        let promisedEach = Double(reducer.schedule.lanes) * 1e9 / Double(max(1, reducer.schedule.interval))
        var promised = 0.0
        var made = 0
        // The first and the last second are incomplete.
        for index in (first + 1)..<max(first + 1, last) {
            let from = reducer.seconds.start + second * index
            let touched = outages.contains { outage in
                (outage.lastSuccessStarted ?? .origin) < from + second && (outage.firstSuccessDone.map { $0 > from } ?? true)
            }
            guard !touched else { continue }
            promised += promisedEach
            if buckets.indices.contains(index) { made += buckets[index].watched }
        }
        return promised > 0 ? ProbeRate(promised: promised, made: made) : nil
    }
}

extension SecondBuckets.Bucket {
    fileprivate var isUsed: Bool { watched + late + capped > 0 }

    /// The slots in which the service was probed, with those in which a held connection waited for an answer. A slot that the in-flight
    /// cap skipped is not one: new connections are promised at a rate, and the cap is the harness's own.
    fileprivate var watched: Int { succeeded + failed + waiting }
}
