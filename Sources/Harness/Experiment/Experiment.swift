public import JSON

/// One experiment, as its file says: what to do to which workload, how to watch it, and what was promised.
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
    /// `nil`: the fault meets a server with nothing but the ledger's writes to recover.
    public var load: Load?
    public var at: Moment
    /// The time for which the service must have been healthy before the fault.
    public var steadyFor: Duration
    /// The time for which it must stay healthy after the recovery before that counts.
    public var stableFor: Duration
    /// After this time without recovery the repeat ends, its downtime being "at least that".
    public var giveUpAfter: Duration
    public var repeats: Int
    /// Pause between two repeats, so that CrashLoopBackOff of one does not distort the next.
    public var pauseBetween: Duration
    public var expect: Expectations
    public var safety: Safety
    /// The file's document with every default filled in: parsed, it gives this experiment again.
    public var effective: JSONValue
}

extension Experiment {
    /// The moment at which the fault strikes, once the service has been healthy for ``steadyFor``.
    public enum Moment: Sendable, Hashable {
        case steady
        /// At a moment of this window that the run's seed draws.
        case within(Duration)
        /// When the command ends with 0. One that ends otherwise is run again, until `timeout`.
        case when(command: [String], timeout: Duration)
    }

    public struct Target: Sendable, Hashable {
        public enum WorkloadKind: Sendable, Hashable, CustomStringConvertible {
            case deployment, statefulset
            /// An object of another controller, which owns the pods or what they belong to; its kind in lower case.
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

        /// Which of the service's stable addresses is probed.
        public enum Address: String, Sendable, Hashable, CaseIterable {
            /// The load balancer's where the service has one, else the cluster IP.
            case auto
            case clusterIP
            case loadBalancer
        }

        /// The kubeconfig context that this experiment may run in without `--confirm-context`.
        public var context: String?
        public var namespace: String
        public var workloadKind: WorkloadKind
        public var workload: String
        /// The SQL Server container; `nil`: the one with the service's target port.
        public var container: String?
        public var service: String
        /// Name or number of the service's port; `nil`: its only one, or 1433.
        public var port: String?
        public var address: Address
        public var database: String
        public var login: Login
        public var encryption: Encryption
    }

    public struct Login: Sendable, Hashable {
        /// Where the password is. It is never part of an experiment.
        public enum PasswordSource: Sendable, Hashable {
            case secret(name: String, key: String)
            case environment(String)
            case file(String)
        }

        public var user: String
        public var passwordFrom: PasswordSource
    }

    public struct Encryption: Sendable, Hashable {
        public enum Mode: String, Sendable, Hashable, CaseIterable {
            case required, strict, loginOnly
        }

        public var mode: Mode
        public var trustServerCertificate: Bool
        /// Path of a PEM file with the only authorities that are trusted.
        public var certificateAuthority: String?
        /// The name to look for in the certificate, when it is not the address.
        public var serverName: String?
    }

    public struct Probes: Sendable, Hashable {
        public struct Cadence: Sendable, Hashable {
            public var interval: Duration
            public var timeout: Duration
        }

        static let connectInterval = Duration.milliseconds(20)
        static let loginInterval = Duration.milliseconds(100)
        static let sessionInterval = Duration.milliseconds(20)

        /// A program of the user's own that does what his application does, and says when.
        public struct Client: Sendable, Hashable {
            public var command: [String]
            /// The longest time between the starts of two operations while they succeed.
            public var interval: Duration
            /// The time after which an operation without an end has failed.
            public var timeout: Duration
            /// The names of the variables that it inherits beside the few that every program needs.
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
            /// `nil`: `SERVICE.NAMESPACE.svc`.
            public var dnsName: String?
            public var connectInterval: Duration
            public var loginInterval: Duration
        }

        /// Connections that are silent, and then asked once.
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

    public struct LedgerSpec: Sendable, Hashable {
        /// The time for which the rows are kept and accounted for.
        public enum Keep: String, Sendable, Hashable, CaseIterable {
            /// Every repeat has tables of its own.
            case `repeat`
            /// All repeats, of all experiments of the run with this target and ledger, write to the same tables.
            case run
        }

        public var writers: Int
        /// Connections beside the writers that make transfers.
        public var transfers: Int
        public var interval: Duration
        public var timeout: Duration
        public var seedRows: Int
        public var database: String
        /// `false`: `database` is there already and CREATE DATABASE is not tried.
        public var createDatabase: Bool
        /// Run DBCC CHECKDB after the read-back where the server has it.
        public var checkDatabase: Bool
        public var keep: Keep

        /// All connections that write.
        public var lanes: Int { writers + transfers }
    }

    /// The work that a recovery finds at the moment of the fault, made for it.
    public struct Load: Sendable, Hashable {
        public struct OpenTransaction: Sendable, Hashable {
            /// Rows that it has inserted.
            public var rows: Int
            /// The time for which it has been open, at least.
            public var age: Duration
        }

        /// Bytes of log since the last checkpoint; `nil`: none are made.
        public var dirty: Int64?
        public var openTransaction: OpenTransaction?
        /// The time limit of making it.
        public var within: Duration
    }

    public struct Expectations: Sendable, Hashable {
        public enum Node: String, Sendable, Hashable, CaseIterable {
            case same, different, any
        }

        /// The end that is promised of a server that is told to stop.
        public enum Shutdown: String, Sendable, Hashable, CaseIterable {
            /// By itself, within its grace period.
            case clean
            case any
        }

        /// The servers that may have the volume at a time.
        public enum Instances: String, Sendable, Hashable, CaseIterable {
            case one, any
        }

        /// The most downtime on any track, judged on the upper bound, in every repeat.
        public var maxDowntime: Duration?
        /// The most downtime of the experiment's own client; `nil`: it is measured and not judged.
        public var maxClientDowntime: Duration?
        /// From the fault to the first moment from which everything stays healthy.
        public var recoveredWithin: Duration?
        public var lostWrites: Int
        public var node: Node
        public var shutdown: Shutdown
        public var instances: Instances
    }

    public struct Safety: Sendable, Hashable {
        public var requireSpareNode: Bool
        public var allowControlPlane: Bool
        public var allowSystemNamespaces: Bool
        public var allowSingleNode: Bool
    }
}
