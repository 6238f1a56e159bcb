import Programs
import Testing

/// `aftershock sandbox` where the machine gives it too little.
@Suite struct SandboxCommandTests {
    @Test(.timeLimit(.minutes(1))) func saysHowManyOpenFilesItNeeds() async throws {
        let outcome = try await Program.run("aftershock", ["sandbox"], launcher: ["prlimit", "--nofile=64:64"])
        #expect(outcome.exitCode != 0)
        #expect(outcome.errors.contains("needs 352 open files, and this process may have 64"), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }
}
