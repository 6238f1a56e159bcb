import Experiment
public import Kubernetes

/// A command of the experiment that exits with 0 at the moment for the fault.
public struct MomentCommand: Sendable {
    private let arguments: [String]
    private let target: FaultTarget

    public init(_ arguments: [String], _ target: FaultTarget) {
        self.arguments = arguments
        self.target = target
    }

    /// The pause before the command is run again: no event tells when its result changes.
    private static let pause = Duration.milliseconds(500)

    /// Runs the command until it exits with 0. The command may also wait itself.
    ///
    /// - Returns: a sentence about its end; `nil` if it did not exit with 0 before `limit`.
    /// - Throws: ``FaultError`` if it cannot be run.
    public func await(within limit: Duration, _ client: KubernetesClient) async throws -> String? {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let command = HookCommand(arguments, target, timeout: deadline - .now)
            if let words = try await command.agrees(for: client) { return words }
            try await ContinuousClock().sleep(for: Self.pause)
        }
        return nil
    }
}
