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
    /// The operations of the experiment's own client program, by its word.
    case client

    /// Its results are the harness's own and tell of the service. A client's tell of the client too, which may stay dead when the
    /// service is back.
    public var isOfService: Bool { self != .client }

    /// The tracks of the service itself, in their order.
    public static let ofService = allCases.filter(\.isOfService)
}

/// A place beside the judged address from which the service is asked as well.
public enum VantagePoint: String, Codable, Sendable, Hashable, CaseIterable {
    /// The serving pod's own address.
    case pod
    /// The Service's cluster IP, where another address is judged.
    case clusterIP
    /// The Service's name.
    case dns
}

/// The service can be asked from a place, or cannot; or it has another address there.
public struct VantageSeen: Codable, Sendable, Hashable {
    public var view: VantagePoint
    /// `nil`: there is none now.
    public var address: String?
    public var port: Int
    public var isReached: Bool
    /// Why it is not asked from there.
    public var detail: String?

    public init(view: VantagePoint, address: String?, port: Int, isReached: Bool, detail: String? = nil) {
        self.view = view
        self.address = address
        self.port = port
        self.isReached = isReached
        self.detail = detail
    }
}

/// The promise of the connections that are silent for a while.
public struct IdleStarted: Codable, Sendable, Hashable {
    /// Nanoseconds.
    public var silentFor: Int64
    public var connections: Int

    public init(silentFor: Int64, connections: Int) {
        self.silentFor = silentFor
        self.connections = connections
    }
}

/// A connection that had been silent was asked once.
public struct IdleAsked: Codable, Sendable, Hashable {
    /// Which of the connections, from 0.
    public var connection: Int
    /// When its last answer had come.
    public var silentSince: RunTime
    public var started: RunTime
    public var done: RunTime
    /// `nil`: it answered.
    public var failure: Failure?

    public init(connection: Int, silentSince: RunTime, started: RunTime, done: RunTime, failure: Failure? = nil) {
        self.connection = connection
        self.silentSince = silentSince
        self.started = started
        self.done = done
        self.failure = failure
    }
}

/// The experiment's client program can no longer be believed, or is gone, before the run has ended it.
public struct ClientFailed: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable {
        /// It could not be started.
        case notStarted
        /// It ended, or closed its output.
        case ended
        /// It printed a line that is none of the protocol's.
        case brokeProtocol
    }

    public var kind: Kind
    public var message: String

    public init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
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
        /// `nil`: at the judged address.
        public var view: VantagePoint?

        public init(track: Track, interval: Int64, timeout: Int64, inFlightCap: Int, lanes: Int = 1, view: VantagePoint? = nil) {
            self.view = view
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
    /// `nil`: at the judged address.
    public var view: VantagePoint?
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
        track: Track, view: VantagePoint? = nil, slot: Int, intended: RunTime, started: RunTime, done: RunTime, failure: Failure? = nil,
        phases: [String: Int64]? = nil
    ) {
        self.track = track
        self.view = view
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
        /// There was no address to ask.
        case noAddress
    }

    public var track: Track
    /// `nil`: at the judged address.
    public var view: VantagePoint?
    /// Which of the track's schedules: the writer on the `write` track, where slots of different writers have the same number.
    public var lane: Int?
    public var slot: Int
    public var intended: RunTime
    public var reason: Reason

    public init(track: Track, view: VantagePoint? = nil, lane: Int? = nil, slot: Int, intended: RunTime, reason: Reason) {
        self.track = track
        self.view = view
        self.lane = lane
        self.slot = slot
        self.intended = intended
        self.reason = reason
    }
}
