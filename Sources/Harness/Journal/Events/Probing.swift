/// One kind of probe. Each track has its own schedule and its own downtime.
public enum Track: String, Codable, Sendable, Hashable, CaseIterable {
    /// TCP connect to the service address, closed at once.
    case connect
    /// TCP, PRELOGIN, TLS, LOGIN7, a sentinel query with a value unique to the probe, close.
    case login
    /// A sentinel query on a held connection, which is reopened when it breaks.
    case session
    /// The ledger's writers.
    case write
}

/// Why a probe or a write did not succeed.
public struct Failure: Codable, Sendable, Hashable {
    /// Where it failed: `dns`, `tcp`, `prelogin`, `tls`, `login`, `query`, or what the track calls it.
    public var phase: String
    /// The failure: `refused`, `reset`, `timeout`, `eof`, `tls`, `loginRejected`, `serverError`, `protocol`, `wrongAnswer`, `cancelled`...
    public var kind: String
    /// The server's error number, where it sent one.
    public var number: Int?
    public var state: Int?
    public var severity: Int?
    /// The server's or the system's words. Never holds a password.
    public var message: String?
    /// Nanoseconds for which the phase's one question, once it was sent, had been without an answer; `nil` where that is not known.
    public var unanswered: Int64?

    public init(
        phase: String, kind: String, number: Int? = nil, state: Int? = nil, severity: Int? = nil, message: String? = nil,
        unanswered: Int64? = nil
    ) {
        self.phase = phase
        self.kind = kind
        self.number = number
        self.state = state
        self.severity = severity
        self.message = message
        self.unanswered = unanswered
    }
}

/// The schedule that the probes of one repeat promise to keep.
public struct ProbesStarted: Codable, Sendable, Hashable {
    public struct Schedule: Codable, Sendable, Hashable {
        public var track: Track
        /// Nanoseconds between two intended starts; of one writer on the `write` track.
        public var interval: Int64
        /// Nanoseconds until an unanswered probe counts as failed.
        public var timeout: Int64
        /// Probes that may be under way at once; a slot that finds no place is skipped and recorded. Writers: 1 each.
        public var inFlightCap: Int
        /// Independent schedules on this track: 1, or the number of writers.
        public var lanes: Int

        public init(track: Track, interval: Int64, timeout: Int64, inFlightCap: Int, lanes: Int = 1) {
            self.track = track
            self.interval = interval
            self.timeout = timeout
            self.inFlightCap = inFlightCap
            self.lanes = lanes
        }
    }

    /// `host:port` that is probed: the service's stable address.
    public var address: String
    public var schedules: [Schedule]

    public init(address: String, schedules: [Schedule]) {
        self.address = address
        self.schedules = schedules
    }
}

/// One finished probe of the tracks `connect`, `login` or `session`.
public struct ProbeResult: Codable, Sendable, Hashable {
    public var track: Track
    /// The slot on the schedule, from 0.
    public var slot: Int
    /// When the schedule wanted it to start. `started - intended` is the schedule lag.
    public var intended: RunTime
    public var started: RunTime
    public var done: RunTime
    /// `nil`: it succeeded.
    public var failure: Failure?
    /// Nanoseconds each phase took, for the phases that were completed (`tcp`, `prelogin`, `tls`, `login`, `query`).
    public var phases: [String: Int64]?

    public init(
        track: Track, slot: Int, intended: RunTime, started: RunTime, done: RunTime, failure: Failure? = nil, phases: [String: Int64]? = nil
    ) {
        self.track = track
        self.slot = slot
        self.intended = intended
        self.started = started
        self.done = done
        self.failure = failure
        self.phases = phases
    }

    public var succeeded: Bool { failure == nil }
}

/// A slot whose probe was not started.
public struct ProbeSkipped: Codable, Sendable, Hashable {
    public enum Reason: String, Codable, Sendable, CaseIterable {
        /// As many probes as allowed were under way.
        case inFlightCap
        /// The harness itself was late by more than an interval.
        case lag
        /// The track's held connection was being reopened or was waiting for an answer.
        case busy
    }

    public var track: Track
    /// Which of the track's schedules: the writer on the `write` track, where slots of different writers have the same number.
    public var lane: Int?
    public var slot: Int
    public var intended: RunTime
    public var reason: Reason

    public init(track: Track, lane: Int? = nil, slot: Int, intended: RunTime, reason: Reason) {
        self.track = track
        self.lane = lane
        self.slot = slot
        self.intended = intended
        self.reason = reason
    }
}
