import Programs
import Testing

/// Servers as people deploy them: each manifest applies, becomes ready, and passes.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ManifestTests {
    @Test func everyShapeIsATarget() async throws {
        let shapes = Shape.targetable + [.withoutClaim]
        try await TestSandbox.with(manifests: shapes.map(\.manifest) + [Self.others]) { sandbox in
            try await sandbox.ready(shapes.map(\.name))
            _ = try await sandbox.kubectl(["delete", "pod", "held", "-n", "others", "--wait=false"])

            let plan = try await sandbox.plan(Shape.exporterFirst.experiment("processKill: {}"))
            #expect(plan.output.contains("container engine of pod"), "\(plan.output)\(plan.errors)")
            let shared = try await sandbox.plan(Shape.twoServices.experiment())
            #expect(
                shared.output.contains("two servers have the claim files open at the same time")
                    && !shared.output.contains("ReadWriteOnce"),
                "\(shared.output)")

            // Both are checked before either is touched.
            let before = try await sandbox.value(".items[*].metadata.uid", of: "pods", in: Shape.fileGroup.name)
            let refused = try await sandbox.run([Shape.fileGroup.experiment(), Shape.withoutClaim.experiment("processKill: {}")])
            #expect(refused.code == 5, "\(refused.log)")
            #expect(refused.log.contains("mounts no PersistentVolumeClaim"), "\(refused.log)")
            #expect(try await sandbox.value(".items[*].metadata.uid", of: "pods", in: Shape.fileGroup.name) == before)

            let run = try await sandbox.run(Shape.targetable.map { $0.experiment() })
            #expect(run.code == 0, "\(run.log)")
            #expect(try run.verdicts == Shape.targetable.map { _ in "pass" })

            // Meanwhile the others have had their time.
            #expect(try await sandbox.value(".status.conditions[?(@.type==\"Ready\")].status", of: "pod/slow", in: "others") == "True")
            for pod in ["pod/slow", "pod/held"] {
                let restarts = try await sandbox.value(".status.containerStatuses[0].restartCount", of: pod, in: "others")
                #expect(restarts == "0", "\(pod)")
            }
            let pods = try await sandbox.kubectl(["get", "pods", "-n", "others"]).output
            #expect(pods.split(separator: "\n").contains { $0.contains("held") && $0.contains("Terminating") }, "\(pods)")
        }
    }

    /// A pod whose startup probe lets it take a minute, in a cluster with fast timings too, and one whose finalizer keeps it.
    private static let others = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: others}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: slow, namespace: others}
        spec:
          containers:
            - name: c
              image: busybox
              command: [sh, -c, "trap 'exit 0' TERM; sleep 20; touch /tmp/up; while true; do sleep 0.5; done"]
              startupProbe: {exec: {command: [test, -f, /tmp/up]}, periodSeconds: 10, failureThreshold: 6}
              livenessProbe: {exec: {command: [test, -f, /tmp/up]}, periodSeconds: 10}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: held, namespace: others, finalizers: [example.com/kept]}
        spec:
          containers: [{name: c, image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.2; done"]}]
        """
}
