import Checkout
import Foundation
import JSON
import Programs
import Testing

/// Each experiment of the library runs with what `aftershock rbac` prints for it, and nothing more; pods of another namespace are on
/// every node.
@Suite(.serialized, .timeLimit(.minutes(8))) struct RoleTests {
    private static let library = Checkout.root.appendingPathComponent("experiments")

    /// The embedded cluster has neither networks nor limits of its own, nor disks: it refuses these in the preflight.
    private static let refused: Set = ["disk-full.yaml", "memory-exhaust.yaml", "network-cut.yaml", "network-delay.yaml"]

    /// Its client needs packages that are not there, and the rights of another experiment's fault.
    private static let notRun = "own-client.yaml"

    @Test func theGrantIsEnough() async throws {
        let target = try String(contentsOf: Self.library.appendingPathComponent("targets/azure-sql-edge.yaml"), encoding: .utf8)
        try await TestSandbox.with(manifests: [target, Self.neighbours]) { sandbox in
            try await sandbox.ready(["sql"])
            let started = try await sandbox.kubectl(["rollout", "status", "-n", "neighbour", "deployment/web", "--timeout=60s"])
            #expect(started.exitCode == 0, "\(started.errors)")
            let files = try FileManager.default.contentsOfDirectory(atPath: Self.library.path).sorted()
                .filter { $0.hasSuffix(".yaml") && $0 != Self.notRun }
            #expect(files.count > 10)
            var grants: Set<String> = []
            for name in files {
                let text = try String(contentsOf: Self.library.appendingPathComponent(name), encoding: .utf8)
                // The hooks are somebody else's programs: their rights are no business of the harness.
                let experiment = Self.hurried(text).replacing("[kubectl, ", with: "[kubectl, --kubeconfig, \(sandbox.kubeconfig), ")
                    .replacing(#""{node}"]"#, with: #""{node}", --kubeconfig, \#(sandbox.kubeconfig)]"#)
                let manifest = try await sandbox.grant(for: experiment, as: name)
                // Some differ in no more than a signal or a grace period.
                guard grants.insert(manifest).inserted else { continue }
                let granted = try await sandbox.account(with: manifest)
                let run = try await sandbox.run([experiment], ["--kubeconfig", granted, "--repeat", "1"])
                if Self.refused.contains(name) {
                    #expect(run.code == 5 && !run.log.contains("forbidden"), "\(name): \(run.log)")
                    continue
                }
                // The disk of a node without power is lost with it, so that nothing recovers.
                #expect(run.code == (text.contains("nodeFailure:") ? 1 : 0), "\(name): \(run.log)")
                #expect(try run.firstRepeat?["effect"]?["proven"] == true || name == "control.yaml", "\(name)")
                #expect(try run.firstRepeat?["restore"]?["complete"] == true, "\(name)")
                try await sandbox.ready(["sql"])
            }
        }
    }

    /// The library's experiments take their time to be worth something; what is asked here is who may do what.
    private static func hurried(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines.removeAll { line in ["steadyFor:", "stableFor:", "ledger:"].contains { line.hasPrefix("  \($0)") } }
        var hurried = lines.joined(separator: "\n")
        // Nothing recovers from a lost disk, however long one waits.
        if text.contains("nodeFailure:") {
            for limit in ["giveUpAfter:", "recoveredWithin:", "max:"] { hurried = hurried.replacing("\(limit) 60s", with: "\(limit) 8s") }
        }
        return hurried + "\n  steadyFor: 1s\n  stableFor: 1s\n  ledger: {writers: 1, seedRows: 50}\n"
    }

    private static let neighbours = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: neighbour}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: neighbour}
        spec:
          replicas: 6
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              terminationGracePeriodSeconds: 1
              containers: [{name: c, image: busybox, command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.5; done"]}]
        """
}

extension TestSandbox {
    /// The output of `aftershock rbac` for an experiment.
    fileprivate func grant(for experiment: String, as name: String) async throws -> String {
        let file = try write(experiment, as: name)
        let manifest = try await Program.run("aftershock", ["rbac", file, "--namespace", "granted"])
        try #require(manifest.exitCode == 0, "\(name): \(manifest.errors)")
        return manifest.output
    }

    /// The kubeconfig of a ServiceAccount that has what the manifest grants, and nothing else.
    fileprivate func account(with manifest: String) async throws -> String {
        // The grant of the experiment before is taken away.
        for kind in ["rolebindings", "clusterrolebindings"] {
            _ = try await kubectl(["delete", kind, "-A", "--ignore-not-found", "--field-selector", "metadata.name=aftershock"])
        }
        _ = try await kubectl(["create", "namespace", "granted"])
        try await apply(manifest)
        let token = try await kubectl(["create", "token", "aftershock", "-n", "granted"])
        try #require(token.exitCode == 0, "\(token.errors)")
        let granted = try write(String(contentsOfFile: kubeconfig, encoding: .utf8), as: "granted.kubeconfig")
        func configure(_ arguments: [String]) async throws {
            let changed = try await Program.runSystem("kubectl", ["config", "--kubeconfig", granted] + arguments)
            try #require(changed.exitCode == 0, "\(changed.errors)")
        }
        try await configure(["set-credentials", "account", "--token", token.output.trimmingCharacters(in: .whitespacesAndNewlines)])
        try await configure(["set-context", "--current", "--user", "account"])
        return granted
    }
}
