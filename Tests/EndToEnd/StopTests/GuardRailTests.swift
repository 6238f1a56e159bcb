import Foundation
import Glibc
import JSON
import JUnitReading
import Kubernetes
import Programs
import Testing

/// The refusals before anything is touched, with exit code 5 and a report that does not pass.
@Suite(.serialized, .timeLimit(.minutes(5))) struct GuardRailTests {
    private static let deletion = Drill(name: "deletion", fault: "podDelete: {}")
    private static let taint = Drill(name: "taint", fault: "nodeTaint: {}")

    @Test func aContextThatNobodyConfirmed() async throws {
        try await TestCluster.with { cluster in
            try await Self.expectRefusal(Self.deletion, cluster, confirming: nil, "neither named in the experiment nor confirmed")
            try await Self.expectRefusal(Self.deletion, cluster, confirming: "elsewhere", "--confirm-context says 'elsewhere'")
        }
    }

    @Test func aTargetThatIsOutOfBounds() async throws {
        try await TestCluster.with { cluster in
            try await Self.expectRefusal(Self.deletion, cluster, "kube-system is a system namespace") {
                $0.replacing("namespace: sql", with: "namespace: kube-system")
            }
            try await Self.expectRefusal(Self.deletion, cluster, "no-such-server") {
                $0.replacing("deployment/azure-sql-edge", with: "deployment/no-such-server")
            }
            let kill = Drill(name: "kill", fault: "processKill: {process: nosuchserver}")
            try await Self.expectRefusal(kill, cluster, "no process is called 'nosuchserver'")
            let helper = Drill(name: "helper", fault: "containerKill: {helperNamespace: nowhere}")
            try await Self.expectRefusal(helper, cluster, "the helper pod may not be created in namespace nowhere")
        }
        try await TestCluster.with(manifest: {
            $0.replacing("persistentVolumeClaim:\n            claimName: mssql-data", with: "emptyDir: {}")
        }) {
            try await Self.expectRefusal(Self.deletion, $0, "mounts no PersistentVolumeClaim")
        }
    }

    @Test func aNodeThatNoOtherCanStandInFor() async throws {
        try await TestCluster.with { cluster in
            let node = try #require(try await cluster.pod().spec.nodeName)
            let label = "node-role.kubernetes.io/control-plane"
            try await cluster.client.patch(Node.self, node, .merge(["metadata": ["labels": [label: ""]]]))
            try await Self.expectRefusal(Self.taint, cluster, "the pod is on the control-plane node \(node)")
            try await cluster.client.patch(Node.self, node, .merge(["metadata": ["labels": [label: nil]]]))
            for other in try await cluster.client.list(Node.self, in: .all).items where other.metadata.name != node {
                try await cluster.client.patch(Node.self, other.metadata.name, .merge(["spec": ["unschedulable": true]]))
            }
            try await Self.expectRefusal(Self.taint, cluster, "\(node) is the only schedulable node")
        }
    }

    /// Who interrupts a check learns that, and not that the check has failed.
    @Test func anInterruptedPreflightIsNoFailedOne() async throws {
        try await TestCluster.with { cluster in
            let before = try await ClusterState.of(cluster)
            for (signal, code) in [(SIGINT, Int32(130)), (SIGTERM, 143), (SIGHUP, 129)] {
                let run = try await Self.taint.run(on: cluster, at: Step("experimentStarted")) { process, _ in kill(process, signal) }
                #expect(run.code == code, "\(run.log)")
                #expect(!run.steps.contains(Step("repeatStarted")), "\(run.log)")
                let junit = try run.file("junit.xml")
                #expect(JUnitSchema.problems(of: junit) == "")
                #expect(try !JUnitDocument(junit).passes)
                try await cluster.expectUnchanged(since: before, "signal \(signal)")
            }
        }
    }

    @Test func aTargetThatAnotherRunIsAt() async throws {
        try await TestCluster.with { cluster in
            let node = try #require(try await cluster.pod().spec.nodeName)
            let mark =
                #"{"runID":"0badcafe","intent":{"id":1,"kind":"uncordonNode","summary":"uncordon","parameters":{"node":"\#(node)"}}}"#
            try await cluster.client.patch(
                Node.self, node, .merge(["metadata": ["annotations": ["aftershock/undo": .string(mark)]]]))
            try await Self.expectRefusal(Self.taint, cluster, "aftershock restore --run-id 0badcafe")
            try await cluster.client.patch(Node.self, node, .merge(["metadata": ["annotations": ["aftershock/undo": nil]]]))

            let now = ISO8601DateFormatter().string(from: Date()).replacing("Z", with: ".000000Z")
            _ = try await cluster.client.create(
                Lease.self,
                [
                    "metadata": ["name": "aftershock-azure-sql-edge"],
                    "spec": ["holderIdentity": "0badcafe", "leaseDurationSeconds": 600, "renewTime": .string(now)],
                ], in: TestCluster.namespace)
            try await Self.expectRefusal(Self.deletion, cluster, "run 0badcafe is working on this target")
        }
    }

    /// - Parameter change: makes the drill's file another one.
    private static func expectRefusal(
        _ drill: Drill, _ cluster: TestCluster, confirming context: String? = TestCluster.context, _ words: String,
        _ change: (String) -> String = { $0 }
    ) async throws {
        let before = try await ClusterState.of(cluster)
        let folder = "\(cluster.folder)/refused-\(UUID().uuidString)"
        let file = folder + ".yaml"
        try change(drill.yaml).write(toFile: file, atomically: true, encoding: .utf8)
        let confirmation = context.map { ["--confirm-context", $0] } ?? []
        let run = try await Program.run("aftershock", ["run", file, "--reports", folder] + confirmation + cluster.access)
        #expect(run.exitCode == 5, "\(words): \(run.output)\(run.errors)")
        #expect((run.output + run.errors).contains(words), "\(run.output)\(run.errors)")
        #expect(try !JUnitDocument(Data(contentsOf: URL(fileURLWithPath: folder + "/junit.xml"))).passes)
        let changed = try await ClusterState.of(cluster).difference(from: before)
        #expect(changed.isEmpty, "\(words): \(changed.joined(separator: "; "))")
    }
}
