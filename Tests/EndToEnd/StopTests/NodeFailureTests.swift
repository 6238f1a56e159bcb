import Foundation
import JSON
import Programs
import Testing

/// A node is lost and its disk with it: nothing recovers, the report says why, and the node is brought back whatever becomes of the run.
@Suite(.serialized, .timeLimit(.minutes(10))) struct NodeFailureTests {
    private static func drill(_ inject: String, _ undo: String) -> Drill {
        func hook(_ action: String) -> String { "[aftershock, sandbox, node, \(action), '{node}']" }
        return Drill(
            name: "node-\(inject)", fault: "nodeFailure: {inject: \(hook(inject)), undo: \(hook(undo)), noticedWithin: 30s}",
            giveUpAfter: "8s")
    }

    @Test(arguments: [("poweroff", "start"), ("cut", "heal")])
    func theReportSaysWhoHasTheVolume(_ inject: String, _ undo: String) async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            let run = try await Self.drill(inject, undo).run(on: cluster)
            #expect(run.code == 1, "\(run.log)")
            let results = try JSONValue(parsing: run.file("results.json"))
            let found = results["experiments"]?[0]?["repeats"]?[0]
            #expect(found?["effect"]?["proven"] == true)
            #expect(found?["restore"]?["complete"] == true)
            let loss = found?["nodeLoss"]
            #expect(loss?["ready"] == "Unknown")
            #expect(loss?["oldPod"]?["state"] == "terminating")
            #expect(loss?["outOfService"] == false)
            #expect(loss?["attachments"]?[0]?["node"] == loss?["node"])
            #expect(loss?["multiAttach"]?[0]?["message"]?.string?.contains("Multi-Attach error") == true)
            for file in ["summary.md", "report.html"] {
                #expect(String(decoding: try run.file(file), as: UTF8.self).contains("Multi-Attach error"), "\(file)")
            }
            try await cluster.settle()
            #expect(try await ClusterState.of(cluster).difference(from: before) == [])
        }
    }

    @Test func aKilledHarnessHasItsNodeStartedByRestore() async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            let run = try await Self.drill("poweroff", "start").run(on: cluster, at: Step("faultEffect"))
            let restored = try await Program.run("aftershock", ["restore", "--run", run.folder, "--run-commands"] + cluster.access)
            #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
            try await cluster.settle()
            #expect(try await ClusterState.of(cluster).difference(from: before) == [])
        }
    }

    /// The old pod of one experiment may still be there when the next one begins.
    @Test func theNextExperimentWaitsUntilTheTargetIsQuiet() async throws {
        try await TestCluster.with { cluster in
            var files: [String] = []
            for drill in [Self.drill("cut", "heal"), Drill(name: "next", fault: "podDelete: {}")] {
                files.append("\(cluster.folder)/\(drill.name).yaml")
                try drill.yaml.write(toFile: files[files.count - 1], atomically: true, encoding: .utf8)
            }
            let reports = cluster.folder + "/reports"
            let run = try await Program.run(
                "aftershock", ["run"] + files + ["--confirm-context", TestCluster.context, "--reports", reports] + cluster.access)
            let results = try JSONValue(parsing: Data(contentsOf: URL(fileURLWithPath: reports + "/results.json")))
            #expect(results["experiments"]?.array?.map { $0["verdict"]?.string } == ["fail", "pass"], "\(run.output)\(run.errors)")
        }
    }
}
