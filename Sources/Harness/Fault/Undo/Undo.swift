import Experiment
import JSON
public import Journal
public import Kubernetes

/// Puts back what faults have changed, and only that.
///
/// An ``UndoIntent`` is all that is needed: from the journal, or from the mark on the object that was changed.
public struct Undo: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case uncordonNode, removeTaint, deletePod, continueProcess, runCommand
    }

    /// The annotation that marks every object which a run has changed; its value is the run's ID and the intent.
    public static let annotationKey = "aftershock/undo"

    let client: KubernetesClient

    public init(client: KubernetesClient) {
        self.client = client
    }

    /// Restores, and looks for the proof. A change that is undone already counts as restored.
    ///
    /// Never throws: what could not be done, or not be proven, is a result too.
    public func perform(_ intent: UndoIntent) async -> UndoResult {
        do {
            guard let kind = Kind(rawValue: intent.kind) else {
                return UndoResult(intent: intent.id, proven: false, evidence: "this version does not know how to undo '\(intent.kind)'")
            }
            let evidence =
                switch kind {
                case .uncordonNode: try await uncordon(intent)
                case .removeTaint: try await removeTaint(intent)
                case .deletePod: try await deletePod(intent)
                case .continueProcess: try await continueProcess(intent)
                case .runCommand: try await runCommand(intent)
                }
            return UndoResult(intent: intent.id, proven: true, evidence: evidence)
        } catch {
            return UndoResult(intent: intent.id, proven: false, evidence: "\(error)")
        }
    }
}

/// A parameter that the intent's kind needs is not there: a journal or an annotation that was changed by hand.
extension UndoIntent {
    func text(_ parameter: String) throws(FaultError) -> String {
        guard let value = parameters[parameter]?.string else {
            throw FaultError(.notInjected, "the undo intent '\(kind)' has no parameter '\(parameter)'")
        }
        return value
    }
}
