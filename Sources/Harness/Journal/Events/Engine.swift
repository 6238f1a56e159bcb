/// An entry of the server's own log, as its container wrote it, or about the reading of that log.
public struct ServerLogEntry: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// From here on the log of a container is read.
        case followed
        /// The log of a container could not be read, or no further.
        case unreadable
        /// More notable lines came than are kept.
        case truncated
        /// A database's recovery, or its parts.
        case recovery
        /// The server's end, told by itself.
        case shutdown
        /// One of the error numbers that tell of damage or of a storage that fails.
        case error
    }

    public var kind: Kind
    public var pod: String
    /// Of the pod.
    public var uid: String
    /// Of the instance that wrote it; `nil`: not known.
    public var containerID: String?
    /// Of an ``Kind/error``.
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

/// The engine's own account of itself, before the fault and after the recovery.
public struct EngineState: Codable, Sendable, Hashable {
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
    /// Why a field is not there, by its name.
    public var notAsked: [String: String]

    public init(moment: Snapshot.Moment) {
        self.moment = moment
        notAsked = [:]
    }

    public var hasRunningAgent: Bool { agent == "Running" }
}

/// The work that the recovery of the server would find, as it was right before the fault.
public struct RecoveryDebt: Codable, Sendable, Hashable {
    /// Bytes that were written on purpose and acknowledged.
    public var sentBytes: Int64 = 0
    /// Bytes of log since the last checkpoint; `nil`: the server cannot say.
    public var logBytes: Int64?
    /// Rows that the open transaction has inserted; `nil`: none is open.
    public var openRows: Int64?
    /// Nanoseconds since it was begun.
    public var openFor: Int64?
    /// Bytes of log that the open transaction has written; `nil`: the server cannot say.
    public var transactionBytes: Int64?
    /// Accelerated database recovery, which makes undo short; `nil`: the server cannot say.
    public var acceleratedRecovery: Bool?
    /// Seconds; `nil`: the server cannot say.
    public var targetRecoveryTime: Int?
    /// The sources of the numbers.
    public var evidence: [String] = []
    /// The part of the wish that is not there; `nil`: all of it is.
    public var missing: String?

    public init() {}
}
