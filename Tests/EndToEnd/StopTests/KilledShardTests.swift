import Foundation
import Glibc
import JSON
import JUnitReading
import Journal
import Programs
import Testing
import Verdict

/// A shard of a fleet is killed in the middle of its fault, and its engine starts it again.
@Suite(.timeLimit(.minutes(3))) struct KilledShardTests {
    /// Without its restoration the server stays frozen, and no preflight would let a second run begin.
    private let drill = Drill(name: "freeze", fault: "processKill: {signal: STOP, resumeAfter: 1500ms}")

    @Test func itRestoresFirstAndCountsOnce() async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            let reports = "\(cluster.folder)/fleet"
            let fleet = try write(fleetOn: cluster)
            func shard(log: String, _ body: @Sendable @escaping (pid_t) async throws -> Void = { _ in }) async throws -> (Int32?, String) {
                let path = "\(cluster.folder)/\(log)"
                let arguments = ["fleet", "shard", fleet, "--cluster", "one", "--reports", reports]
                let (code, _) = try await Program.run("aftershock", arguments, log: path, body)
                return (code, try String(contentsOfFile: path, encoding: .utf8))
            }

            try FileManager.default.createDirectory(atPath: "\(reports)/one/1", withIntermediateDirectories: true)
            let records = try JournalFollower.records(in: "\(reports)/one/1")
            let (code, _) = try await shard(log: "killed.log") { process in
                for await record in records {
                    guard case .faultInjected = record.event else { continue }
                    kill(process, SIGKILL)
                    return
                }
            }
            #expect(code == nil, "the signal has ended it")
            #expect(try await cluster.frozenProcesses() > 0)
            let gate = try await Program.run("aftershock", ["fleet", "gate", fleet, "--reports", reports])
            #expect(gate.exitCode == 1 && gate.output.contains("1 cluster has no result (one)"), "\(gate.output)")

            let (passed, log) = try await shard(log: "again.log")
            #expect(passed == 0, "\(log)")
            let lines = log.split(separator: "\n")
            let restoring = lines.firstIndex { $0.hasPrefix("one: restoring what \(reports)/one/1 has left") }
            let waiting = lines.firstIndex { $0.hasPrefix("one: waiting for azure-sql-edge in namespace sql") }
            #expect(try #require(restoring, "\(log)") < #require(waiting, "\(log)"))
            let killed = try Findings.judge(journalPath: "\(reports)/one/1/journal.ndjson")
            #expect(killed.state == .killed && killed.restored == true)

            let (done, said) = try await shard(log: "done.log")
            #expect(done == 0 && said == "one: done already, in \(reports)/one/2\n", "\(said)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(reports)/one").sorted() == ["1", "2"])

            try await expectOneRun(reports, in: cluster)
            try await cluster.expectUnchanged(since: before, "after a shard that was killed")
        }
    }

    private func write(fleetOn cluster: TestCluster) throws -> String {
        try Data(drill.yaml.utf8).write(to: URL(fileURLWithPath: "\(cluster.folder)/freeze.yaml"))
        let text = """
            apiVersion: aftershock/v1
            kind: Fleet
            metadata: {name: f}
            spec:
              clusters: [{name: one, kubeconfig: {file: "\(cluster.kubeconfig)"}}]
              experiments: [{files: [freeze.yaml]}]
              waves: [{name: all}]
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(cluster.folder)/fleet.yaml"))
        return "\(cluster.folder)/fleet.yaml"
    }

    /// The merged report has the second run alone, with as many rows as that run has acknowledged.
    private func expectOneRun(_ reports: String, in cluster: TestCluster) async throws {
        let merged = "\(cluster.folder)/merged"
        let merge = try await Program.run("aftershock", ["report", "merge", reports, "--to", merged])
        #expect(merge.exitCode == 0, "\(merge.output)\(merge.errors)")
        func read(_ path: String) throws -> JSONValue { try JSONValue(parsing: try Data(contentsOf: URL(fileURLWithPath: path))) }
        let runs = try #require(try read("\(merged)/results.json")["runs"]?.array)
        #expect(runs.count == 1 && runs.first?["folder"]?.string == "\(reports)/one/2")
        #expect(try runs.first?["results"]?["experiments"] == read("\(reports)/one/2/results.json")["experiments"])
        let rows = runs.first?["results"]?["experiments"]?[0]?["repeats"]?[0]?["ledger"]?["acknowledged"]?.integer
        #expect(try #require(rows) > 0)
        let junit = try JUnitDocument(Data(contentsOf: URL(fileURLWithPath: "\(merged)/junit.xml")))
        #expect(junit.suites.map { $0.attributes["name"] } == ["one/freeze"])
    }
}
