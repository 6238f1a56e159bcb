import Certificates
import Foundation
import Secrets
import Subprocess
import Synchronization
import Testing

@testable import Kubernetes

@Suite struct CredentialTests {
    private func plugin(
        _ folder: borrowing TemporaryFolder, script: String? = nil, command: String? = nil, version: String = "v1"
    ) throws -> ExecPlugin {
        var file = command
        if let script { file = try folder.write("#!/bin/sh\n" + script, to: "plugin", isExecutable: true) }
        let exec = KubeconfigFile.Exec(
            apiVersion: "client.authentication.k8s.io/\(version)", command: file, args: ["arg one"],
            env: [.init(name: "MODE", value: "test")], installHint: "Get it from example.org.", interactiveMode: "Never")
        return try ExecPlugin(
            exec, of: .init(value: .init(exec: exec), file: "\(folder.path)/config"), cluster: nil, server: nil, trust: .init(),
            environment: [
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "", "SINK": "\(folder.path)/sink",
                "AFTERSHOCK_TEST_PASSWORD": "pw-of-the-database",
            ])
    }

    private func credential(_ token: String, _ more: String = "") -> String {
        #"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "\#(token)"\#(more)}}"#
    }

    // MARK: Running the plugin

    @Test func aPluginIsToldWhatItNeedsAndItsTokenIsTaken() async throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(
            folder, script: "echo noise >&2; echo \"$1 $MODE $KUBERNETES_EXEC_INFO\" >\"$SINK\"; echo '\(credential("tok"))'")
        let issued = try await plugin.run(timeout: .seconds(20))
        #expect(issued.token == "tok" && issued.expiry == nil)
        let sink = try String(contentsOfFile: "\(folder.path)/sink", encoding: .utf8)
        #expect(sink.hasPrefix("arg one test {"))
        #expect(sink.contains(#""kind":"ExecCredential""#) && sink.contains(#""interactive":false"#))
    }

    /// A plugin does not get the variable with the experiment's password.
    @Test func aPluginDoesNotInheritThePassword() async throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(folder, script: "env >\"$SINK\"; echo '\(credential("tok"))'")
        _ = try await plugin.run(timeout: .seconds(20))
        #expect(try String(contentsOfFile: "\(folder.path)/sink", encoding: .utf8).contains("pw-of-the-database"))
        KnownSecrets.hide(variable: "AFTERSHOCK_TEST_PASSWORD")
        _ = try await plugin.run(timeout: .seconds(20))
        let sink = try String(contentsOfFile: "\(folder.path)/sink", encoding: .utf8)
        #expect(!sink.contains("pw-of-the-database") && sink.contains("MODE=test"), "\(sink)")
    }

    @Test func certificatesFromAPlugin() async throws {
        let folder = try TemporaryFolder()
        let identity = try CertificateAuthority(name: "test authority").issue(name: "admin")
        func escaped(_ text: String) -> String { text.replacingOccurrences(of: "\n", with: "\\n") }
        let json =
            #"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"clientCertificateData": "\#(escaped(identity.certificate))", "clientKeyData": "\#(escaped(identity.key))", "expirationTimestamp": "2030-01-01T00:00:00Z"}}"#
        try folder.write(json, to: "answer")
        let issued = try await plugin(folder, script: "cat \(folder.path)/answer").run(timeout: .seconds(20))
        #expect(issued.token == nil && issued.clientCertificate != nil)
        #expect(issued.expiry == KubernetesTime("2030-01-01T00:00:00Z")?.date)
    }

    @Test func pluginsThatAreNotInstalled() async throws {
        let folder = try TemporaryFolder()
        for command in ["no-such-plugin-anywhere", "\(folder.path)/nope", "./nope"] {
            let plugin = try plugin(folder, command: command)
            let error = try await failure { try await plugin.run(timeout: .seconds(20)) }
            #expect(error.code == .pluginNotFound && error.hint == "Get it from example.org.", "\(error)")
            #expect(error.message.contains("nope") || error.message.contains("no-such-plugin"))
        }
    }

    @Test func aPluginThatFails() async throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(folder, script: "echo secret-on-stdout; echo 'please log in' >&2; exit 3")
        let error = try await failure { try await plugin.run(timeout: .seconds(20)) }
        #expect(error.code == .pluginFailed && error.message.contains("please log in"))
        #expect(!"\(error)".contains("secret-on-stdout"))
    }

    @Test func aPluginThatHangs() async throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(folder, script: "echo $$ >\"$SINK\"; exec sleep 600")
        let error = try await failure { try await plugin.run(timeout: .seconds(3)) }
        #expect(error.code == .pluginTimeout)
        let pid = try #require(pid_t(try String(contentsOfFile: "\(folder.path)/sink", encoding: .utf8).trimmingCharacters(in: .newlines)))
        #expect(kill(pid, 0) == -1 && errno == ESRCH, "the plugin goes on running")
    }

    @Test(arguments: [
        "echo secret-token", "true", #"echo '{"kind": "Pod", "apiVersion": "client.authentication.k8s.io/v1"}'"#,
        #"echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1", "status": {"token": "secret-token"}}'"#,
        #"echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {}}'"#,
        #"echo '{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"clientKeyData": "secret-token"}}'"#,
        "head -c 2000000 /dev/zero",
    ])
    func badOutput(_ script: String) async throws {
        let folder = try TemporaryFolder()
        let plugin = try plugin(folder, script: script)
        let error = try await failure { try await plugin.run(timeout: .seconds(20)) }
        #expect(error.code == .pluginBadOutput, "\(error)")
        #expect(!"\(error)".contains("secret-token"))
    }

    // MARK: Keeping credentials

    private final class Fake: Sendable {
        let runs = Mutex(0)
        let seconds = Mutex(0.0)
        let start = ContinuousClock.now

        var clock: CredentialStore.Clock {
            .init(
                date: { Date(timeIntervalSince1970: 1_000_000 + self.seconds.withLock { $0 }) },
                instant: { self.start + .seconds(self.seconds.withLock { $0 }) })
        }

        func advance(_ by: Double) { seconds.withLock { $0 += by } }

        func run() -> Int {
            runs.withLock {
                $0 += 1
                return $0
            }
        }
    }

    private func store(_ fake: Fake, expiry: String? = nil) throws -> CredentialStore {
        let folder = try TemporaryFolder()
        let plugin = try plugin(folder, command: "unused")
        let more = expiry.map { #", "expirationTimestamp": "\#($0)""# } ?? ""
        return CredentialStore(.init(exec: plugin), clock: fake.clock) { [self] plugin in
            // Others get the chance to ask meanwhile.
            for _ in 0..<10 { await Task.yield() }
            let number = fake.run()
            do throws(KubernetesError) {
                return .success(try ExecCredential(output: Array(credential("t\(number)", more).utf8), of: plugin))
            } catch {
                return .failure(error)
            }
        }
    }

    @Test func onePluginRunServesEverybody() async throws {
        let fake = Fake()
        let store = try store(fake)
        try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<50 { group.addTask { try await store.current().authorization } }
            for try await value in group { #expect(value == "Bearer t1") }
        }
        #expect(fake.runs.withLock { $0 } == 1)
        fake.advance(1_000_000)
        // Without an expiry it is good until the server refuses it.
        #expect(try await store.current().authorization == "Bearer t1")
    }

    @Test func anIssuedCredentialIsRenewedWhenItExpires() async throws {
        let fake = Fake()
        // 60 seconds after the fake clock's start.
        let store = try store(fake, expiry: "1970-01-12T13:47:40Z")
        #expect(try await store.current().authorization == "Bearer t1")
        fake.advance(59)
        #expect(try await store.current().authorization == "Bearer t1")
        fake.advance(1)
        #expect(try await store.current().authorization == "Bearer t2")
    }

    @Test func aRefusedCredentialIsRenewedOnce() async throws {
        let fake = Fake()
        let store = try store(fake)
        let first = try await store.current()
        await store.reject(first)
        let second = try await store.current()
        #expect(second.authorization == "Bearer t2")
        // A late 401 of another request with the old one does not throw the new one away.
        await store.reject(first)
        #expect(try await store.current().authorization == "Bearer t2")
    }

    @Test func tokenFilesAreReadAgainAfterAMinuteOrA401() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("one\n", to: "token")
        let fake = Fake()
        let store = CredentialStore(.init(tokenFile: file), clock: fake.clock)
        #expect(try await store.current().authorization == "Bearer one")
        try folder.write("two\n", to: "token")
        fake.advance(59)
        let cached = try await store.current()
        #expect(cached.authorization == "Bearer one")
        fake.advance(1)
        #expect(try await store.current().authorization == "Bearer two")
        try folder.write("three\n", to: "token")
        // A 401 from before the file was read again says nothing about what is used now.
        await store.reject(cached)
        #expect(try await store.current().authorization == "Bearer two")
        await store.reject(try await store.current())
        #expect(try await store.current().authorization == "Bearer three")
    }

    @Test func brokenTokenFiles() async throws {
        let folder = try TemporaryFolder()
        let fake = Fake()
        let missing = CredentialStore(.init(tokenFile: "\(folder.path)/nope"), clock: fake.clock)
        let error = try await failure { try await missing.current() }
        #expect(error.code == .credentialsUnavailable && error.message.contains("/nope"))
        let empty = CredentialStore(.init(tokenFile: try folder.write("\n", to: "empty")), clock: fake.clock)
        #expect(try await failure { try await empty.current() }.message.contains("empty"))
        // The inline token serves while the file cannot be read.
        let both = CredentialStore(.init(token: "inline", tokenFile: "\(folder.path)/nope"), clock: fake.clock)
        #expect(try await both.current().authorization == "Bearer inline")
    }

    @Test func basicAuthentication() async throws {
        let store = CredentialStore(.init(basic: .init(username: "a", password: "b")))
        #expect(try await store.current().authorization == "Basic YTpi")
    }

    // MARK: 401s of the server

    @Test func aReadIsSentAgainWithRenewedCredentialsAndAMutationIsNot() async throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("old", to: "token")
        try await TestServer.run { request, peer in
            if request.headers["authorization"] == "Bearer new" {
                peer.answer(200, #"{"metadata": {"name": "n"}}"#)
            } else {
                peer.answer(401, #"{"status": "Failure", "message": "Unauthorized", "reason": "Unauthorized", "code": 401}"#)
            }
        } body: { server in
            let client = try KubernetesClient(.test(port: server.port, authentication: .init(tokenFile: file)))
            _ = try await failure { try await client.get(ConfigMap.self, "n") }
            try folder.write("new", to: "token")
            let before = server.requests.count
            #expect(before == 2)
            #expect(try await client.get(ConfigMap.self, "n").metadata.name == "n")
            try folder.write("old", to: "token")
            let rejected = try KubernetesClient(.test(port: server.port, authentication: .init(tokenFile: file)))
            let error = try await failure { try await rejected.delete(ConfigMap.self, "n") }
            #expect(error.code == .unauthorized && !"\(error)".contains("old"))
            #expect(server.requests.filter { $0.method == "DELETE" }.count == 1)
        }
    }
}
