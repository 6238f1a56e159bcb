import Foundation
import Secrets
import Testing

@testable import Fault

@Suite struct HookCommandTests {
    private let target = FaultTarget(
        namespace: "sql", workload: "deployment/sql", pod: "sql-0", podUID: "u", node: "worker1", container: "c",
        containerID: "containerd://1", restartCount: 0,
        lease: "aftershock-sql")

    @Test func thePlaceholdersAreFilledIn() async throws {
        let command = HookCommand(["echo", "{node}", "{namespace}/{pod}", "{workload}"], target, timeout: .seconds(10))
        #expect(command.arguments == ["echo", "worker1", "sql/sql-0", "deployment/sql"])
        #expect(try await command.run() == "worker1 sql/sql-0 deployment/sql")
    }

    @Test func argumentsAreNotAShellsWords() async throws {
        #expect(try await HookCommand(["echo", "$HOME; {node}"], target, timeout: .seconds(10)).run() == "$HOME; worker1")
    }

    @Test func aProgramMayBeGivenByItsPath() async throws {
        #expect(try await HookCommand(["/bin/echo", "{pod}"], target, timeout: .seconds(10)).run() == "sql-0")
    }

    @Test func theRunsOwnKubeconfigIsInTheEnvironment() async throws {
        let command = HookCommand(["sh", "-c", "echo $KUBECONFIG"], target, timeout: .seconds(10))
        #expect(try await command.run(kubeconfig: "/tmp/the one") == "/tmp/the one")
    }

    @Test func aPasswordIsNotInTheEnvironment() async throws {
        setenv("AFTERSHOCK_HOOK_TEST", "pw-of-a-hook", 1)
        defer { unsetenv("AFTERSHOCK_HOOK_TEST") }
        let command = HookCommand(["sh", "-c", "echo [$AFTERSHOCK_HOOK_TEST]"], target, timeout: .seconds(10))
        #expect(try await command.run() == "[pw-of-a-hook]")
        KnownSecrets.hide(variable: "AFTERSHOCK_HOOK_TEST")
        #expect(try await command.run() == "[]")
    }

    @Test func anotherExitCodeIsAnErrorWithTheCommandsWords() async throws {
        let command = HookCommand(["sh", "-c", "echo no such host >&2; exit 3"], target, timeout: .seconds(10))
        let error = await #expect(throws: FaultError.self) { try await command.run() }
        #expect(error?.message.contains("no such host") == true)
        #expect(error?.message.contains("3") == true)
    }

    @Test func aProgramThatIsNotThereIsAnError() async throws {
        let command = HookCommand(["aftershock-no-such-program"], target, timeout: .seconds(10))
        let error = await #expect(throws: FaultError.self) { try await command.run() }
        #expect(error?.message.contains("could not be run") == true)
    }

    @Test func aCommandThatDoesNotEndIsEnded() async throws {
        let command = HookCommand(["sleep", "600"], target, timeout: .milliseconds(100))
        let error = await #expect(throws: FaultError.self) { try await command.run() }
        #expect(error?.message.contains("longer than") == true)
    }
}
