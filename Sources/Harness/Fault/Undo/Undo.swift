import JSON
public import Journal
public import Kubernetes

/// Restores what faults have changed, and only that.
///
/// An ``UndoIntent`` is all that is needed: from the journal, or from the mark on the object that was changed.
public struct Undo: Sendable {
    /// The annotation that marks the object which a fault has changed; its value is the run's ID and the intent.
    public static let annotationKey = "aftershock/undo"

    /// The time for which an undo's effect is waited for.
    public static let timeout = Duration.seconds(60)

    public let client: KubernetesClient
    /// The time for which a server that cannot be reached now is waited for.
    public let timeout: Duration
    let actions: [any UndoAction.Type]

    /// - Parameter actions: every kind of change that can be undone.
    public init(client: KubernetesClient, actions: [any UndoAction.Type], timeout: Duration = Self.timeout) {
        self.client = client
        self.timeout = timeout
        self.actions = actions
    }

    /// Restores, and looks for the proof. A change that is undone already counts as restored.
    ///
    /// Never throws: what could not be done, or not be proven, is a result too.
    public func perform(_ intent: UndoIntent) async -> UndoResult {
        do {
            return UndoResult(intent: intent.id, proven: true, evidence: try await action(of: intent).perform(intent, self))
        } catch {
            return UndoResult(intent: intent.id, proven: false, evidence: "\(error)")
        }
    }

    /// Tries until an attempt succeeds, the timeout has passed or the task is cancelled: no event tells when a server that restarts, or
    /// an exec into it, will work again.
    ///
    /// - Parameter isWorthwhile: the errors after which another attempt is made. Default: all.
    /// - Throws: the last attempt's error.
    public func retrying<Result>(
        after isWorthwhile: (any Error) -> Bool = { _ in true }, _ attempt: () async throws -> Result
    ) async throws -> Result {
        let deadline = ContinuousClock.now + timeout
        while true {
            do {
                return try await attempt()
            } catch {
                guard isWorthwhile(error), ContinuousClock.now < deadline,
                    (try? await ContinuousClock().sleep(for: .milliseconds(500))) != nil
                else { throw error }
            }
        }
    }

    /// Decodes the action that an intent stands for.
    ///
    /// - Throws: when this version does not know it, or its parameters were changed by hand.
    public func action(of intent: UndoIntent) throws(FaultError) -> any UndoAction {
        guard let kind = actions.first(where: { $0.kind == intent.kind }) else {
            throw FaultError(.refused, "this version does not know how to undo '\(intent.kind)'")
        }
        do {
            return try intent.parameters.decode(kind)
        } catch {
            throw FaultError(
                .refused,
                "the parameters of the undo intent '\(intent.kind)' are damaged: \((error as? DecodingError)?.place ?? words(for: error))")
        }
    }
}
