/// One finished write of the ledger. Nothing is retried under the same identity.
public struct WriteResult: Codable, Sendable, Hashable {
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A new row with identity (run, writer, sequence).
        case insert
        /// The writer's register set to `sequence`.
        case update
        /// A transaction of several statements: an amount from one account to another, and a new row with the identity.
        case transfer

        /// Is `true` when the write adds a row with its identity.
        public var addsRow: Bool { self != .update }
    }

    public enum Outcome: String, Codable, Sendable, CaseIterable {
        /// The server said that it is committed.
        case acknowledged
        /// The server said that it is not, or the statement was never sent.
        case refused
        /// Neither: the answer did not come. To be settled after recovery.
        case unknown
    }

    public var writer: Int
    public var sequence: Int64
    public var kind: Kind
    public var intended: RunTime
    public var started: RunTime
    public var done: RunTime
    public var outcome: Outcome
    public var failure: Failure?

    public init(
        writer: Int, sequence: Int64, kind: Kind, intended: RunTime, started: RunTime, done: RunTime, outcome: Outcome,
        failure: Failure? = nil
    ) {
        self.writer = writer
        self.sequence = sequence
        self.kind = kind
        self.intended = intended
        self.started = started
        self.done = done
        self.outcome = outcome
        self.failure = failure
    }

    /// Is `true` where the server did what it was asked for, on data that is not as it was acknowledged: a loss, and no outage.
    public var foundDataGone: Bool { failure?.kind == Self.dataGone }

    /// The ``Failure/kind`` of an update that matched no row.
    public static let dataGone = "dataGone"
}

/// The tables of the ledger are there and the baseline rows are in.
public struct LedgerPrepared: Codable, Sendable, Hashable {
    public var database: String
    /// Part of the tables' names, so that leftovers of earlier runs are never counted.
    public var tableSuffix: String
    public var writers: Int
    /// The connections that make transfers; `nil` in journals of earlier versions.
    public var transfers: Int?
    public var seedRows: Int64
    /// The seed of every row's content, with the row's identity and the table's suffix.
    public var seed: UInt64
    /// The database was created for this ledger, and goes with it.
    public var createdDatabase: Bool
    /// As the server names itself, with its version.
    public var server: String?

    public init(
        database: String, tableSuffix: String, writers: Int, transfers: Int? = nil, seedRows: Int64, seed: UInt64,
        createdDatabase: Bool, server: String? = nil
    ) {
        self.database = database
        self.tableSuffix = tableSuffix
        self.writers = writers
        self.transfers = transfers
        self.seedRows = seedRows
        self.seed = seed
        self.createdDatabase = createdDatabase
        self.server = server
    }
}

/// The identity of a ledger row. Writer -1 owns the seeded baseline; `sequence` counts from 1.
public struct RowIdentity: Codable, Sendable, Hashable, Comparable {
    public var writer: Int
    public var sequence: Int64

    public init(writer: Int, sequence: Int64) {
        self.writer = writer
        self.sequence = sequence
    }

    public static func < (left: RowIdentity, right: RowIdentity) -> Bool {
        (left.writer, left.sequence) < (right.writer, right.sequence)
    }
}

/// The result of reading every row back after recovery.
public struct LedgerChecked: Codable, Sendable, Hashable {
    /// A register that is behind its last acknowledged value, or holds one that was never written.
    public struct StaleRegister: Codable, Sendable, Hashable {
        public var writer: Int
        /// The last acknowledged value.
        public var acknowledged: Int64
        /// The value that was read; `nil` when the register's row is gone.
        public var found: Int64?

        public init(writer: Int, acknowledged: Int64, found: Int64?) {
            self.writer = writer
            self.acknowledged = acknowledged
            self.found = found
        }
    }

    public var attempted: Int64 = 0
    public var acknowledged: Int64 = 0
    public var refused: Int64 = 0
    public var unknown: Int64 = 0
    /// Acknowledged (or seeded) and there, once, with the right content.
    public var kept: Int64 = 0
    /// Acknowledged (or seeded) and absent.
    public var lost: Int64 = 0
    /// There with a content that is not what was sent.
    public var corrupt: Int64 = 0
    /// There more than once; counted once an identity.
    public var duplicate: Int64 = 0
    /// There though never sent, or refused by the server.
    public var unexpected: Int64 = 0
    public var stale: Int64 = 0
    /// Unknown writes that turned out to be committed: their row is there, or the register holds their value.
    public var unknownPresent: Int64 = 0
    public var unknownAbsent: Int64 = 0
    /// Unknown register updates that a later one has overwritten: whether they were ever committed leaves no trace.
    public var unknownOverwritten: Int64 = 0
    /// The transfers, part of the counts above too; `nil` where none are made.
    public var transfers: TransfersChecked?
    /// Rows of the seeded baseline that were expected, part of `kept` and `lost` too.
    public var seeded: Int64 = 0
    public var seededLost: Int64 = 0
    /// Rows that were read.
    public var read: Int64 = 0
    /// Nanoseconds that reading and comparing took.
    public var took: Int64 = 0

    /// The first identities of each set, at most ``exampleLimit`` each.
    public var lostRows: [RowIdentity] = []
    public var corruptRows: [RowIdentity] = []
    public var duplicateRows: [RowIdentity] = []
    public var unexpectedRows: [RowIdentity] = []
    public var staleRegisters: [StaleRegister] = []
    /// The ledger's objects that the server says it does not have: its database, its tables. `nil` where nothing is missing.
    public var gone: [String]?
    /// The damage that DBCC CHECKDB reported: `nil` where it was not made, empty when it found nothing.
    public var checkDatabase: [String]?
    /// Why it was not made though it was wanted.
    public var checkDatabaseSkipped: String?
    /// The means that ended all unanswered writes before the read-back; `nil` where none was unanswered.
    public var settledBy: String?

    public static let exampleLimit = 1000

    public init() {}

    /// Transfers of which a part is there, and a part is not.
    public var torn: Int64 { transfers?.torn ?? 0 }
}

/// The transfers of a ledger, after the read-back: each is a transaction of several statements, which is there whole or not at all.
public struct TransfersChecked: Codable, Sendable, Hashable {
    public struct Torn: Codable, Sendable, Hashable {
        public var writer: Int
        /// `nil`: an account is off, and no single transfer explains it.
        public var sequence: Int64?
        /// The parts that are there and those that are not, in words.
        public var detail: String

        public init(writer: Int, sequence: Int64?, detail: String) {
            self.writer = writer
            self.sequence = sequence
            self.detail = detail
        }
    }

    public var attempted: Int64 = 0
    /// The server said that the commit is made.
    public var acknowledged: Int64 = 0
    /// The commit was never sent, or the server said that it is not made.
    public var refused: Int64 = 0
    /// The commit was sent and not answered.
    public var unknown: Int64 = 0
    public var unknownPresent: Int64 = 0
    public var unknownAbsent: Int64 = 0
    public var torn: Int64 = 0
    /// The sum of all accounts, which a transfer does not change: 0.
    public var sum: Int64 = 0
    /// The first of them, at most ``LedgerChecked/exampleLimit``.
    public var tornTransfers: [Torn] = []

    public init() {}
}

/// The read-back could not be done: the persistence verdict is then `invalid`, never "all lost".
public struct LedgerUnchecked: Codable, Sendable, Hashable {
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }
}
