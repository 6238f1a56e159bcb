import Journal

extension Results {
    struct Repeat: Codable, Sendable, Hashable {
        /// The sum of one track's outages.
        struct Downtime: Codable, Sendable, Hashable {
            var lowerMs: Double
            @OrNull var upperMs: Double?
            @OrNull var estimateMs: Double?
            @OrNull var longestMs: Double?
            var count: Int
            var open: Bool
            @OrNull var stableAfterMs: Double?
            @OrNull var resolutionMs: Double?
        }

        struct Outage: Codable, Sendable, Hashable {
            var track: String
            @OrNull var lastSuccessStartedMs: Double?
            var firstFailureStartedMs: Double
            var firstFailureDoneMs: Double
            var lastFailureStartedMs: Double
            @OrNull var firstSuccessDoneMs: Double?
            var lowerMs: Double
            @OrNull var upperMs: Double?
            @OrNull var estimateMs: Double?
            var open: Bool
            var failures: Int
            var causes: [String: Int]
        }

        struct Phase: Codable, Sendable, Hashable {
            var name: String
            var ms: Double
        }

        struct Probes: Codable, Sendable, Hashable {
            struct Distribution: Codable, Sendable, Hashable {
                var p50: Double
                var p90: Double
                var p99: Double
                var max: Double
            }

            var intervalMs: Double
            var timeoutMs: Double
            var lanes: Int
            var made: Int
            var succeeded: Int
            var failed: Int
            var skipped: [String: Int]
            var missing: Int
            @OrNull var latencyMs: Distribution?
            @OrNull var lagMs: Distribution?
        }

        struct NodeLoss: Codable, Sendable, Hashable {
            struct OldPod: Codable, Sendable, Hashable {
                var name: String
                var state: String
                @OrNull var deletedAfterMs: Double?
                @OrNull var goneAfterMs: Double?
            }

            struct MultiAttach: Codable, Sendable, Hashable {
                var afterMs: Double
                var message: String
            }

            var node: String
            @OrNull var ready: String?
            @OrNull var taints: [String]?
            @OrNull var outOfService: Bool?
            var tolerationSeconds: [String: Int]
            var oldPod: OldPod
            @OrNull var attachments: [Snapshot.Attachment]?
            var multiAttach: [MultiAttach]
            var sentences: [String]
        }

        /// The bounds of a duration.
        struct Bounds: Codable, Sendable, Hashable {
            var lowerMs: Double
            @OrNull var upperMs: Double?
        }

        /// The results at a place beside the judged address.
        struct View: Codable, Sendable, Hashable {
            var view: String
            @OrNull var address: String?
            var reached: Bool
            @OrNull var detail: String?
            /// The values by track.
            var downtime: [String: Downtime]
        }

        /// The times from the fault to lasting logins by place, and their differences.
        struct Split: Codable, Sendable, Hashable {
            var server: Bounds
            @OrNull var clusterIP: Bounds?
            var service: Bounds
            var network: Bounds
            @OrNull var kubeProxy: Bounds?
            @OrNull var loadBalancer: Bounds?
            var sentence: String
        }

        /// The time in which the server took logins and kept them out of the ledger's database.
        struct MeasuredRecovery: Codable, Sendable, Hashable {
            var database: String
            var lowerMs: Double
            @OrNull var upperMs: Double?
            @OrNull var error: Int?
        }

        /// The idle connections that were queried once.
        struct Idle: Codable, Sendable, Hashable {
            struct Counts: Codable, Sendable, Hashable {
                var answered: Int
                var reset: Int
                var noAnswer: Int
                var otherFailure: Int
            }

            var silentForMs: Double
            var connections: Int
            /// The fault came while they were idle.
            var overFault: Counts
            var withoutFault: Counts
        }

        /// The orderly shutdown of the server.
        struct Shutdown: Codable, Sendable, Hashable {
            @OrNull var clean: Bool?
            var gracePeriodMs: Double
            @OrNull var tookMs: Double?
            @OrNull var exitCode: Int?
            @OrNull var reason: String?
            var sentence: String
        }

        /// The work for the recovery, right before the fault.
        struct Debt: Codable, Sendable, Hashable {
            @OrNull var logBytes: Int64?
            var sentBytes: Int64
            @OrNull var openRows: Int64?
            @OrNull var openForMs: Double?
            @OrNull var acceleratedRecovery: Bool?
            @OrNull var targetRecoverySeconds: Int?
            var evidence: [String]
            @OrNull var missing: String?
        }

        /// A database's recovery, from the server's log.
        struct Recovery: Codable, Sendable, Hashable {
            var database: String
            var analysisMs: Int64
            var redoMs: Int64
            var undoMs: Int64
        }

        /// The cluster before the fault and after the recovery.
        struct Infrastructure: Codable, Sendable, Hashable {
            struct Pair<Value: Codable & Sendable & Hashable>: Codable, Sendable, Hashable {
                @OrNull var before: Value?
                @OrNull var after: Value?
            }

            struct Volume: Codable, Sendable, Hashable {
                var claim: String
                var claimUID: String
                var volume: String
                var handle: String
            }

            struct Pod: Codable, Sendable, Hashable {
                var name: String
                var uid: String
                var containerID: String
                var restartCount: Int
            }

            struct Replicas: Codable, Sendable, Hashable {
                var desired: Int
                var ready: Int
            }

            var serviceIP: Pair<String>
            var clusterIP: Pair<String>
            var ingress: Pair<[String]>
            var volume: Pair<[Volume]>
            var node: Pair<String>
            var pod: Pair<Pod>
            var replicas: Pair<Replicas>
        }

        struct Effect: Codable, Sendable, Hashable {
            var proven: Bool
            var evidence: [String]
        }

        struct Restore: Codable, Sendable, Hashable {
            struct Undone: Codable, Sendable, Hashable {
                var intent: Int
                var summary: String
                @OrNull var proven: Bool?
                @OrNull var evidence: String?
            }

            var complete: Bool
            var undone: [Undone]
        }

        var number: Int
        /// Missing while the run goes on.
        var verdict: String?
        var checks: [Check]
        var doubts: [Doubt]
        var startedMs: Double
        @OrNull var endedMs: Double?
        @OrNull var faultMs: Double?
        /// The values by track.
        var downtime: [String: Downtime]
        var outages: [Outage]
        @OrNull var recoveredMs: Double?
        @OrNull var judgedTrack: String?
        var remarks: [String]?
        /// `nil` in files from before this field, like the next three.
        var views: [View]?
        @OrNull var split: Split?
        @OrNull var readyNotServed: Bounds?
        @OrNull var idle: Idle?
        var phases: [Phase]
        /// The values by track.
        var probes: [String: Probes]
        var ledger: Ledger
        @OrNull var nodeLoss: NodeLoss?
        @OrNull var shutdown: Shutdown?
        @OrNull var debt: Debt?
        var recoveries: [Recovery]?
        @OrNull var measuredRecovery: MeasuredRecovery?
        var infrastructure: Infrastructure
        var effect: Effect
        var restore: Restore
    }
}

extension Results.Repeat {
    /// The counts of the ledger. Without a read-back they come from the writes' answers, and the sets are not known.
    struct Ledger: Codable, Sendable, Hashable {
        struct Counts: Codable, Sendable, Hashable {
            var checked: Bool
            var attempted: Int64
            var acknowledged: Int64
            var refused: Int64
            var unknown: Int64
            @OrNull var lost: Int64?
            @OrNull var corrupt: Int64?
            @OrNull var duplicate: Int64?
            @OrNull var unexpected: Int64?
            @OrNull var stale: Int64?
            @OrNull var torn: Int64?
            @OrNull var unknownPresent: Int64?
            @OrNull var unknownAbsent: Int64?
        }

        /// The facts that only a read-back has.
        struct ReadBack: Codable, Sendable, Hashable {
            struct StaleRegister: Codable, Sendable, Hashable {
                var writer: Int
                var acknowledged: Int64
                @OrNull var found: Int64?
            }

            struct Transfers: Codable, Sendable, Hashable {
                struct Torn: Codable, Sendable, Hashable {
                    var writer: Int
                    @OrNull var sequence: Int64?
                    var detail: String
                }

                var attempted: Int64
                var acknowledged: Int64
                var refused: Int64
                var unknown: Int64
                var unknownPresent: Int64
                var unknownAbsent: Int64
                var torn: Int64
                var sum: Int64
                var tornTransfers: [Torn]
            }

            var kept: Int64
            var unknownOverwritten: Int64?
            var seeded: Int64
            var seededLost: Int64
            var read: Int64
            var lostRows: [RowIdentity]
            var corruptRows: [RowIdentity]
            var duplicateRows: [RowIdentity]
            var unexpectedRows: [RowIdentity]
            var staleRegisters: [StaleRegister]
            @OrNull var transfers: Transfers?
            var gone: [String]?
            @OrNull var checkDatabase: [String]?
            @OrNull var checkDatabaseSkipped: String?
        }

        struct Unchecked: Codable, Sendable, Hashable {
            @OrNull var reason: String?
        }

        enum Details: Sendable, Hashable {
            case readBack(ReadBack)
            case unchecked(Unchecked)
        }

        var counts: Counts
        var details: Details

        init(_ counts: Counts, _ details: Details) {
            self.counts = counts
            self.details = details
        }

        init(from decoder: any Decoder) throws {
            counts = try Counts(from: decoder)
            details = counts.checked ? .readBack(try ReadBack(from: decoder)) : .unchecked(try Unchecked(from: decoder))
        }

        /// Encodes both parts into one object.
        func encode(to encoder: any Encoder) throws {
            try counts.encode(to: encoder)
            switch details {
            case .readBack(let readBack): try readBack.encode(to: encoder)
            case .unchecked(let unchecked): try unchecked.encode(to: encoder)
            }
        }
    }
}
