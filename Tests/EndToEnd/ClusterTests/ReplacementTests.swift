import JSON
import JUnitReading
import Programs
import Testing

/// The reason for which a replacement never came is in the first sentence of the failure, in every report.
/// A volume that another node holds is one of the node failures' tests.
@Suite(.serialized, .timeLimit(.minutes(5))) struct ReplacementTests {
    private struct Case: Sendable {
        let reason: String
        /// The change of the target, and its undo: commands of a shell.
        let inject: String
        var undo = "kubectl rollout undo deployment/db"
    }

    private static let cases = [
        Case(
            reason: "exceeded quota: none", inject: "kubectl create quota none --hard=pods=0 && kubectl delete pod --all --wait=false",
            undo: "kubectl delete quota none && kubectl rollout restart deployment/db"),
        Case(
            reason: "cannot be scheduled: 0/3 nodes are available",
            inject: #"kubectl patch deployment db -p '{"spec":{"template":{"spec":{"nodeSelector":{"disk":"none"}}}}}'"#),
        Case(reason: "ErrImagePull: failed to pull image", inject: "kubectl set image deployment/db engine=registry.invalid/none:1"),
        Case(
            reason: "exit code 3, Error",
            inject: #"kubectl patch deployment db --type=json -p "$0""#),
    ]
    private static let crash = #"[{"op":"add","path":"/spec/template/spec/containers/0/command","value":["sh","-c","exit 3"]}]"#

    @Test func theReasonIsInEveryReport() async throws {
        let shape = Shape.fileGroup
        try await TestSandbox.with(manifests: [shape.manifest]) { sandbox in
            _ = try await sandbox.kubectl(["config", "set-context", "--current", "--namespace", shape.name])
            for broken in Self.cases {
                try await sandbox.ready([shape.name])
                let inject = try list(["sh", "-c", broken.inject, Self.crash])
                let undo = try list(["sh", "-c", broken.undo])
                let run = try await sandbox.run([
                    shape.experiment("command: {inject: \(inject), undo: \(undo), probe: ['true']}", giveUpAfter: "4s")
                ])
                #expect(run.code == 1, "\(broken.reason): \(run.log)")
                #expect(run.log.contains(broken.reason), "\(run.log)")
                let recovery = try run.junit.result("recovery")
                #expect(recovery?.element == "failure", "\(broken.reason)")
                let message = try #require(recovery?.message)
                #expect(message.contains(broken.reason), "\(message)")
                for file in ["summary.md", "report.html", "results.json"] {
                    let text = try run.text(file).replacing("&#34;", with: "\"").replacing("&quot;", with: "\"")
                    #expect(text.contains(broken.reason), "\(file): \(broken.reason)")
                }
            }
        }
    }

    /// A YAML list of the words.
    private func list(_ words: [String]) throws -> String {
        String(decoding: try JSONValue.array(words.map(JSONValue.string)).data(), as: UTF8.self)
    }
}
