public import Experiment
public import TDS

/// Where the ledger's tables are and how fast they are written to.
public struct LedgerConfiguration: Sendable {
    /// The server and the login; its database is the one from which the ledger's own is created.
    public var server: TDSConfiguration
    /// The database of the tables.
    public var database: String
    /// Create `database` if it does not exist. An existing one is used as it is.
    public var createDatabase: Bool
    /// Unique to the run and repeat, so that leftovers of other runs are never counted. Letters, digits and underscores.
    public var tableSuffix: String
    public var writers: Int
    /// Connections beside the writers, whose writes are transfers. Their lanes are numbered after the writers'.
    public var transfers: Int
    /// Between two writes of one lane.
    public var interval: Duration
    /// When an unanswered write is unknown and its connection is given up.
    public var timeout: Duration
    /// The time limit of opening a writer's connection again, as part of a write.
    public var openTimeout: Duration
    /// Rows that are there before the writers begin.
    public var seedRows: Int64
    /// The content of every row derives from it.
    public var seed: UInt64
    /// Every n-th write of a writer updates its register instead of inserting a row.
    public var updateEvery: Int64
    /// Run DBCC CHECKDB after the read-back where the server has it.
    public var checkDatabase: Bool

    public init(
        server: TDSConfiguration, database: String, createDatabase: Bool, tableSuffix: String, writers: Int, transfers: Int = 0,
        interval: Duration, timeout: Duration, openTimeout: Duration, seedRows: Int64, seed: UInt64, updateEvery: Int64 = 10,
        checkDatabase: Bool
    ) {
        self.server = server
        self.database = database
        self.createDatabase = createDatabase
        self.tableSuffix = tableSuffix
        self.writers = writers
        self.transfers = transfers
        self.interval = interval
        self.timeout = timeout
        self.openTimeout = openTimeout
        self.seedRows = seedRows
        self.seed = seed
        self.updateEvery = updateEvery
        self.checkDatabase = checkDatabase
    }

    /// Connections that write.
    var lanes: Int { writers + transfers }

    /// For preparing, checking and cleaning up, which are no probes: a server that has just come back may take its time.
    var patientServer: TDSConfiguration {
        var server = server
        server.deadlines = .init(each: .seconds(15))
        return server
    }

    /// The ledger as an experiment describes it. A writer opens its connection within the deadline that logins are probed with.
    public init(server: TDSConfiguration, experiment: Experiment, tableSuffix: String, seed: UInt64) {
        let ledger = experiment.ledger
        self.init(
            server: server, database: ledger.database, createDatabase: ledger.createDatabase, tableSuffix: tableSuffix,
            writers: ledger.writers, transfers: ledger.transfers, interval: ledger.interval, timeout: ledger.timeout,
            openTimeout: experiment.probes.login.timeout, seedRows: Int64(ledger.seedRows), seed: seed, checkDatabase: ledger.checkDatabase)
    }
}
