import Foundation
import JUnitReading
import Testing

/// A fault that does nothing, or less than it says, is never a pass.
@Suite(.serialized, .timeLimit(.minutes(10))) struct NoEffectTests {
    @Test func aFaultWithoutEffectIsInvalid() async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            for drill in [
                Drill(name: "idle-hook", fault: "nodeFailure: {inject: ['true'], undo: ['true'], noticedWithin: 3s}"),
                Drill(name: "idle-command", fault: "command: {inject: ['true'], undo: ['true'], probe: ['false']}"),
                Drill(name: "failing-hook", fault: "nodeFailure: {inject: ['false'], undo: ['true'], noticedWithin: 3s}"),
            ] {
                try await Self.expectInvalid(drill, cluster, before)
            }
        }
    }

    @Test func aTaintThatIsToleratedIsInvalid() async throws {
        try await TestCluster.with(manifest: Self.tolerating) { cluster in
            let before = try await ClusterState.of(cluster)
            try await Self.expectInvalid(Drill(name: "tolerated", fault: "nodeTaint: {}", giveUpAfter: "4s"), cluster, before)
        }
    }

    /// The deletion took effect, and that is all that did.
    @Test func aPodThatIsNotReplacedIsAFailure() async throws {
        try await TestCluster.with(flaws: ["never-rescheduled"]) { cluster in
            let run = try await Drill(name: "not-replaced", fault: "podDelete: {}", giveUpAfter: "5s").run(on: cluster)
            #expect(run.code == 1)
            #expect(try !JUnitDocument(run.file("junit.xml")).passes)
            #expect(try run.verdict == "fail")
        }
    }

    private static func expectInvalid(_ drill: Drill, _ cluster: TestCluster, _ before: ClusterState) async throws {
        let run = try await drill.run(on: cluster)
        let place: Comment = "\(drill.name)"
        #expect(run.code == 4, place)
        #expect(try run.verdict == "invalid", place)
        let junit = try JUnitDocument(run.file("junit.xml"))
        #expect(!junit.passes, place)
        #expect(junit.result("fault-took-effect")?.element == "error", place)
        try await cluster.settle()
        let changed = try await ClusterState.of(cluster).difference(from: before)
        #expect(changed.isEmpty, "\(drill.name): \(changed.joined(separator: "; "))")
    }

    private static func tolerating(_ manifest: String) -> String {
        let line = "      terminationGracePeriodSeconds: 30\n"
        return manifest.replacing(line, with: line + "      tolerations: [{operator: Exists}]\n")
    }
}

extension Drill.Ended {
    fileprivate var verdict: String? {
        get throws {
            (try JSONSerialization.jsonObject(with: file("results.json")) as? [String: Any])?["verdict"] as? String
        }
    }
}
