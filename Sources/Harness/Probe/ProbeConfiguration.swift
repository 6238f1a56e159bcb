public import Experiment
public import Journal
public import TDS

/// Whom to probe, how, and how often.
public struct ProbeConfiguration: Sendable {
    /// The schedule of one track.
    public struct Cadence: Sendable, Hashable {
        /// Between two intended starts.
        public var interval: Duration
        /// The one deadline of a whole probe, all its phases included.
        public var timeout: Duration
        /// Probes that may be under way at once. The `session` track has one connection and so always 1.
        public var inFlightCap: Int

        public init(interval: Duration, timeout: Duration, inFlightCap: Int) {
            self.interval = interval
            self.timeout = timeout
            self.inFlightCap = inFlightCap
        }
    }

    /// The stable address that is probed and how to log in there. Its own deadlines are replaced by each probe's.
    public var server: TDSConfiguration
    /// The tracks that are probed. `write` is the ledger's and is ignored here.
    public var tracks: [Track: Cadence]
    /// Part of every sentinel, so that an answer meant for another run is recognised as wrong.
    public var runID: String

    public init(server: TDSConfiguration, tracks: [Track: Cadence], runID: String) {
        self.server = server
        self.tracks = tracks
        self.runID = runID
    }

    /// The tracks `connect`, `login` and `session` as an experiment describes them.
    public init(server: TDSConfiguration, probes: Experiment.Probes, runID: String) {
        func cadence(_ cadence: Experiment.Probes.Cadence) -> Cadence {
            Cadence(interval: cadence.interval, timeout: cadence.timeout, inFlightCap: probes.inFlightCap)
        }
        self.init(
            server: server,
            tracks: [.connect: cadence(probes.connect), .login: cadence(probes.login), .session: cadence(probes.session)],
            runID: runID)
    }

    /// The same server as it is asked from other places: `connect` and `login`, more slowly.
    public func views(_ views: Experiment.Probes.Views) -> ProbeConfiguration {
        var slower = self
        for (track, interval) in [(Track.connect, views.connectInterval), (.login, views.loginInterval)] {
            slower.tracks[track]?.interval = interval
        }
        slower.tracks[.session] = nil
        return slower
    }

    /// The promise for the journal, from a place.
    public func schedules(at view: VantagePoint) -> [ProbesStarted.Schedule] {
        schedules.map { schedule in
            var schedule = schedule
            schedule.view = view
            return schedule
        }
    }

    /// The promise for the journal, without the writers' part.
    public var schedules: [ProbesStarted.Schedule] {
        Track.allCases.compactMap { track in
            guard track != .write, let cadence = tracks[track] else { return nil }
            return ProbesStarted.Schedule(
                track: track, interval: cadence.interval.wholeNanoseconds, timeout: cadence.timeout.wholeNanoseconds,
                inFlightCap: track == .session ? 1 : cadence.inFlightCap)
        }
    }
}
