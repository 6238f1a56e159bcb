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
    /// The operations of the experiment's own client program, by its own report.
    case client

    /// Is `true` if its results are about the service alone. Those of the client program are also about the client, which may stay dead
    /// after the service has recovered.
    public var isOfService: Bool { self != .client }

    /// The tracks of the service itself, in their order.
    public static let ofService = allCases.filter(\.isOfService)
}

/// A place beside the judged address at which the service is probed as well.
public enum VantagePoint: String, Codable, Sendable, Hashable, CaseIterable {
    /// The serving pod's own address.
    case pod
    /// The Service's cluster IP, if another address is judged.
    case clusterIP
    /// The Service's name.
    case dns
}

/// A place whose address is known or has changed, and whether it can be reached.
public struct VantageSeen: Codable, Sendable, Hashable {
    public var view: VantagePoint
    /// `nil` if there is none now.
    public var address: String?
    public var port: Int
    public var isReached: Bool
    /// The reason why it is not probed there.
    public var detail: String?

    public init(view: VantagePoint, address: String?, port: Int, isReached: Bool, detail: String? = nil) {
        self.view = view
        self.address = address
        self.port = port
        self.isReached = isReached
        self.detail = detail
    }
}

/// The schedule of the idle connections.
public struct IdleStarted: Codable, Sendable, Hashable {
    /// Nanoseconds.
    public var silentFor: Int64
    public var connections: Int

    public init(silentFor: Int64, connections: Int) {
        self.silentFor = silentFor
        self.connections = connections
    }
}

/// The result of one query on an idle connection.
public struct IdleAsked: Codable, Sendable, Hashable {
    /// The number of the connection, from 0.
    public var connection: Int
    /// The time of its last answer.
    public var silentSince: RunTime
    public var started: RunTime
    public var done: RunTime
    /// `nil` if it answered.
    public var failure: Failure?

    public init(connection: Int, silentSince: RunTime, started: RunTime, done: RunTime, failure: Failure? = nil) {
        self.connection = connection
        self.silentSince = silentSince
        self.started = started
        self.done = done
        self.failure = failure
    }
}

/// A login to the ledger's database at the pod's own address: the last of its kind, or the first of another.
public struct DatabaseAsked: Codable, Sendable, Hashable {
    /// The server's treatment of logins to the database.
    public enum Answer: Sendable {
        /// It takes none at all.
        case takesNoLogins
        /// It knows the login, and keeps it out of the database, as while it recovers that.
        case keepsDatabase
        case isOnline
    }

    public var database: String
    public var started: RunTime
    public var done: RunTime
    /// `nil`: the login was let into the database.
    public var failure: Failure?

    public init(database: String, started: RunTime, done: RunTime, failure: Failure? = nil) {
        self.database = database
        self.started = started
        self.done = done
        self.failure = failure
    }

    /// The failure's kind where there was no address to ask.
    public static let noAddress = "noAddress"

    public var answer: Answer { failure.map { $0.isAboutDatabase ? .keepsDatabase : .takesNoLogins } ?? .isOnline }
}

/// The failure of the experiment's client program itself, before the run ended it.
public struct ClientFailed: Codable, Sendable, Hashable {
    /// The kind of the client's failure.
    public enum Kind: String, Codable, Sendable {
        /// It could not be started.
        case notStarted
        /// It ended, or closed its output.
        case ended
        /// It printed a line that is not part of the protocol.
        case brokeProtocol
    }

    public var kind: Kind
    public var message: String

    public init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }
}

/// The failure of a probe or a write.
public struct Failure: Codable, Sendable, Hashable {
    /// The phase that failed: `dns`, `tcp`, `prelogin`, `tls`, `login`, `query`, or the track's own name.
    public var phase: String
    /// The kind: `refused`, `reset`, `timeout`, `eof`, `tls`, `loginRejected`, `serverError`, `protocol`, `wrongAnswer`, `cancelled`...
    public var kind: String
    /// The server's error number, if it sent one.
    public var number: Int?
    public var state: Int?
    public var severity: Int?
    /// The message of the server or the system. It never contains a password.
    public var message: String?
    /// Nanoseconds since the phase's only request was sent without an answer; `nil` if not known.
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

extension Failure {
    /// Errors that a server gives to a login it knows, about the database it asked for: cannot open (4060, 4064), not accessible,
    /// recovering or not there yet (904, 905, 911, 921, 922, 926, 927, 942, 945), a secondary (976, 978, 983).
    private static let databaseErrors: Set<Int> = [
        904, 905, 911, 921, 922, 926, 927, 942, 945, 976, 978, 983, 4060, 4064,
    ]

    /// The server took the login, and did not let it into its database.
    public var isAboutDatabase: Bool { number.map(Self.databaseErrors.contains) ?? false }
}

/// The promised schedule of the probes of one repeat.
public struct ProbesStarted: Codable, Sendable, Hashable {
    /// The schedule of one track.
    public struct Schedule: Codable, Sendable, Hashable {
        public var track: Track
        /// Nanoseconds between two intended starts, on the `write` track those of one writer.
        public var interval: Int64
        /// Nanoseconds until an unanswered probe counts as failed.
        public var timeout: Int64
        /// The most probes in flight. A slot above it is skipped and recorded. Each writer has 1.
        public var inFlightCap: Int
        /// The independent schedules of the track: 1, or the number of writers.
        public var lanes: Int
        /// `nil` at the judged address.
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
    /// `nil` at the judged address.
    public var view: VantagePoint?
    /// The slot on the schedule, from 0.
    public var slot: Int
    /// The scheduled start. `started - intended` is the schedule lag.
    public var intended: RunTime
    public var started: RunTime
    public var done: RunTime
    /// `nil` if it succeeded.
    public var failure: Failure?
    /// The nanoseconds of each completed phase (`tcp`, `prelogin`, `tls`, `login`, `query`).
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
    /// The reason for skipping a slot.
    public enum Reason: String, Codable, Sendable, CaseIterable {
        /// The in-flight cap was reached.
        case inFlightCap
        /// The harness was late by more than an interval.
        case lag
        /// The track's held connection was being reopened, or waited for an answer.
        case busy
        /// There was no address to probe.
        case noAddress
    }

    public var track: Track
    /// `nil` at the judged address.
    public var view: VantagePoint?
    /// The number of the track's schedule. On the `write` track this is the writer, because each writer numbers its own slots.
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
