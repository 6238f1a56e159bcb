import JSON
import Programs
import Testing

/// Faults on targets that are unlike the library's.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TargetTests {
    /// Where containers share a PID namespace, the container's init is not PID 1.
    @Test func aContainerThatSharesItsProcesses() async throws {
        let shape = Shape(
            name: "shared-processes", workload: "deployment/db",
            objects: Shape.exporterFirst.objects.replacing(
                "      securityContext: {fsGroup", with: "      shareProcessNamespace: true\n      securityContext: {fsGroup"))
        try await TestSandbox.with(manifests: [shape.manifest]) { sandbox in
            try await sandbox.ready([shape.name])
            let run = try await sandbox.run([shape.experiment("containerKill: {}")])
            #expect(run.code == 0, "\(run.log)")
            let statuses = ".items[0].status.containerStatuses"
            func restarts(_ container: String) async throws -> String {
                try await sandbox.value("\(statuses)[?(@.name==\"\(container)\")].restartCount", of: "pods", in: shape.name)
            }
            #expect(try await restarts("engine") == "1")
            #expect(try await restarts("exporter") == "0")

            // The run ends as soon as the kubelet tells the reason, and does not wait for the deadline.
            let unknown = try await sandbox.run([shape.experiment("containerKill: {helperImage: 'registry.invalid/none:1'}")])
            #expect(unknown.code == 4, "\(unknown.log)")
            #expect(unknown.log.contains("cannot start on node") && unknown.log.contains("ErrImagePull"), "\(unknown.log)")
            #expect(try await sandbox.kubectl(["get", "pods", "-n", shape.name, "-o", "name"]).output.split(separator: "\n").count == 1)
        }
    }

    /// The pod returns under its name.
    @Test func aCommandOnAStatefulSet() async throws {
        let shape = Shape.ordinalService
        try await TestSandbox.with(manifests: [shape.manifest]) { sandbox in
            try await sandbox.ready([shape.name])
            let rollout = "[kubectl, --namespace, '{namespace}', rollout"
            let fault = """
                command: {inject: \(rollout), restart, '{workload}'], probe: \(rollout), status, '{workload}', --timeout=60s], timeout: 70s}
                """
            let run = try await sandbox.run([shape.experiment(fault)])
            #expect(run.code == 0, "\(run.log)")
            #expect(try run.firstRepeat?["effect"]?["proven"] == true)
        }
    }

    /// A launcher and its server have one name: which of them is hit is said before and after.
    @Test func aChildOfTheSameName() async throws {
        let shape = Shape.fileGroup
        try await TestSandbox.with(manifests: [shape.manifest]) { sandbox in
            try await sandbox.ready([shape.name])
            let experiment = shape.experiment("processKill: {process: sqlservr}")
            let plan = try await sandbox.plan(experiment)
            #expect(plan.exitCode == 0 && plan.output.contains("2 processes have that name"), "\(plan.output)\(plan.errors)")
            let run = try await sandbox.run([experiment])
            #expect(run.code == 0, "\(run.log)")
            let evidence = try run.firstRepeat?["effect"]?["evidence"]?.array?.compactMap(\.string) ?? []
            #expect(evidence.contains { $0.contains("of the same name") }, "\(evidence)")
        }
    }
}
