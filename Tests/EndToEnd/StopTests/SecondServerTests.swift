import Foundation
import JUnitReading
import Kubernetes
import Programs
import Testing

/// Clients reach what the Service leads to: more than one server there is refused before anything is touched, and found in mid run.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SecondServerTests {
    @Test func aSecondServerBehindTheAddress() async throws {
        try await TestCluster.with(manifest: Self.twoServers) { cluster in
            // The fault starts the second one.
            let scale = "[kubectl, --namespace, sql, scale, deployment/other, --replicas=1]"
            let drill = Drill(
                name: "second", fault: "command: {inject: \(scale), probe: [kubectl, --namespace, sql, rollout, status, deployment/other]}")
            let late = try await drill.run(on: cluster)
            #expect(late.code == 4, "\(late.log)")
            let results = String(decoding: try late.file("results.json"), as: UTF8.self)
            #expect(results.contains("the Service led to several servers"))
            let junit = try JUnitDocument(late.file("junit.xml"))
            #expect(junit.result("data-persistence")?.element == "error")

            // Now it is there from the start.
            let early = try await Drill(name: "both", fault: "podDelete: {}").run(on: cluster)
            #expect(early.code == 5, "\(early.log)")
            #expect(early.log.contains("leads to 2 ready servers: pod azure-sql-edge-"), "\(early.log)")
            #expect(early.log.contains("pod other-"), "\(early.log)")
        }
    }

    @Test func theContainerIsTheOneWithTheTargetPort() async throws {
        try await TestCluster.with(manifest: Self.sidecarFirst) { cluster in
            let plan = try await Self.plan("processKill: {}", cluster)
            #expect(plan.contains("container azure-sql-edge of pod"), "\(plan)")
            #expect(plan.contains("of the same name; 2 processes have that name"), "\(plan)")
            // The owner of the pods need be no Deployment.
            let owner = try #require(try await cluster.pod().metadata.controller?.name)
            let owned = try await Self.plan("processKill: {}", cluster) {
                $0.replacing("deployment/azure-sql-edge", with: "replicaset/\(owner)")
            }
            #expect(owned.contains("√ workload: replicaset/\(owner)"), "\(owned)")
            #expect(owned.contains("1. hold Lease sql/aftershock-\(owner)"), "\(owned)")
        }
    }

    private static func plan(_ fault: String, _ cluster: TestCluster, _ change: (String) -> String = { $0 }) async throws -> String {
        let file = "\(cluster.folder)/plan-\(UUID().uuidString).yaml"
        try change(Drill(name: "plan", fault: fault).yaml).write(toFile: file, atomically: true, encoding: .utf8)
        let plan = try await Program.run("aftershock", ["plan", file, "--confirm-context", TestCluster.context] + cluster.access)
        #expect(plan.exitCode == 0, "\(plan.output)\(plan.errors)")
        return plan.output
    }

    /// Adds a second Deployment behind the same Service, without a pod at first.
    private static func twoServers(_ manifest: String) -> String {
        let shared = manifest.replacing(
            "        app: azure-sql-edge\n    spec:", with: "        app: azure-sql-edge\n        tier: db\n    spec:"
        )
        .replacing("  selector:\n    app: azure-sql-edge\n", with: "  selector:\n    tier: db\n")
        let documents = shared.split(separator: "\n---\n").map(String.init)
        let others = documents.filter { $0.contains("kind: Deployment") || $0.contains("kind: PersistentVolumeClaim") }.map {
            $0.replacing("azure-sql-edge\n", with: "other\n").replacing("mssql-data", with: "other-data")
                .replacing("replicas: 1", with: "replicas: 0")
        }
        return (documents + others).joined(separator: "\n---\n")
    }

    private static func sidecarFirst(_ manifest: String) -> String {
        let containers = "      containers:\n"
        return manifest.replacing(
            containers,
            with: containers + "        - {name: shipper, image: busybox, command: [sh, -c, 'while true; do sleep 5; done']}\n")
    }
}
