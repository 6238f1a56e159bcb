/// One finished write of the ledger. Nothing is retried under the same identity.
public struct WriteResult: Codable, Sendable, Hashable {
    /// The kind of a write.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        /// A new row with identity (run, writer, sequence).
        case insert
        /// The writer's register set to `sequence`.
        case update
        /// A transaction of several statements: an amount from one account to another, and a new row with the identity.
        case transfer

        /// Is `true` if the write adds a row with its identity.
        public var addsRow: Bool { self != .update }
    }

    /// The outcome of a write, by the server's answer.
    public enum Outcome: String, Codable, Sendable, CaseIterable {
        /// The server acknowledged the commit.
        case acknowledged
        /// The server refused it, or it was never sent.
        case refused
        /// No answer came. The read-back settles it.
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

    /// Is `true` if the server executed the write on data that differ from their acknowledged state: this is a loss, and no outage.
    public var foundDataGone: Bool { failure?.kind == Self.dataGone }

    /// The ``Failure/kind`` of an update that matched no row.
    public static let dataGone = "dataGone"
}

/// The ledger's tables after their creation, with the baseline rows.
public struct LedgerPrepared: Codable, Sendable, Hashable {
    public var database: String
    /// A part of the tables' names, so that leftovers of earlier runs are never counted.
    public var tableSuffix: String
    public var writers: Int
    /// The connections that make transfers; `nil` in journals of earlier versions.
    public var transfers: Int?
    public var seedRows: Int64
    /// The seed of every row's content, with the row's identity and the table's suffix.
    public var seed: UInt64
    /// Is `true` if the database was created for this ledger, and is removed with it.
    public var createdDatabase: Bool
    /// The server's own name and version.
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

/// The identity of a ledger row. Writer -1 is the baseline; `sequence` counts from 1.
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
    /// A register whose value is older than the last acknowledged one, or was never written.
    public struct StaleRegister: Codable, Sendable, Hashable {
        public var writer: Int
        /// The last acknowledged value.
        public var acknowledged: Int64
        /// The value that was read; `nil` if the register's row is gone.
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
    /// Rows that were acknowledged (or seeded), and exist once with the right content.
    public var kept: Int64 = 0
    /// Rows that were acknowledged (or seeded) and are absent.
    public var lost: Int64 = 0
    /// Rows with other content than was sent.
    public var corrupt: Int64 = 0
    /// Rows that exist more than once, counted once an identity.
    public var duplicate: Int64 = 0
    /// Rows that were never sent, or that the server refused.
    public var unexpected: Int64 = 0
    public var stale: Int64 = 0
    /// Unknown writes that were committed: their row exists, or the register has their value.
    public var unknownPresent: Int64 = 0
    public var unknownAbsent: Int64 = 0
    /// Unknown register updates that a later one has overwritten, so that their commit left no trace.
    public var unknownOverwritten: Int64 = 0
    /// The transfers, which the counts above include; `nil` if none are made.
    public var transfers: TransfersChecked?
    /// The expected rows of the baseline, which `kept` and `lost` include.
    public var seeded: Int64 = 0
    public var seededLost: Int64 = 0
    /// The number of rows that were read.
    public var read: Int64 = 0
    /// The nanoseconds of reading and comparing.
    public var took: Int64 = 0

    /// The first identities of each set, at most ``exampleLimit`` each.
    public var lostRows: [RowIdentity] = []
    public var corruptRows: [RowIdentity] = []
    public var duplicateRows: [RowIdentity] = []
    public var unexpectedRows: [RowIdentity] = []
    public var staleRegisters: [StaleRegister] = []
    /// The ledger's database or tables that the server reports as missing; `nil` if none are.
    public var gone: [String]?
    /// The damage that DBCC CHECKDB reported: `nil` if it did not run, empty if it found none.
    public var checkDatabase: [String]?
    /// The reason why it did not run although it was wanted.
    public var checkDatabaseSkipped: String?
    /// The proof that no unanswered write was still being executed before the read-back; `nil` if none was unanswered.
    public var settledBy: String?

    public static let exampleLimit = 1000

    public init() {}

    /// Transfers of which only a part exists.
    public var torn: Int64 { transfers?.torn ?? 0 }
}

/// The transfers of a ledger after the read-back. Each is a transaction of several statements, which must exist completely or not at all.
public struct TransfersChecked: Codable, Sendable, Hashable {
    /// A transfer of which only a part exists.
    public struct Torn: Codable, Sendable, Hashable {
        public var writer: Int
        /// `nil` if an account is wrong and no single transfer explains it.
        public var sequence: Int64?
        /// A sentence about the existing and the missing parts.
        public var detail: String

        public init(writer: Int, sequence: Int64?, detail: String) {
            self.writer = writer
            self.sequence = sequence
            self.detail = detail
        }
    }

    public var attempted: Int64 = 0
    /// The server acknowledged the commit.
    public var acknowledged: Int64 = 0
    /// The commit was never sent, or the server refused it.
    public var refused: Int64 = 0
    /// The commit was sent and not answered.
    public var unknown: Int64 = 0
    public var unknownPresent: Int64 = 0
    public var unknownAbsent: Int64 = 0
    public var torn: Int64 = 0
    /// The sum of all accounts. It must be 0, as a transfer does not change it.
    public var sum: Int64 = 0
    /// The first of them, at most ``LedgerChecked/exampleLimit``.
    public var tornTransfers: [Torn] = []

    public init() {}
}

/// The reason why the rows could not be read back. The persistence verdict is then `invalid`, never "all lost".
public struct LedgerUnchecked: Codable, Sendable, Hashable {
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }
}
