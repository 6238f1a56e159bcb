public import JSON
public import Journal
public import Kubernetes
import Synchronization

/// A fault's access to its run.
public struct FaultContext: Sendable {
    public let client: KubernetesClient
    public let journal: JournalWriter
    public let runID: String
    let undo: Undo
    private let intents: OpenIntents

    /// - Parameter actions: the kinds of change that may have to be undone.
    public init(client: KubernetesClient, journal: JournalWriter, runID: String, actions: [any UndoAction.Type]) {
        self.client = client
        self.journal = journal
        self.runID = runID
        undo = Undo(client: client, actions: actions)
        intents = OpenIntents()
    }

    /// Records a change that must be undone, and waits until it is on the disk. The change may be sent only after this.
    ///
    /// The change must carry the intent's mark (``UndoAction/annotation``), so that `restore` also works without the journal.
    public func intend(_ action: some UndoAction) throws -> UndoIntent {
        let intent = intents.open(type(of: action).kind, action.summary, try JSONValue(encoding: action))
        try journal.appendDurably(.undoIntent(intent))
        return intent
    }

    /// The intents that are not undone yet, the latest first.
    public var openIntents: [UndoIntent] { intents.all }

    /// Undoes the open intents that `which` selects, and records the results. An undo without a proof stays open.
    ///
    /// - Parameters:
    ///   - which: selects the intents.
    ///   - timeout: the timeout for an unreachable server, unless an earlier undo has waited for it.
    /// - Returns: whether no intent at all is left open.
    /// - Throws: an error if the journal could not be written, but only after every undo: a full disk must not leave a cluster changed.
    @discardableResult
    public func restore(
        _ which: (UndoIntent) -> Bool = { _ in true }, timeout: Duration = Undo.timeout
    ) async throws(JournalError) -> Bool {
        var failure: JournalError?
        for intent in openIntents where which(intent) {
            let wait = intents.waitsNoMore(for: intent) ? .zero : timeout
            let result = await Undo(client: client, actions: undo.actions, timeout: wait).perform(intent)
            if result.proven {
                intents.close(intent)
            } else if !Task.isCancelled {
                intents.giveUp(intent)
            }
            do throws(JournalError) {
                try journal.appendDurably(.undoResult(result))
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return openIntents.isEmpty
    }

    /// Puts the intent's mark on the object, together with the change if one request can do both.
    ///
    /// - Parameter change: returns the merge patch for the object's current state; `nil` if there is nothing to change.
    /// - Returns: whether the object was changed.
    @discardableResult
    public func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent,
        and change: (Resource) throws -> JSONValue? = { _ in [:] }
    ) async throws -> Bool {
        try await undo.mark(type, name, in: namespace, with: intent, runID: runID, and: change)
    }
}

/// The undo intents of a run that are not undone yet, numbered from 1.
private final class OpenIntents: Sendable {
    private struct State {
        var last = 0
        var open: [UndoIntent] = []
        /// The open intents whose undo has failed.
        var failed: Set<Int> = []
    }

    private let state = Mutex(State())

    func open(_ kind: String, _ summary: String, _ parameters: JSONValue) -> UndoIntent {
        state.withLock { state in
            state.last += 1
            let intent = UndoIntent(id: state.last, kind: kind, summary: summary, parameters: parameters)
            state.open.append(intent)
            return intent
        }
    }

    func giveUp(_ intent: UndoIntent) { state.withLock { _ = $0.failed.insert(intent.id) } }

    func waitsNoMore(for intent: UndoIntent) -> Bool { state.withLock { $0.failed.contains(intent.id) } }

    func close(_ intent: UndoIntent) {
        state.withLock { $0.open.removeAll { $0.id == intent.id } }
    }

    var all: [UndoIntent] { state.withLock { $0.open.reversed() } }
}
