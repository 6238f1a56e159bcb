import Programs
import Testing

/// Each request of kubectl to the sandbox either works or is answered with a clear sentence; kubectl never panics, hangs or is cut off.
/// With each kubectl that there is: Debian's, the one in `PATH`, and the newest.
@Suite(.serialized, .timeLimit(.minutes(5))) struct KubectlCommandTests {
    @Test func everyCommandWorksOrIsAnsweredClearly() async throws {
        let programs = try await KubectlProgram.all()
        try #require(!programs.isEmpty, "kubectl is not installed")
        try await TestSandbox.with { sandbox in
            _ = try sandbox.write(Self.config("1"), as: "config.yaml")
            _ = try sandbox.write(Self.config("2"), as: "changed.yaml")
            _ = try sandbox.write(Self.job, as: "job.yaml")
            for kubectl in programs {
                let namespace = "with-\(kubectl.minor)"
                _ = try sandbox.write(Self.role(namespace), as: "role.yaml")
                try await sandbox.apply(Self.workloads.replacing("NAMESPACE", with: namespace))
                let ready = try await sandbox.kubectl(["rollout", "status", "-n", namespace, "daemonset/ds", "--timeout=60s"])
                try #require(ready.exitCode == 0, "\(ready.errors)")
                for row in KubectlRow.table where row.since <= kubectl.minor {
                    try await Self.check(row, kubectl, namespace, sandbox)
                }
            }
        }
    }

    private static func check(
        _ row: KubectlRow, _ kubectl: KubectlProgram, _ namespace: String, _ sandbox: TestSandbox
    ) async throws {
        let answer = try await Program.runSystem(
            "timeout", ["60", "bash", "-c", "\"$0\" -n \"$N\" \(row.command) 2>&1 </dev/null", kubectl.path],
            environment: [
                "KUBECONFIG": sandbox.kubeconfig, "HOME": "\(sandbox.folder)/\(namespace)", "N": namespace, "F": sandbox.folder,
            ])
        let (code, words) = row.before.flatMap { kubectl.minor < $0.until ? ($0.code, $0.words) : nil } ?? (row.code, row.words)
        let place: Comment = "kubectl 1.\(kubectl.minor) \(row.command): \(answer.exitCode)\n\(answer.output.prefix(600))"
        #expect(answer.exitCode == code, place)
        #expect(words.isEmpty || answer.output.contains(words), place)
        for fault in ["panic", "goroutine", "unexpected EOF", "connection reset", "broken pipe"] {
            #expect(!answer.output.contains(fault), place)
        }
    }

    private static func config(_ value: String) -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: ssa}
        data: {a: "\(value)"}
        """
    }

    private static let job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: j}
        spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox, command: ["true"]}]}}}
        """

    private static func role(_ namespace: String) -> String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reconciled, namespace: \(namespace)}
        rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
        """
    }

    private static let workloads =
        """
        apiVersion: v1
        kind: Namespace
        metadata: {name: NAMESPACE}
        ---
        \(workload("Deployment", "web", "replicas: 1"))
        ---
        \(workload("StatefulSet", "db", "serviceName: db"))
        ---
        \(workload("DaemonSet", "ds", "minReadySeconds: 0"))
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: NAMESPACE}
        spec: {selector: {app: web}, ports: [{port: 80}]}
        """

    private static func workload(_ kind: String, _ name: String, _ more: String) -> String {
        """
        apiVersion: apps/v1
        kind: \(kind)
        metadata: {name: \(name), namespace: NAMESPACE}
        spec:
          \(more)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
                - name: c
                  image: busybox
                  command: [sh, -c, "trap 'exit 0' TERM; echo up; while true; do sleep 0.5; done"]
                  ports: [{containerPort: 80}]
        """
    }
}
