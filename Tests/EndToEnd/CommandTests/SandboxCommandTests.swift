import Checkout
import Foundation
import Programs
import Testing

/// `aftershock sandbox` where the machine gives it too little.
@Suite struct SandboxCommandTests {
    private static let experiment = Checkout.root.appendingPathComponent("experiments/control.yaml").path

    @Test(.timeLimit(.minutes(1)), arguments: [["sandbox"], ["run", experiment, "--sandbox", "--quiet"]])
    func saysHowManyOpenFilesItNeeds(arguments: [String]) async throws {
        let outcome = try await Program.run("aftershock", arguments, launcher: ["prlimit", "--nofile=64:64"])
        #expect(outcome.exitCode == 70)
        #expect(outcome.errors.contains("needs 352 open files, and this process may have 64"), "\(outcome.errors)")
        #expect(outcome.output.isEmpty)
    }
}
