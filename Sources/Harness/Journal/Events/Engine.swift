/// An entry from the server's log of its container, or about the reading of that log.
public struct ServerLogEntry: Codable, Sendable, Hashable {
    /// The kind of an entry.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// The reading of a container's log began.
        case followed
        /// The log of a container could not be read, or no further.
        case unreadable
        /// There were more notable lines than are kept.
        case truncated
        /// A database's recovery, or its parts.
        case recovery
        /// The server's own message about its end.
        case shutdown
        /// An error about damage or failing storage.
        case error
    }

    public var kind: Kind
    public var pod: String
    /// The name of the pod.
    public var uid: String
    /// The ID of the instance that wrote it; `nil` if not known.
    public var containerID: String?
    /// The number of an ``Kind/error``.
    public var number: Int?
    /// The line without its time and its source, or the reason.
    public var text: String
    /// The kubelet's time of the line (RFC 3339): context only, never computed with.
    public var serverTime: String?

    public init(
        kind: Kind, pod: String, uid: String, containerID: String? = nil, number: Int? = nil, text: String, serverTime: String? = nil
    ) {
        self.kind = kind
        self.pod = pod
        self.uid = uid
        self.containerID = containerID
        self.number = number
        self.text = text
        self.serverTime = serverTime
    }
}

/// The engine's own report of its state, before the fault and after the recovery.
public struct EngineState: Codable, Sendable, Hashable {
    /// A database and its state.
    public struct Database: Codable, Sendable, Hashable {
        public var name: String
        /// `ONLINE`, `RECOVERY_PENDING`, `SUSPECT`...
        public var state: String

        public init(name: String, state: String) {
            self.name = name
            self.state = state
        }
    }

    public var moment: Snapshot.Moment
    /// `@@SERVERNAME`.
    public var serverName: String?
    public var version: String?
    public var edition: String?
    public var databases: [Database]?
    /// The state of SQL Server Agent's service.
    public var agent: String?
    /// SHA-256 of the server's certificate.
    public var certificate: String?
    /// The reasons for missing fields, by the field's name.
    public var notAsked: [String: String]

    public init(moment: Snapshot.Moment) {
        self.moment = moment
        notAsked = [:]
    }

    public var hasRunningAgent: Bool { agent == "Running" }
}

/// The work for the server's recovery, right before the fault.
public struct RecoveryDebt: Codable, Sendable, Hashable {
    /// The acknowledged bytes that were written to create the work.
    public var sentBytes: Int64 = 0
    /// Bytes of log since the last checkpoint; `nil` if the server does not report it.
    public var logBytes: Int64?
    /// Rows that the open transaction has inserted; `nil` if none is open.
    public var openRows: Int64?
    /// Nanoseconds since it began.
    public var openFor: Int64?
    /// Bytes of log that the open transaction has written; `nil` if the server does not report it.
    public var transactionBytes: Int64?
    /// Is `true` if accelerated database recovery is on, which makes undo short; `nil` if the server does not report it.
    public var acceleratedRecovery: Bool?
    /// The setting in seconds; `nil` if the server does not report it.
    public var targetRecoveryTime: Int?
    /// The sources of the numbers.
    public var evidence: [String] = []
    /// The part of the requested work that is missing; `nil` if none is.
    public var missing: String?

    public init() {}
}
