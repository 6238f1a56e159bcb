import Foundation
import JSON
import Kubernetes
import Programs
import Testing

/// A lost node with an operator's help, and several faults with one ledger.
@Suite(.serialized, .timeLimit(.minutes(10))) struct LastingFaultTests {
    /// Without help the volume stays with the lost node; with it another node gets it, and the report says how long each took.
    @Test(arguments: ["outOfService", "deleteNode"])
    func aRemedyIsMeasuredAndUndone(_ action: String) async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            func hook(_ action: String) -> String { "[aftershock, sandbox, node, \(action), '{node}']" }
            let drill = Drill(
                name: "remedy",
                fault: "nodeFailure: {inject: \(hook("poweroff")), undo: \(hook("start")), noticedWithin: 30s, "
                    + "remedy: {after: 10s, action: \(action)}}", giveUpAfter: "60s")
            let run = try await drill.run(on: cluster)
            #expect(run.code == 0, "\(run.log)")
            let found = try JSONValue(parsing: run.file("results.json"))["experiments"]?[0]?["repeats"]?[0]
            let remarks = found?["remarks"]?.array?.compactMap(\.string) ?? []
            #expect(
                remarks.contains { $0.contains("stuck for 1") && $0.contains("without a remedy; ") && $0.contains(" with it: ") },
                "\(remarks)")
            #expect(found?["restore"]?["complete"] == true)
            try await cluster.settle()
            #expect(try await ClusterState.of(cluster).difference(from: before) == [])
        }
    }

    /// Killed after its change a rollout is rolled back by `restore`; one that cannot start is rolled back by the run itself.
    @Test func rolloutsAreRolledBack() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await TestCluster.with { cluster in
                    let drill = Drill(name: "image", fault: "rollout: {image: 'mcr.microsoft.com/azure-sql-edge:1.0.7'}")
                    let run = try await drill.run(on: cluster, at: Step("faultInjected"))
                    #expect(run.wasStruck, "\(run.log)")
                    let restored = try await Program.run("aftershock", ["restore", "--run", run.folder] + cluster.access)
                    #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
                    try await Self.expectRolledBack(cluster, "a killed rollout")
                }
            }
            group.addTask {
                try await TestCluster.with { cluster in
                    let drill = Drill(name: "image", fault: "rollout: {image: registry.invalid/sql:2}", giveUpAfter: "6s")
                    let run = try await drill.run(on: cluster)
                    #expect(run.code == 1, "\(run.log)")
                    let found = try JSONValue(parsing: run.file("results.json"))["experiments"]?[0]?["repeats"]?[0]
                    #expect(found?["effect"]?["proven"] == true)
                    #expect(found?["restore"]?["complete"] == true)
                    #expect(found?["ledger"]?["lost"] == 0)
                    try await Self.expectRolledBack(cluster, "an image that cannot be pulled")
                }
            }
            try await group.waitForAll()
        }
    }

    /// A rollout there and back leaves two revisions more: nothing else may be another than before.
    private static func expectRolledBack(_ cluster: TestCluster, _ place: Comment) async throws {
        try await cluster.settle()
        let found = try await cluster.client.get(Deployment.self, "azure-sql-edge", in: TestCluster.namespace)
        #expect(found.spec.template.spec.containers.map(\.image) == ["mcr.microsoft.com/azure-sql-edge:latest"], place)
        #expect(try await cluster.client.list(Lease.self, in: .namespace(TestCluster.namespace)).items.isEmpty, place)
        #expect(try await cluster.ledgerTables() == [], place)
    }

    /// One ledger over two experiments of two repeats each: the last read-back knows every write of the run.
    @Test func oneLedgerAccountsForAllFaultsOfARun() async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            var files: [String] = []
            for (name, fault) in [("first", "podDelete: {gracePeriod: 0s}"), ("second", "processKill: {}")] {
                var yaml = Drill(name: name, fault: fault).yaml
                yaml = yaml.replacing("seedRows: 50", with: "seedRows: 50, keep: run") + "\n  repeat: 2\n  at: {within: 500ms}\n"
                files.append("\(cluster.folder)/\(name).yaml")
                try yaml.write(toFile: files[files.count - 1], atomically: true, encoding: .utf8)
            }
            let reports = cluster.folder + "/reports"
            let run = try await Program.run(
                "aftershock", ["run"] + files + ["--confirm-context", TestCluster.context, "--reports", reports] + cluster.access)
            let results = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: reports + "/results.json")))
            let ledgers = (results["experiments"]?.array ?? []).flatMap { $0["repeats"]?.array ?? [] }.compactMap { $0["ledger"] }
            #expect(ledgers.count == 4 && ledgers.allSatisfy { $0["lost"] == 0 }, "\(run.output)\(run.errors)")
            let counts = ledgers.compactMap { $0["acknowledged"]?.integer }
            #expect(counts == counts.sorted() && Set(counts).count == 4, "\(counts)")
            let journal = try String(contentsOfFile: reports + "/journal.ndjson", encoding: .utf8)
            let written = journal.split(separator: "\n").count { $0.contains("\"outcome\":\"acknowledged\"") }
            #expect(counts.last == Int64(written))
            try await cluster.expectUnchanged(since: before, "a run with one ledger")
        }
    }
}
