import Experiment
public import Kubernetes

/// A command of the experiment that ends with 0 at the moment for the fault.
public struct MomentCommand: Sendable {
    private let arguments: [String]
    private let target: FaultTarget

    public init(_ arguments: [String], _ target: FaultTarget) {
        self.arguments = arguments
        self.target = target
    }

    /// The pause before a command that said "not yet" is run again: nothing tells when it would say otherwise.
    private static let pause = Duration.milliseconds(500)

    /// Runs it until it ends with 0. A command that knows how to wait does so by itself.
    ///
    /// - Returns: how it ended; `nil`: not with 0 before `limit`.
    /// - Throws: ``FaultError`` when it cannot be run at all.
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
