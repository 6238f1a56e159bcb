import Checkout
import Foundation
import JSON
import JUnitReading
import Programs
import Testing

/// A run that the cluster's policies forbid is refused before anything is touched, with the API server's reason and the next step.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RehearsalTests {
    private struct Policy: Sendable {
        let name: String
        /// In the target's namespace, applied and taken away again.
        var object: String?
        /// Of the namespace.
        var label: String?
        var fault = "containerKill: {}"
        /// Words of the refusal.
        let words: [String]
    }

    private static let policies = [
        Policy(
            name: "a quota of pods", object: quota(#"{pods: "1"}"#),
            words: ["exceeded quota: limit", "pods=1", "helperNamespace"]),
        Policy(
            name: "a quota that wants limits", object: quota(#"{limits.memory: 16Gi}"#),
            words: ["must specify limits.memory", "helperNamespace"]),
        Policy(
            name: "a limit range",
            object: """
                apiVersion: v1
                kind: LimitRange
                metadata: {name: limit, namespace: file-group}
                spec: {limits: [{type: Container, default: {memory: 64Mi}, min: {memory: 100Mi}}]}
                """,
            words: ["minimum memory usage per Container is 100Mi", "helperNamespace"]),
        Policy(
            name: "baseline", label: "pod-security.kubernetes.io/enforce=baseline",
            words: [#"violates PodSecurity "baseline:latest""#, "hostPID=true", "helperNamespace"]),
        Policy(
            name: "restricted", label: "pod-security.kubernetes.io/enforce=restricted",
            words: [#"violates PodSecurity "restricted:latest""#, "privileged", "helperNamespace"]),
        Policy(
            name: "a policy that denies Leases", object: leases, fault: "podDelete: {}",
            words: ["no leases here", "ValidatingAdmissionPolicy 'no-leases'"]),
        Policy(
            name: "a quota of Leases", object: quota(#"{count/leases.coordination.k8s.io: "0"}"#), fault: "podDelete: {}",
            words: ["exceeded quota: limit", "count/leases.coordination.k8s.io=0"]),
    ]

    /// The pod of the job that runs Aftershock every night, where everybody has to give up his powers.
    @Test func theNightlyPodMayRunInARestrictedNamespace() async throws {
        let file = Checkout.root.appendingPathComponent("ci/in-cluster/cronjob.yaml")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "      template:")) + 1
        let pod = lines[start...].prefix { $0.hasPrefix("        ") }.map { $0.dropFirst(8) }.joined(separator: "\n")
        let manifest = "apiVersion: v1\nkind: Pod\n\(pod)\n"
            .replacing("metadata:\n", with: "metadata:\n  name: nightly\n", maxReplacements: 1)
            .replacing("serviceAccountName: aftershock", with: "serviceAccountName: default")
        try await TestSandbox.with { sandbox in
            _ = try await sandbox.kubectl(["create", "namespace", "restricted"])
            _ = try await sandbox.kubectl(["label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted"])
            let arguments = ["create", "--dry-run=server", "-n", "restricted", "-f", "-"]
            let taken = try await sandbox.kubectl(arguments, input: manifest)
            #expect(taken.exitCode == 0, "\(taken.errors)")
            let refused = try await sandbox.kubectl(arguments, input: manifest.replacing("drop: [ALL]", with: "drop: []"))
            #expect(refused.errors.contains("violates PodSecurity"), "\(refused.errors)")
        }
    }

    @Test func aPolicyThatForbidsWhatTheRunWouldDo() async throws {
        let shape = Shape.fileGroup
        try await TestSandbox.with(manifests: [shape.manifest]) { sandbox in
            try await sandbox.ready([shape.name])
            let pod = try await sandbox.value(".items[*].metadata.uid", of: "pods", in: shape.name)
            for policy in Self.policies {
                if let label = policy.label { _ = try await sandbox.kubectl(["label", "namespace", shape.name, label]) }
                if let object = policy.object { try await sandbox.apply(object) }
                let run = try await sandbox.run([shape.experiment(policy.fault)])
                #expect(run.code == 5, "\(policy.name): \(run.log)")
                for words in policy.words { #expect(run.log.contains(words), "\(policy.name): \(run.log)") }
                #expect(try run.junit.result("preflight")?.element == "error", "\(policy.name)")
                let left = try await sandbox.kubectl(["get", "pods,leases", "-n", shape.name, "-o", "jsonpath={.items[*].metadata.uid}"])
                #expect(left.output == pod, "\(policy.name): \(left.output)")
                if let label = policy.label {
                    let key = label.split(separator: "=")[0]
                    _ = try await sandbox.kubectl(["label", "namespace", shape.name, "\(key)-"])
                }
                if let object = policy.object { _ = try await sandbox.kubectl(["delete", "-f", "-"], input: object) }
            }
            // Its next step is one.
            _ = try await sandbox.kubectl(["label", "namespace", shape.name, "pod-security.kubernetes.io/enforce=baseline"])
            let elsewhere = try await sandbox.run([shape.experiment("containerKill: {helperNamespace: default}")])
            #expect(elsewhere.code == 0, "\(elsewhere.log)")
        }
    }

    private static func quota(_ hard: String) -> String {
        """
        apiVersion: v1
        kind: ResourceQuota
        metadata: {name: limit, namespace: file-group}
        spec: {hard: \(hard)}
        """
    }

    private static let leases = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: no-leases}
        spec:
          failurePolicy: Fail
          matchConstraints:
            resourceRules:
              - {apiGroups: [coordination.k8s.io], apiVersions: [v1], operations: [CREATE], resources: [leases]}
          validations: [{expression: "false", message: no leases here}]
        ---
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: no-leases}
        spec: {policyName: no-leases, validationActions: [Deny]}
        """
}
