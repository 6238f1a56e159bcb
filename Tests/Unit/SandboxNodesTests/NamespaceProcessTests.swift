import Testing

@testable import SandboxNodes

@Suite struct NamespaceProcessTests {
    /// Ctrl-C while a sandbox boots: the process that was just begun must not be waited for.
    @Test(.timeLimit(.minutes(1))) func aStartThatIsCancelledEnds() async throws {
        let start = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            _ = try await NamespaceProcess.start(["/bin/sh", "-c", #"printf '\001ready\n'; cat >/dev/null"#], depth: 0)
        }
        await #expect(throws: IsolationError.self) { try await start.value }
    }
}
