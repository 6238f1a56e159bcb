import Checkout
import Fault
import Foundation
import Glibc
import JSON
import Journal
import Kubernetes
import Programs
import Testing
import Verdict

/// Three targets in one run, of which two have their pods on one node: what excludes each other waits, the rest goes on side by side, and
/// whatever ends the run, each part is restored from its own journal.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SideBySideTests {
    /// `drained` loses its node, on which `neighbour` is too; `frozen` is elsewhere.
    private static let names = ["drained", "frozen", "neighbour"]

    @Test func threeTargetsInOneRun() async throws {
        let target = try String(
            contentsOf: Checkout.root.appendingPathComponent("experiments/targets/azure-sql-edge.yaml"), encoding: .utf8)
        let documents = target.components(separatedBy: "\n---\n")
        @Sendable func manifest(_ name: String, on node: String? = nil) -> String {
            let pinned = node.map { "    spec:\n      nodeSelector: {kubernetes.io/hostname: \($0)}\n      terminationGrace" }
            let own = documents.dropFirst(2).joined(separator: "\n---\n").replacing("azure-sql-edge:", with: "IMAGE:")
                .replacing("azure-sql-edge", with: name).replacing("IMAGE:", with: "azure-sql-edge:").replacing("mssql-data", with: name)
            return pinned.map { own.replacing("    spec:\n      terminationGrace", with: $0) } ?? own
        }
        try await TestSandbox.with(manifests: [documents.prefix(2).joined(separator: "\n---\n"), manifest("drained")]) { sandbox in
            let client = try KubernetesClient(try ClusterConfiguration.load(KubeconfigOverrides(kubeconfig: sandbox.kubeconfig)))
            let node = try #require(try await Self.readyPod("drained", client).spec.nodeName)
            let other = try #require(try await client.list(Node.self, in: .all).items.map(\.metadata.name).first { $0 != node })
            for (name, place) in [("neighbour", node), ("frozen", other)] {
                let file = try sandbox.write(manifest(name, on: place), as: "\(name)-target.yaml")
                #expect(try await sandbox.kubectl(["apply", "-f", file]).exitCode == 0)
                _ = try await Self.readyPod(name, client)
            }

            try await Self.expectTurns(sandbox)
            try await Self.expectNothingTouched(sandbox)
            try await Self.expectRestored(sandbox, client, after: SIGINT)
            try await Self.expectRestored(sandbox, client, after: SIGKILL)
        }
    }

    private static func expectTurns(_ sandbox: TestSandbox) async throws {
        let run = Run(
            sandbox, "turns",
            experiments: [
                ("drained", "nodeDrain: {timeout: 30s}"), ("frozen", "processKill: {signal: STOP, resumeAfter: 1s}"),
                ("neighbour", "processKill: {}"),
            ])
        let ended = try await Program.run("aftershock", try run.arguments())
        #expect(ended.exitCode == 0, "\(ended.output)\(ended.errors)")
        #expect(ended.errors.contains("neighbour:   repeat 1/1"), "each line of progress names its experiment")
        let results = try run.results()
        #expect(results["experiments"]?.array?.map { $0["name"]?.string } == names, "one report has all, in the order of the files")
        #expect(results["experiments"]?.array?.allSatisfy { $0["verdict"] == "pass" } == true)
        // All journals are on one clock.
        let times = try Dictionary(uniqueKeysWithValues: names.map { ($0, try run.repeatTimes(of: $0)) })
        let (drained, frozen, neighbour) = (try #require(times["drained"]), try #require(times["frozen"]), try #require(times["neighbour"]))
        #expect(drained.overlaps(frozen), "\(drained) and \(frozen)")
        #expect(!drained.overlaps(neighbour), "\(drained) and \(neighbour)")
        #expect(drained.upperBound < neighbour.lowerBound)
        // The stored run is judged as one again.
        let again = try await Program.run("aftershock", ["report", run.folder, "-o", "json"])
        #expect(again.exitCode == 0)
        #expect(try JSONValue(parsing: Data(again.output.utf8)) == results)
    }

    /// One check fails: none of the others is begun.
    private static func expectNothingTouched(_ sandbox: TestSandbox) async throws {
        let run = Run(
            sandbox, "refused", experiments: [("drained", "podDelete: {}"), ("absent", "podDelete: {}"), ("frozen", "podDelete: {}")])
        let ended = try await Program.run("aftershock", try run.arguments())
        #expect(ended.exitCode == 5, "\(ended.output)\(ended.errors)")
        for name in ["drained", "absent", "frozen"] {
            let events = try run.events(of: name)
            #expect(!events.contains { if case .repeatStarted = $0.event { true } else { false } }, "\(name)")
            #expect(try Findings.judge(journalPath: run.journal(of: name)).exitCode == .preflightFailed, "\(name)")
        }
        #expect(ended.output.contains("the checks of absent have failed"), "\(ended.output)")
    }

    /// The run is ended while one target is drained and another one frozen.
    private static func expectRestored(_ sandbox: TestSandbox, _ client: KubernetesClient, after signal: Int32) async throws {
        let run = Run(
            sandbox, "signal-\(signal)",
            experiments: [
                ("drained", "nodeDrain: {timeout: 30s}"), ("frozen", "processKill: {signal: STOP, resumeAfter: 2m}"),
            ])
        let journals = try ["drained", "frozen"].map { try JournalFollower.records(in: run.makeFolder(of: $0)) }
        let arguments = try run.arguments()
        let (code, wasStruck) = try await Program.run("aftershock", arguments, log: run.folder + ".log") { process in
            try await firstResult(within: .seconds(90)) { () async throws -> Bool? in
                for records in journals {
                    for await record in records { if case .faultInjected = record.event { break } }
                }
                kill(process, signal)
                return true
            }
        }
        let log = (try? String(contentsOfFile: run.folder + ".log", encoding: .utf8)) ?? ""
        #expect(wasStruck == true, "\(log)")
        if signal == SIGKILL {
            #expect(code == nil)
            let killed = try await Program.run("aftershock", ["report", run.folder])
            #expect(killed.exitCode == 6 && killed.output.contains("KILLED"), "\(killed.output)")
            #expect(try await client.list(Node.self, in: .all).items.contains(where: \.isCordoned))
            #expect(try await frozenProcesses(client) > 0)
            let restored = try await Program.run("aftershock", ["restore", "--run", run.folder] + sandbox.access)
            #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
            let again = try await Program.run("aftershock", ["restore", "--run", run.folder] + sandbox.access)
            #expect(again.output == "nothing is left to restore\n")
        } else {
            #expect(code == 128 + signal, "\(log)")
        }
        #expect(try run.results()["restored"] == true)
        #expect(try await !client.list(Node.self, in: .all).items.contains(where: \.isCordoned))
        #expect(try await frozenProcesses(client) == 0)
        #expect(try await client.list(Lease.self, in: .namespace(TestCluster.namespace)).items.isEmpty)
        for name in names { _ = try await readyPod(name, client) }
    }

    // MARK: The cluster

    private static func readyPod(_ name: String, _ client: KubernetesClient) async throws -> Pod {
        let found = try await firstResult(within: .seconds(60)) { () async throws -> Pod? in
            for try await event in client.watch(Pod.self, in: .namespace(TestCluster.namespace), labels: "app=\(name)") {
                switch event.change {
                case .added(let pod), .modified(let pod): if pod.isReady { return pod }
                case .deleted, .synced, .blind, .sighted: continue
                }
            }
            return nil
        }
        return try #require(found, "no pod of \(name) was ready within 60 s")
    }

    /// The number of stopped processes of the target that is frozen.
    private static func frozenProcesses(_ client: KubernetesClient) async throws -> Int {
        let states = try await client.exec(
            ["sh", "-c", "cat /proc/[0-9]*/stat"], pod: try await readyPod("frozen", client).metadata.name, in: TestCluster.namespace,
            container: "frozen", deadline: .seconds(10))
        try #require(!states.text.isEmpty)
        return states.text.split(separator: "\n").count { $0.contains(") T ") }
    }

    // MARK: A run

    private struct Run {
        let sandbox: TestSandbox
        let folder: String
        let experiments: [(name: String, fault: String)]

        init(_ sandbox: TestSandbox, _ name: String, experiments: [(name: String, fault: String)]) {
            self.sandbox = sandbox
            folder = "\(sandbox.folder)/\(name)"
            self.experiments = experiments
        }

        func arguments() throws -> [String] {
            let documents = experiments.map { experiment in
                """
                apiVersion: aftershock/v1
                kind: Experiment
                metadata: {name: \(experiment.name)}
                spec:
                  target:
                    namespace: \(TestCluster.namespace)
                    workload: deployment/\(experiment.name)
                    service: \(experiment.name)
                    login: {user: sa, passwordFrom: {secret: mssql, key: MSSQL_SA_PASSWORD}}
                    encryption: {mode: required, trustServerCertificate: true}
                  fault: {\(experiment.fault)}
                  probes: {connect: {interval: 200ms}, session: {interval: 200ms}, login: {interval: 500ms}}
                  ledger: {writers: 1, interval: 100ms, seedRows: 50}
                  steadyFor: 1s
                  stableFor: 1s
                  giveUpAfter: 30s
                """
            }
            try documents.joined(separator: "\n---\n").write(toFile: folder + ".yaml", atomically: true, encoding: .utf8)
            return ["run", folder + ".yaml", "--parallel", "3", "--confirm-context", TestSandbox.context, "--reports", folder]
                + sandbox.access
        }

        /// The folder of a part, before the run makes it.
        func makeFolder(of name: String) throws -> String {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            return "\(folder)/\(name)"
        }

        func journal(of name: String) -> String { "\(folder)/\(name)/journal.ndjson" }

        func events(of name: String) throws -> [JournalRecord] { try JournalReader.records(of: journal(of: name)) }

        func results() throws -> JSONValue { try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: folder + "/results.json"))) }

        /// The beginning and the end of the one repeat.
        func repeatTimes(of name: String) throws -> ClosedRange<RunTime> {
            let events = try events(of: name)
            let start = try #require(events.first { if case .repeatStarted = $0.event { true } else { false } })
            let end = try #require(events.last { if case .repeatEnded = $0.event { true } else { false } })
            return start.at...end.at
        }
    }
}
