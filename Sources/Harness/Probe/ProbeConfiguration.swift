public import Experiment
public import Journal
public import TDS

/// The server to probe, and the schedule of each track.
public struct ProbeConfiguration: Sendable {
    /// The schedule of one track.
    public struct Cadence: Sendable, Hashable {
        /// The interval between two intended starts.
        public var interval: Duration
        /// The timeout of a whole probe with all its phases.
        public var timeout: Duration
        /// The most probes in flight. The `session` track has one connection, and so always 1.
        public var inFlightCap: Int

        public init(interval: Duration, timeout: Duration, inFlightCap: Int) {
            self.interval = interval
            self.timeout = timeout
            self.inFlightCap = inFlightCap
        }
    }

    /// The probed stable address and its login. Each probe replaces the timeouts.
    public var server: TDSConfiguration
    /// The probed tracks. `write` belongs to the ledger and is ignored here.
    public var tracks: [Track: Cadence]
    /// A part of every sentinel, so that an answer for another run is recognised as wrong.
    public var runID: String

    public init(server: TDSConfiguration, tracks: [Track: Cadence], runID: String) {
        self.server = server
        self.tracks = tracks
        self.runID = runID
    }

    /// Creates the configuration of the tracks `connect`, `login` and `session` from an experiment.
    public init(server: TDSConfiguration, probes: Experiment.Probes, runID: String) {
        func cadence(_ cadence: Experiment.Probes.Cadence) -> Cadence {
            Cadence(interval: cadence.interval, timeout: cadence.timeout, inFlightCap: probes.inFlightCap)
        }
        self.init(
            server: server,
            tracks: [.connect: cadence(probes.connect), .login: cadence(probes.login), .session: cadence(probes.session)],
            runID: runID)
    }

    /// The configuration for the other places: `connect` and `login` at a lower rate.
    public func views(_ views: Experiment.Probes.Views) -> ProbeConfiguration {
        var slower = self
        for (track, interval) in [(Track.connect, views.connectInterval), (.login, views.loginInterval)] {
            slower.tracks[track]?.interval = interval
        }
        slower.tracks[.session] = nil
        return slower
    }

    /// The schedules at a place, for the journal.
    public func schedules(at view: VantagePoint) -> [ProbesStarted.Schedule] {
        schedules.map { schedule in
            var schedule = schedule
            schedule.view = view
            return schedule
        }
    }

    /// The schedules without the writers', for the journal.
    public var schedules: [ProbesStarted.Schedule] {
        Track.allCases.compactMap { track in
            guard track != .write, let cadence = tracks[track] else { return nil }
            return ProbesStarted.Schedule(
                track: track, interval: cadence.interval.wholeNanoseconds, timeout: cadence.timeout.wholeNanoseconds,
                inFlightCap: track == .session ? 1 : cadence.inFlightCap)
        }
    }
}
