public import JSON

/// An experiment from a file: the target, the fault, the probes and the promise.
///
/// Built only by ``ExperimentFile``, so that every instance has been validated.
public struct Experiment: Sendable, Hashable {
    public var name: String
    public var description: String?
    public var labels: [String: String]
    public var target: Target
    public var fault: FaultDocument
    public var probes: Probes
    public var ledger: LedgerSpec
    /// The work for the server's recovery; `nil` if there are only the ledger's writes.
    public var load: Load?
    public var at: Moment
    /// The time for which the service must have been healthy before the fault.
    public var steadyFor: Duration
    /// The time for which the service must stay healthy after the recovery.
    public var stableFor: Duration
    /// The time after which a repeat without recovery ends. Its downtime is then "at least" that long.
    public var giveUpAfter: Duration
    public var repeats: Int
    /// The pause between two repeats, so that the CrashLoopBackOff of one does not affect the next.
    public var pauseBetween: Duration
    public var expect: Expectations
    public var safety: Safety
    /// The file's document with every default filled in. Parsing it gives the same experiment.
    public var effective: JSONValue
}

extension Experiment {
    /// The moment of the fault, after the service has been healthy for ``steadyFor``.
    public enum Moment: Sendable, Hashable {
        case steady
        /// A moment within this window that the run's seed draws.
        case within(Duration)
        /// The moment at which the command exits with 0. It is run again until then, or until `timeout`.
        case when(command: [String], timeout: Duration)
    }

    /// The instance under test, and the login to it.
    public struct Target: Sendable, Hashable {
        /// The kind of the target's workload.
        public enum WorkloadKind: Sendable, Hashable, CustomStringConvertible {
            case deployment, statefulset
            /// An object of another controller that owns the pods, directly or not; its kind is in lower case.
            case other(String)

            public init(_ kind: String) {
                switch kind.lowercased() {
                case "deployment": self = .deployment
                case "statefulset": self = .statefulset
                case let other: self = .other(other)
                }
            }

            public var description: String {
                switch self {
                case .deployment: "deployment"
                case .statefulset: "statefulset"
                case .other(let kind): kind
                }
            }
        }

        /// The stable address of the Service to probe.
        public enum Address: String, Sendable, Hashable, CaseIterable {
            /// The load balancer's address if there is one, else the cluster IP.
            case auto
            case clusterIP
            case loadBalancer
        }

        /// The kubeconfig context that this experiment may run in without `--confirm-context`.
        public var context: String?
        public var namespace: String
        public var workloadKind: WorkloadKind
        public var workload: String
        /// The SQL Server container; `nil` for the one with the Service's target port.
        public var container: String?
        public var service: String
        /// The name or number of the Service's port; `nil` for its only one, or 1433.
        public var port: String?
        public var address: Address
        public var database: String
        public var login: Login
        public var encryption: Encryption
    }

    /// The login, and the source of its password.
    public struct Login: Sendable, Hashable {
        /// The source of the password. The password is never part of an experiment.
        public enum PasswordSource: Sendable, Hashable {
            case secret(name: String, key: String)
            case environment(String)
            case file(String)
        }

        public var user: String
        public var passwordFrom: PasswordSource
    }

    /// The encryption of the connection.
    public struct Encryption: Sendable, Hashable {
        /// The part of the connection that is encrypted.
        public enum Mode: String, Sendable, Hashable, CaseIterable {
            case required, strict, loginOnly
        }

        public var mode: Mode
        public var trustServerCertificate: Bool
        /// The path of a PEM file with the only trusted authorities.
        public var certificateAuthority: String?
        /// The name that the certificate must have, if it is not the address.
        public var serverName: String?
    }

    /// The probes of the service address.
    public struct Probes: Sendable, Hashable {
        /// The interval and the timeout of one track.
        public struct Cadence: Sendable, Hashable {
            public var interval: Duration
            public var timeout: Duration
        }

        static let connectInterval = Duration.milliseconds(20)
        static let loginInterval = Duration.milliseconds(100)
        static let sessionInterval = Duration.milliseconds(20)

        /// The user's own program, which works as the application does and reports its operations.
        public struct Client: Sendable, Hashable {
            public var command: [String]
            /// The longest time between the starts of two operations while they succeed.
            public var interval: Duration
            /// The time after which an operation without an end has failed.
            public var timeout: Duration
            /// The names of the variables that it inherits in addition to those that every program needs.
            public var environment: [String]

            public init(command: [String], interval: Duration, timeout: Duration, environment: [String]) {
                self.command = command
                self.interval = interval
                self.timeout = timeout
                self.environment = environment
            }
        }

        /// The places beside the judged address.
        public struct Views: Sendable, Hashable {
            public var pod: Bool
            public var clusterIP: Bool
            public var dns: Bool
            /// `nil` for `SERVICE.NAMESPACE.svc`.
            public var dnsName: String?
            public var connectInterval: Duration
            public var loginInterval: Duration
        }

        /// Idle connections that are queried once.
        public struct Idle: Sendable, Hashable {
            public var silentFor: Duration
            public var connections: Int
            public var timeout: Duration

            public init(silentFor: Duration, connections: Int, timeout: Duration) {
                self.silentFor = silentFor
                self.connections = connections
                self.timeout = timeout
            }
        }

        public var connect: Cadence
        public var login: Cadence
        public var session: Cadence
        public var views: Views
        public var idle: Idle?
        public var client: Client?
        /// The most probes of one track that run at the same time.
        public var inFlightCap: Int
    }

    /// The writes that the experiment makes and accounts for.
    public struct LedgerSpec: Sendable, Hashable {
        /// The time for which one ledger is used.
        public enum Keep: String, Sendable, Hashable, CaseIterable {
            /// Every repeat has its own tables.
            case `repeat`
            /// All repeats, of all experiments of the run with this target and ledger, write to the same tables.
            case run
        }

        public var writers: Int
        /// The number of connections that make transfers.
        public var transfers: Int
        public var interval: Duration
        public var timeout: Duration
        public var seedRows: Int
        public var database: String
        /// Is `false` if `database` exists already, so that CREATE DATABASE is not tried.
        public var createDatabase: Bool
        /// Is `true` to run DBCC CHECKDB after the read-back, if the server has it.
        public var checkDatabase: Bool
        public var keep: Keep

        /// The number of connections that write.
        public var lanes: Int { writers + transfers }
    }

    /// The work for a recovery that the harness creates before the fault.
    public struct Load: Sendable, Hashable {
        /// A transaction that is open at the moment of the fault.
        public struct OpenTransaction: Sendable, Hashable {
            /// The number of rows that it has inserted.
            public var rows: Int
            /// The least time for which it has been open.
            public var age: Duration
        }

        /// Bytes of log since the last checkpoint; `nil` if none are written.
        public var dirty: Int64?
        public var openTransaction: OpenTransaction?
        /// The timeout for creating it.
        public var within: Duration
    }

    /// The promise that is judged.
    public struct Expectations: Sendable, Hashable {
        /// The promised node of the recovered instance.
        public enum Node: String, Sendable, Hashable, CaseIterable {
            case same, different, any
        }

        /// The promised end of a server after SIGTERM.
        public enum Shutdown: String, Sendable, Hashable, CaseIterable {
            /// The server stops by itself within its grace period.
            case clean
            case any
        }

        /// The promised number of servers that have the volume open at a time.
        public enum Instances: String, Sendable, Hashable, CaseIterable {
            case one, any
        }

        /// The allowed downtime on any track in every repeat, judged on the upper bound.
        public var maxDowntime: Duration?
        /// The allowed downtime of the experiment's own client; `nil` if it is only measured.
        public var maxClientDowntime: Duration?
        /// The allowed time from the fault to lasting health.
        public var recoveredWithin: Duration?
        public var lostWrites: Int
        public var node: Node
        public var shutdown: Shutdown
        public var instances: Instances
    }

    /// The guard rails before anything is changed.
    public struct Safety: Sendable, Hashable {
        public var requireSpareNode: Bool
        public var allowControlPlane: Bool
        public var allowSystemNamespaces: Bool
        public var allowSingleNode: Bool
    }
}
