public import JSON
public import Journal
public import Kubernetes
import Synchronization

/// A fault's access to the run around it.
public struct FaultContext: Sendable {
    public let client: KubernetesClient
    public let journal: JournalWriter
    public let runID: String
    let undo: Undo
    private let intents: OpenIntents

    /// - Parameter actions: every kind of change that may have to be undone.
    public init(client: KubernetesClient, journal: JournalWriter, runID: String, actions: [any UndoAction.Type]) {
        self.client = client
        self.journal = journal
        self.runID = runID
        undo = Undo(client: client, actions: actions)
        intents = OpenIntents()
    }

    /// Writes down a change that has to be undone, and waits until the disk has it. The mutation may be sent only after this.
    ///
    /// The intent's mark (``UndoAction/annotation``) is for the mutation to carry, so that `restore` works without the journal too.
    public func intend(_ action: some UndoAction) throws -> UndoIntent {
        let intent = intents.open(type(of: action).kind, action.summary, try JSONValue(encoding: action))
        try journal.appendDurably(.undoIntent(intent))
        return intent
    }

    /// The intents that are still to be undone, the latest first.
    public var openIntents: [UndoIntent] { intents.all }

    /// Undoes everything that is still open and of interest, and writes the results down. An undo that could not be proven stays open.
    ///
    /// - Parameters:
    ///   - which: the intents of interest.
    ///   - timeout: the time for which a server that cannot be reached is waited for, unless it was waited for before.
    /// - Returns: whether nothing is left at all.
    /// - Throws: when the journal could not take a result, after everything was tried: a full disk is no reason to leave a cluster changed.
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

    /// Puts the intent's mark on the object that is about to change, together with the change where one request can do both.
    ///
    /// - Parameter change: the merge patch for the object as it is now; `nil` where there is nothing to do any more.
    /// - Returns: whether it was changed.
    @discardableResult
    public func mark<Resource: KubernetesResource>(
        _ type: Resource.Type, _ name: String, in namespace: String?, with intent: UndoIntent,
        and change: (Resource) throws -> JSONValue? = { _ in [:] }
    ) async throws -> Bool {
        try await undo.mark(type, name, in: namespace, with: intent, runID: runID, and: change)
    }
}

/// The undo intents of a run, numbered from 1, that have not been undone yet.
private final class OpenIntents: Sendable {
    private struct State {
        var last = 0
        var open: [UndoIntent] = []
        /// The open ones that were tried and failed.
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
