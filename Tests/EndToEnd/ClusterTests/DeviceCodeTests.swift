import Foundation
import JSON
import Programs
import Testing

/// A credential plugin that wants somebody to sign in elsewhere: its code is of use only while it waits.
@Suite(.timeLimit(.minutes(5))) struct DeviceCodeTests {
    @Test func theCodeIsShownAtATerminalWhileThePluginWaits() async throws {
        try await TestSandbox.with { sandbox in
            let (plugin, typescript) = ("\(sandbox.folder)/plugin", "\(sandbox.folder)/typescript")
            let text = try String(contentsOfFile: sandbox.kubeconfig, encoding: .utf8)
            let token = try #require(text.firstMatch(of: /token: "?([^\s"}]+)/)?.1)
            let answer = #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"\#(token)"}}"#
            // It gives the token when the terminal shows the code, and never without.
            _ = try sandbox.write(
                "#!/bin/sh\necho enter the code ABCD-7 >&2\nuntil grep -q ABCD-7 \(typescript); do sleep 0.1; done\necho '\(answer)'\n",
                as: "plugin")
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: plugin)
            let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: \(plugin), interactiveMode: IfAvailable}"
            let kubeconfig = try sandbox.write(
                text.replacing(/token: "?[^\s"}]+"?/, with: exec).replacing("user: sandbox-admin}", with: "user: sandbox-admin-token}"),
                as: "by-device")
            let run = try await Program.run(
                "aftershock", ["doctor", "--kubeconfig", kubeconfig],
                launcher: ["timeout", "60", "bash", "-c", "script -qfec \"$(printf '%q ' \"$@\")\" \(typescript)", "bash"])
            let shown = try String(contentsOfFile: typescript, encoding: .utf8)
            #expect(run.exitCode == 0, "\(shown)")
            #expect(shown.contains("enter the code ABCD-7"), "\(shown)")
        }
    }
}
