public import Experiment
public import TDS

/// The place of the ledger's tables, and the rate of the writes.
public struct LedgerConfiguration: Sendable {
    /// The server and the login. Its database is used to create the ledger's own.
    public var server: TDSConfiguration
    /// The database of the tables.
    public var database: String
    /// Is `true` to create `database` if it does not exist. An existing one is used as it is.
    public var createDatabase: Bool
    /// A suffix of letters, digits and underscores that is unique to the run and repeat, so that leftovers of other runs are never counted.
    public var tableSuffix: String
    public var writers: Int
    /// The number of connections that make transfers. Their lanes are numbered after the writers'.
    public var transfers: Int
    /// The interval between two writes of one lane.
    public var interval: Duration
    /// The time after which an unanswered write is unknown and its connection is closed.
    public var timeout: Duration
    /// The timeout for opening a writer's connection again, as part of a write.
    public var openTimeout: Duration
    /// The number of baseline rows, which are inserted before the writers begin.
    public var seedRows: Int64
    /// The seed of every row's content.
    public var seed: UInt64
    /// Every n-th write of a writer updates its register instead of inserting a row.
    public var updateEvery: Int64
    /// Is `true` to run DBCC CHECKDB after the read-back, if the server has it.
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

    /// The number of connections that write.
    var lanes: Int { writers + transfers }

    /// The server for preparation, check and cleanup, with long timeouts: a server that has just recovered may be slow.
    var patientServer: TDSConfiguration {
        var server = server
        server.deadlines = .init(each: .seconds(15))
        return server
    }

    /// Creates the configuration from an experiment. A writer opens its connection within the deadline of a login probe.
    public init(server: TDSConfiguration, experiment: Experiment, tableSuffix: String, seed: UInt64) {
        let ledger = experiment.ledger
        self.init(
            server: server, database: ledger.database, createDatabase: ledger.createDatabase, tableSuffix: tableSuffix,
            writers: ledger.writers, transfers: ledger.transfers, interval: ledger.interval, timeout: ledger.timeout,
            openTimeout: experiment.probes.login.timeout, seedRows: Int64(ledger.seedRows), seed: seed, checkDatabase: ledger.checkDatabase)
    }
}
