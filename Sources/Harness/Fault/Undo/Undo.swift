import JSON
public import Journal
public import Kubernetes

/// Restores what faults have changed, and only that.
///
/// It needs only an ``UndoIntent``, from the journal or from the mark on the changed object.
public struct Undo: Sendable {
    /// The annotation that marks a changed object. Its value is the run's ID and the intent.
    public static let annotationKey = "aftershock/undo"

    /// The timeout for an undo's effect.
    public static let timeout = Duration.seconds(60)

    public let client: KubernetesClient
    /// The timeout for a server that cannot be reached.
    public let timeout: Duration
    let actions: [any UndoAction.Type]

    /// - Parameter actions: the kinds of change that can be undone.
    public init(client: KubernetesClient, actions: [any UndoAction.Type], timeout: Duration = Self.timeout) {
        self.client = client
        self.timeout = timeout
        self.actions = actions
    }

    /// Undoes a change and proves it. A change that is undone already counts as restored.
    ///
    /// Never throws: the result says if the undo failed or is not proven.
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
    /// - Throws: ``FaultError`` if this version does not know the action, or its parameters are damaged.
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
