import Journal

/// Gathers what was seen from the places beside the judged address.
struct ViewsReducer {
    private var seen: [VantagePoint: VantageSeen] = [:]
    private var tracks: [VantagePoint: [Track: TrackReducer]] = [:]
    /// Since when there has been no address to ask, until a login succeeds again.
    private var gaps: [VantagePoint: RunTime] = [:]
    private var answeredAfterGap: [VantagePoint: RunTime] = [:]

    mutating func begin(_ schedules: [ProbesStarted.Schedule], from start: RunTime) {
        for schedule in schedules {
            if let view = schedule.view { tracks[view, default: [:]][schedule.track] = TrackReducer(schedule, from: start) }
        }
    }

    mutating func faultBegins(at time: RunTime) {
        for view in tracks.keys {
            for track in tracks[view]?.keys.map(\.self) ?? [] { tracks[view]?[track]?.faultBegins(at: time) }
        }
    }

    /// The first word about a place stands: its address then, and whether it can be asked at all.
    mutating func add(_ place: VantageSeen) { seen[place.view] = seen[place.view] ?? place }

    mutating func add(_ probe: ProbeResult) {
        guard let view = probe.view else { return }
        tracks[view]?[probe.track]?.add(probe)
        guard probe.track == .login, probe.succeeded, let gap = gaps[view], probe.started > gap else { return }
        answeredAfterGap[view] = probe.done
        gaps[view] = nil
    }

    mutating func add(_ skip: ProbeSkipped) {
        guard let view = skip.view else { return }
        tracks[view]?[skip.track]?.add(skip)
        if skip.reason == .noAddress { gaps[view] = skip.intended }
    }

    func findings(steadySince: RunTime?, fault: RunTime?, end: RunTime?) -> [ViewFindings] {
        VantagePoint.allCases.compactMap { view in
            guard let place = seen[view] else { return nil }
            let found = Track.ofService.compactMap { track in
                tracks[view]?[track].map { TrackFindings(track, $0, steadySince: steadySince, fault: fault, end: end) }
            }
            return ViewFindings(
                view: view, address: place.address, isReached: place.isReached, detail: place.detail, tracks: found,
                answeredAfterGap: answeredAfterGap[view])
        }
    }
}
