import Fault
import Foundation
import Glibc
import JSON
import JUnitReading
import Journal
import Kubernetes
import Programs
import Testing

/// The harness is killed in the middle of a fault, at one step after the other; `restore` undoes its changes every time.
///
/// A run struck by SIGKILL at an `undoIntent` may have sent its change or not: that is the point.
@Suite(.serialized, .timeLimit(.minutes(60))) struct KillAtEveryStepTests {
    private static let drills = [
        Drill(name: "drain", fault: "nodeDrain: {timeout: 30s}"),
        Drill(name: "container", fault: "containerKill: {helperImage: busybox}", undo: "deletePod"),
        Drill(name: "taint", fault: "nodeTaint: {}", undo: "removeTaint"),
        Drill(name: "freeze", fault: "processKill: {signal: STOP, resumeAfter: 1500ms}", undo: "continueProcess"),
    ]

    /// At every kind of record that a run writes, which an undisturbed one tells.
    @Test func aKilledHarnessLeavesAReportAndIsPutBack() async throws {
        try await Self.eachOnItsCluster { drill, cluster in
            let before = try await ClusterState.of(cluster)
            let rehearsal = try await drill.run(on: cluster)
            #expect(rehearsal.steps.contains(Step("undoResult")), "\(drill.name): \(rehearsal.log)")
            try await cluster.settle()
            for step in rehearsal.steps {
                let place: Comment = "\(drill.name), killed at \(step)"
                let run = try await drill.run(on: cluster, at: step)
                if !run.wasStruck, step.isTheClusters {
                    try await cluster.settle()
                    continue
                }
                #expect(run.wasStruck, place)
                // At its last record the run is over; its last report may be there, or the one before.
                if step != Step("runEnded") { try Self.expectNoPass(run, place) }

                let restored = try await Program.run("aftershock", ["restore", "--run", run.folder] + cluster.access)
                #expect(restored.exitCode == 0, "\(place): \(restored.output)\(restored.errors)")
                if step != Step("runEnded") { try Self.expectNoPass(run, place) }
                try await Self.expectNothingLeft(of: run, on: cluster, before, place)
            }
        }
    }

    @Test func anInterruptedHarnessPutsBackAndReports() async throws {
        try await Self.eachOnItsCluster { drill, cluster in
            let before = try await ClusterState.of(cluster)
            for (signal, code) in [(SIGINT, Int32(130)), (SIGTERM, 143)] {
                for step in ["undoIntent \(drill.undo)", "stage recovering"].map(Step.init) {
                    let place: Comment = "\(drill.name), signal \(signal) at \(step)"
                    let run = try await drill.run(on: cluster, at: step) { process, _ in kill(process, signal) }
                    #expect(run.code == code, "\(place): \(run.log)")
                    try Self.expectNoPass(run, place)
                    let results = try #require(JSONSerialization.jsonObject(with: run.file("results.json")) as? [String: Any])
                    #expect(results["exitCode"] as? Int == Int(code), place)
                    #expect(results["restored"] as? Bool == true, place)
                    try await Self.expectNothingLeft(of: run, on: cluster, before, place)
                }
            }
        }
    }

    /// The journal is gone with the machine that it was on: the marks in the cluster are enough.
    @Test func withoutAJournalTheMarksAreEnough() async throws {
        try await Self.eachOnItsCluster { drill, cluster in
            let before = try await ClusterState.of(cluster)
            let place: Comment = "\(drill.name), restored from its mark"
            let run = try await drill.run(on: cluster, at: Step("faultInjected"))
            try FileManager.default.removeItem(atPath: run.folder)
            let restored = try await Program.run("aftershock", ["restore", "--all"] + cluster.access)
            #expect(restored.exitCode == 0, "\(place): \(restored.output)\(restored.errors)")
            #expect(restored.output.contains("√"), place)
            try await cluster.expectUnchanged(since: before, place)
        }
    }

    @Test func anAdministratorsCordonStays() async throws {
        try await TestCluster.with { cluster in
            let node = try #require(try await cluster.pod().spec.nodeName)
            try await cluster.client.patch(Node.self, node, .merge(["spec": ["unschedulable": true]]))
            let before = try await ClusterState.of(cluster)
            let run = try await Self.drills[0].run(on: cluster, at: Step("faultInjected"))
            for arguments in [["--run", run.folder], ["--all"]] {
                let restored = try await Program.run("aftershock", ["restore"] + arguments + cluster.access)
                #expect(restored.exitCode == 0, "\(restored.output)\(restored.errors)")
                #expect(try await cluster.client.get(Node.self, node).isCordoned)
            }
            try await cluster.expectUnchanged(since: before, "a node that was cordoned before")
        }
    }

    // MARK: What is expected

    /// Each drill has a cluster of its own, so that they need not wait for each other.
    private static func eachOnItsCluster(_ body: @Sendable @escaping (Drill, TestCluster) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for drill in drills {
                group.addTask { try await TestCluster.with { try await body(drill, $0) } }
            }
            try await group.waitForAll()
        }
    }

    private static func expectNoPass(_ run: Drill.Ended, _ place: Comment) throws {
        let junit = try run.file("junit.xml")
        #expect(JUnitSchema.problems(of: junit) == "", place)
        #expect(try !JUnitDocument(junit).passes, place)
    }

    private static func expectNothingLeft(
        of run: Drill.Ended, on cluster: TestCluster, _ before: ClusterState, _ place: Comment
    ) async throws {
        let again = try await Program.run("aftershock", ["restore", "--run", run.folder] + cluster.access)
        #expect(again.output == "nothing is left to restore\n", place)
        try await cluster.expectUnchanged(since: before, place)
    }
}
