import Fault
public import Journal
public import Kubernetes

/// Puts back what a run left changed because it was killed: from its journal, or from the marks in the cluster alone.
public struct Restorer: Sendable {
    private let client: KubernetesClient

    public init(client: KubernetesClient) {
        self.client = client
    }

    /// What was put back, and how that went.
    public struct Restoration: Sendable {
        public var summary: String
        public var result: UndoResult
    }

    /// Undoes every intent of the journal that has no proven result, the latest first, and adds the results to it.
    public func restore(journalPath: String) async throws -> [Restoration] {
        var reader = try JournalReader(path: journalPath)
        var open: [UndoIntent] = []
        var last = RunTime.origin
        while let record = reader.next() {
            last = max(last, record.at)
            if case .undoIntent(let intent) = record.event { open.append(intent) }
            if case .undoResult(let result) = record.event, result.proven { open.removeAll { $0.id == result.intent } }
        }
        guard !open.isEmpty else { return [] }
        let journal = try JournalWriter(appendingTo: journalPath, clock: RunClock(resumingAt: last))
        var restorations: [Restoration] = []
        for intent in open.reversed() {
            let result = await Undo(client: client).perform(intent)
            try journal.appendDurably(.undoResult(result))
            restorations.append(Restoration(summary: intent.summary, result: result))
        }
        return restorations
    }

    /// Undoes what the marks on nodes and pods tell of: of one run, or of every run.
    public func restore(runID: String?, in scope: NamespaceScope) async throws -> [Restoration] {
        let undo = Undo(client: client)
        var restorations: [Restoration] = []
        for found in try await undo.marks(in: scope) where runID == nil || found.runID == runID {
            let result = await undo.perform(found.intent)
            restorations.append(Restoration(summary: "\(found.object) of run \(found.runID): \(found.intent.summary)", result: result))
        }
        return restorations
    }
}
