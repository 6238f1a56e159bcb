public import Journal
public import JSON
public import Kubernetes
import Synchronization

/// What a fault needs of the run around it.
public struct FaultContext: Sendable {
    public let client: KubernetesClient
    public let journal: JournalWriter
    public let runID: String
    private let intents: IntentCounter

    public init(client: KubernetesClient, journal: JournalWriter, runID: String) {
        self.client = client
        self.journal = journal
        self.runID = runID
        intents = IntentCounter()
    }

    /// Writes down what will have to be put back, and waits until the disk has it. The mutation may be sent only after this.
    ///
    /// The intent's owner mark (``Undo/annotation``) is for the mutation to carry, so that `restore` works without the journal too.
    func intend(_ kind: Undo.Kind, _ summary: String, _ parameters: JSONValue) throws(JournalError) -> UndoIntent {
        let intent = UndoIntent(id: intents.next(), kind: kind.rawValue, summary: summary, parameters: parameters)
        try journal.appendDurably(.undoIntent(intent))
        return intent
    }

    /// Puts the intent's mark on the object that is about to change, and the change with it where one request can do both.
    func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent, and change: JSONValue = [:],
        resourceVersion: String? = nil
    ) async throws {
        try await Undo(client: client).mark(
            type, name, in: namespace, with: intent, runID: runID, and: change, resourceVersion: resourceVersion)
    }
}

/// Numbers the undo intents of a run, from 1.
private final class IntentCounter: Sendable {
    private let last = Mutex(0)

    func next() -> Int {
        last.withLock { value in
            value += 1
            return value
        }
    }
}
