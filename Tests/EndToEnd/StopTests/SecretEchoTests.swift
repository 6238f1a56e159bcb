import Foundation
import JSON
import Programs
import Testing

/// The password and the token are repeated: by the server in its error texts, by a hook in its output. The harness passes it on to nobody.
@Suite(.timeLimit(.minutes(5))) struct SecretEchoTests {
    @Test func noSecretReachesALogOrAReport() async throws {
        try await TestCluster.with(databaseFlaws: ["tell-password=7"]) { cluster in
            let (password, token) = (try await cluster.password(), try cluster.token())
            try (password + "\n" + token).write(toFile: cluster.folder + "/told", atomically: true, encoding: .utf8)
            let tell = "env | grep ^AFTERSHOCK_; cat \(cluster.folder)/told; base64 -w0 \(cluster.folder)/password; exit"
            try password.write(toFile: cluster.folder + "/password", atomically: true, encoding: .utf8)
            var drill = Drill(
                name: "told",
                fault: "command: {inject: [sh, -c, '\(tell) 0'], undo: [sh, -c, '\(tell) 0'], probe: [sh, -c, '\(tell) 0'], timeout: 5s}",
                giveUpAfter: "5s")
            drill.passwordFrom = "{env: AFTERSHOCK_TOLD_PASSWORD}"
            drill.environment = ["AFTERSHOCK_TOLD_PASSWORD": password, "AFTERSHOCK_TOLD": "it is here"]
            let run = try await drill.run(on: try Self.byPlugin(cluster, token))

            // The witnesses: it was told, and the words around it are there.
            let told = String(decoding: try run.file("journal.ndjson"), as: UTF8.self)
            #expect(told.contains("Reason: the password '***' came too often."), "\(run.log)")
            #expect(run.log.contains("AFTERSHOCK_TOLD=it is here; ***; ***"), "\(run.log)")
            let plugin = try String(contentsOfFile: cluster.folder + "/plugin.env", encoding: .utf8)
            #expect(plugin.contains("AFTERSHOCK_TOLD=it is here"))
            #expect(!plugin.contains("AFTERSHOCK_TOLD_PASSWORD"))
            #expect(!run.log.contains("AFTERSHOCK_TOLD_PASSWORD"), "\(run.log)")

            let again = try await Program.run("aftershock", ["report", run.folder, "-o", "json"])
            var texts = ["the log": run.log, "the report's output": again.output + again.errors]
            for file in try FileManager.default.subpathsOfDirectory(atPath: run.folder) {
                texts[file] = String(decoding: try run.file(file), as: UTF8.self)
            }
            #expect(texts.count > 8)
            for secret in [password, Data(password.utf8).base64EncodedString(), token] {
                for (name, text) in texts { #expect(!text.contains(secret), "\(name) tells a secret") }
            }
        }
    }

    /// The same cluster, with a credential plugin that gives the token and writes its own environment down.
    private static func byPlugin(_ cluster: TestCluster, _ token: String) throws -> TestCluster {
        let plugin = cluster.folder + "/plugin"
        let answer = #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"\#(token)"}}"#
        let script = "#!/bin/sh\nenv >\(cluster.folder)/plugin.env\necho '\(answer)'\n"
        try script.write(toFile: plugin, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: plugin)
        let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: \(plugin), interactiveMode: Never}"
        let kubeconfig = cluster.folder + "/by-plugin"
        let text = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8)
        try text.replacing("token: \(token)", with: exec).replacing("user: sandbox-admin}", with: "user: sandbox-admin-token}")
            .write(toFile: kubeconfig, atomically: true, encoding: .utf8)
        return TestCluster(kubeconfig: kubeconfig, folder: cluster.folder, client: cluster.client)
    }
}
