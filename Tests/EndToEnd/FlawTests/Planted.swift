import Testing

/// A flaw, how it is planted, and the verdict that must catch it.
struct Planted: Sendable, CustomTestStringConvertible {
    var name: String
    var sandbox: [String] = []
    var database: [String] = []
    var fault = "processKill: {}"
    var node = "any"
    var shutdown = "any"
    var seedRows = 500
    var transfers = 0
    /// The program of `probes.client`, in the words of bash, and the longest downtime that is allowed it.
    var client: String?
    var clientMax = "60s"
    /// `probes.idle`.
    var idle: String?
    /// More lines of the experiment's spec.
    var spec = ""
    var exitCode: Int32
    /// The testcases that must not pass, and no others: `failure storage`, `error preflight`.
    var broken: Set<String>
    /// The `type` of the first of them that the flaw is about, by testcase.
    var types: [String: String] = [:]
    /// The sets of the ledger that must not be empty, and whose rows must be named everywhere.
    var sets: [String] = []

    var testDescription: String { name }

    var arguments: [String] { sandbox.flatMap { ["--sandbox-flaw", $0] } + database.flatMap { ["--database-flaw", $0] } }

    /// Short, and gentle on a machine that others use too.
    var experiment: String {
        """
        apiVersion: aftershock/v1
        kind: Experiment
        metadata: {name: planted}
        spec:
          target:
            namespace: sql
            workload: deployment/azure-sql-edge
            service: azure-sql-edge
            login: {user: sa, passwordFrom: {secret: mssql, key: MSSQL_SA_PASSWORD}}
            encryption: {mode: required, trustServerCertificate: true}
          fault: {\(fault)}
          ledger: {writers: 4, transfers: \(transfers), interval: 20ms, timeout: 2s, seedRows: \(seedRows)}
          steadyFor: 2s
          stableFor: 2s
          giveUpAfter: \(giveUpAfter)
          expect: {downtime: {max: \(giveUpAfter)}, lostWrites: 0, node: \(node), shutdown: \(shutdown)\(clientPromise)}
          \(spec.isEmpty ? "probes: {connect: {interval: 100ms}, session: {interval: 100ms}, login: {interval: 250ms}\(moreProbes)}" : spec)
        """
    }

    private var clientPromise: String { client == nil ? "" : ", client: {downtime: {max: \(clientMax)}}" }
    private var moreProbes: String {
        (client.map { ", client: {command: [bash, -c, '\($0)']}" } ?? "") + (idle.map { ", idle: \($0)" } ?? "")
    }

    /// Where no recovery can be, the time until it is given up is all that the test waits for.
    private var giveUpAfter: String { neverRecovers ? "8s" : "60s" }
    var neverRecovers = false
}

extension Planted {
    private static let gone: Set<String> = ["failure recovery", "failure data-persistence"]

    static let all: [Planted] = cluster + clients + data + blind

    /// The cluster breaks its part of the promise.
    private static let cluster = [
        Planted(
            name: "service IP changes", sandbox: ["service-ip-changes"], fault: "podDelete: {}", exitCode: 1,
            broken: ["failure service-address", "failure recovery"],
            types: ["service-address": "verdict.service-address"], neverRecovers: true),
        Planted(
            name: "PVC swapped for a fresh one", sandbox: ["pvc-swapped"], fault: "podDelete: {}", exitCode: 3,
            broken: gone.union(["failure storage", "failure engine-health"]),
            types: ["storage": "verdict.storage", "data-persistence": "verdict.data-lost"],
            sets: ["lost"], neverRecovers: true),
        Planted(
            name: "pod on the wrong node", sandbox: ["wrong-node"], fault: "podDelete: {}", node: "same", exitCode: 1,
            broken: ["failure placement"], types: ["placement": "verdict.placement"]),
        Planted(
            name: "pod on the wrong node: it comes back to the drained one", sandbox: ["wrong-node"], fault: "nodeDrain: {timeout: 20s}",
            node: "different", exitCode: 1, broken: ["failure placement"], types: ["placement": "verdict.placement"]),
        Planted(
            name: "never rescheduled", sandbox: ["never-rescheduled"], fault: "podDelete: {}", exitCode: 1,
            broken: ["failure recovery", "error restore"],
            types: ["recovery": "verdict.recovery"], neverRecovers: true),
        Planted(
            name: "replica count short", sandbox: ["replica-short"], fault: "podDelete: {}", exitCode: 1, broken: ["failure replicas"],
            types: ["replicas": "verdict.replicas"]),
        Planted(
            name: "SIGTERM is ignored: the end of the grace period kills the server", database: ["ignore-sigterm"],
            fault: "podDelete: {gracePeriod: 3s}", shutdown: "clean", exitCode: 1, broken: ["failure shutdown"],
            types: ["shutdown": "verdict.shutdown"]),
        Planted(
            name: "another database is suspect after the restart", database: ["suspect-after-kill"], exitCode: 1,
            broken: ["failure engine-health"], types: ["engine-health": "verdict.engine-health"]),
        Planted(
            name: "SQL Server Agent does not run after the restart", database: ["stop-agent-after-kill"], exitCode: 1,
            broken: ["failure engine-health"], types: ["engine-health": "verdict.engine-health"]),
        Planted(
            name: "the server has another name after the restart", database: ["rename-after-kill"], exitCode: 1,
            broken: ["failure engine-health"], types: ["engine-health": "verdict.engine-health"]),
    ]

    /// Asks the server's port five times a second; after a failure it says nothing but "dead" for so many seconds, as a pool does.
    static func pool(deadFor seconds: Int) -> String {
        "until=0; for ((i = 1; ; i++)); do echo start $i; if ((SECONDS < until)); then echo failed $i dead; "
            + "elif (: </dev/tcp/$AFTERSHOCK_HOST/$AFTERSHOCK_PORT) 2>/dev/null; then echo ok $i; "
            + "else echo failed $i refused; until=$((SECONDS + \(seconds))); fi; sleep 0.2; done"
    }

    /// The user's own client does not come back with the server, or says nothing any more.
    private static let clients = [
        Planted(
            name: "the server is back, and the client's pool is not", client: pool(deadFor: 6), clientMax: "4s", exitCode: 1,
            broken: ["failure downtime"], types: ["downtime": "verdict.downtime"]),
        Planted(
            name: "a client of one's own that ends", client: "echo start 1; echo ok 1; sleep 3", exitCode: 4, broken: ["error preflight"]),
    ]

    /// The database loses, or changes, what it said is safe.
    private static let data = [
        Planted(
            name: "data outside the volume", database: ["outside-volume"], exitCode: 3, broken: gone,
            types: ["data-persistence": "verdict.data-lost"], sets: ["lost"], neverRecovers: true),
        Planted(
            name: "acknowledged before commit", database: ["ack-before-commit=200"], exitCode: 3, broken: ["failure data-persistence"],
            types: ["data-persistence": "verdict.data-lost"], sets: ["lost"]),
        Planted(
            name: "last 500 ms lost on SIGKILL", database: ["lose-last-ms=500"], exitCode: 3, broken: ["failure data-persistence"],
            types: ["data-persistence": "verdict.data-lost"], sets: ["lost"]),
        Planted(
            name: "one row in ten thousand lost", database: ["lose-one-in=10000"], seedRows: 10_000, exitCode: 3,
            broken: ["failure data-persistence"], types: ["data-persistence": "verdict.data-lost"], sets: ["lost"]),
        Planted(
            name: "a row twice", database: ["duplicate-row-one-in=200"], exitCode: 1, broken: ["failure data-persistence"],
            types: ["data-persistence": "verdict.data"], sets: ["duplicate"]),
        Planted(
            name: "a flipped bit", database: ["flip-bit-one-in=200"], exitCode: 3, broken: ["failure data-persistence"],
            types: ["data-persistence": "verdict.data-lost"], sets: ["corrupt"]),
        Planted(
            name: "a transfer of which a part is there", database: ["tear-one-in=20"], transfers: 2, exitCode: 3,
            broken: ["failure data-persistence"], types: ["data-persistence": "verdict.data-lost"], sets: ["torn"]),
        Planted(
            name: "an old value back", database: ["stale-register"], exitCode: 3, broken: ["failure data-persistence"],
            types: ["data-persistence": "verdict.data-lost"], sets: ["stale"]),
    ]

    /// It cannot be told, and must not be taken for a pass.
    private static let blind = [
        Planted(
            name: "fault that does nothing: the deletion is ignored", sandbox: ["deletion-ignored"], fault: "podDelete: {}", exitCode: 4,
            broken: ["error fault-took-effect"], types: ["fault-took-effect": "gate.faultNotProven"], neverRecovers: true),
        Planted(
            name: "fault that does nothing: the command changes nothing",
            fault: "command: {inject: ['true'], probe: ['false'], timeout: 5s}",
            exitCode: 4, broken: ["error fault-took-effect"], types: ["fault-took-effect": "gate.faultNotProven"], neverRecovers: true),
        Planted(
            name: "a slow leak of probes", database: ["slower-logins=8"], fault: "none: {duration: 5s}",
            spec: "probes: {connect: {interval: 100ms}, session: {interval: 100ms}, login: {interval: 100ms}, inFlightCap: 1}", exitCode: 4,
            broken: ["error downtime"], types: ["downtime": "gate.rateTooLow"]),
        Planted(
            name: "no traffic at all: nothing is answered", database: ["freeze"], exitCode: 5, broken: ["error preflight"],
            types: ["preflight": "preflight.failed"]),
        Planted(
            name: "no traffic at all: nobody gets in", database: ["never-login"], exitCode: 5, broken: ["error preflight"],
            types: ["preflight": "preflight.failed"]),
        Planted(
            name: "every answer is stale", database: ["wrong-sentinel"], exitCode: 4, broken: ["error preflight"],
            types: ["preflight": "gate.steadyStateNotSeen"], neverRecovers: true),
    ]
}
