import Experiment
public import Fault
import Journal
public import Kubernetes
import KubernetesAPI
import Secrets
import Verdict

/// Restores the changes that a killed run has left: from its journal, or from the marks in the cluster alone.
public struct Restorer: Sendable {
    private let client: KubernetesClient
    private let undo: Undo

    public init(client: KubernetesClient, faults: FaultCatalog = .standard) {
        self.client = client
        undo = Undo(client: client, actions: faults.undoActions + [RemoveTables.self])
    }

    /// The restored changes, with their results.
    public struct Restoration: Sendable {
        public var summary: String
        /// Is `true` if a new look at the cluster showed the change to be undone.
        public var proven: Bool
        public var evidence: String

        public init(summary: String, proven: Bool, evidence: String) {
            self.summary = summary
            self.proven = proven
            self.evidence = evidence
        }
    }

    /// Undoes every intent of the journal that has no proven result, the latest first, and appends the results to the journal.
    ///
    /// - Parameter agrees: decides whether a command that the journal names may run: others may be able to write that file.
    /// - Throws: if the run still goes on, was made in another context than this client's, or its journal cannot be written.
    public func restore(journalPath: String, agrees: (String) -> Bool = { _ in false }) async throws -> [Restoration] {
        let run = try UnfinishedRun(journalPath: journalPath)
        let journal = try JournalWriter(appendingTo: journalPath, clock: RunClock(resumingAt: run.last))
        let context = client.configuration.contextName
        if let started = run.started, started.context != context {
            throw TargetError(
                check: "context", message: "the run was made in the context '\(started.context)', but the context is '\(context)'",
                hint: "add --context=\(started.context)")
        }
        var restorations: [Restoration] = []
        for intent in run.open.reversed() {
            if intent.kind == "runCommand", let consent = (try? undo.action(of: intent))?.consent, !agrees(intent.summary) {
                restorations.append(Restoration(summary: intent.summary, proven: false, evidence: consent))
                continue
            }
            let result = await undo.perform(intent)
            try journal.appendDurably(.undoResult(result))
            restorations.append(Restoration(summary: intent.summary, proven: result.proven, evidence: result.evidence))
        }
        if let damage = run.damage {
            let rest = run.started.map { "aftershock restore --run-id \($0.runID)" } ?? "aftershock restore --all"
            restorations.append(
                Restoration(
                    summary: "the journal", proven: false, evidence: "\(damage); restore the changes that it no longer names with '\(rest)'"
                ))
        }
        // An intent that is not restored may have its mark on the lease.
        guard restorations.allSatisfy(\.proven) else { return restorations }
        return restorations + (try await giveUp(run.locks(client)))
    }

    /// Undoes the changes that marks on nodes, pods and leases name, of one run or of every run. Then releases the leases of those runs.
    ///
    /// The cluster does not say whether those runs still go on.
    ///
    /// - Parameter runsCommands: also runs the commands that marks name. Every user who may annotate such an object can write one.
    public func restore(runID: String?, in scope: NamespaceScope, runsCommands: Bool) async throws -> [Restoration] {
        var restorations: [Restoration] = []
        var stillMarked: Set<MarkedObject> = []
        let marks = try await undo.marks(in: scope)
        for unreadable in marks.unreadable {
            stillMarked.insert(unreadable.object)
            restorations.append(Restoration(summary: unreadable.object.description, proven: false, evidence: unreadable.reason))
        }
        for found in marks.found where runID.map({ RunPart.isRun(found.runID, in: $0) }) ?? true {
            let result =
                if let consent = found.consent, !runsCommands {
                    UndoResult(intent: found.intent.id, proven: false, evidence: consent)
                } else {
                    await undo.perform(found.intent)
                }
            if !result.proven { stillMarked.insert(found.object) }
            restorations.append(
                Restoration(
                    summary: "\(found.object) of run \(found.runID): \(found.intent.summary)", proven: result.proven,
                    evidence: result.evidence))
        }
        let leases = try await client.list(Lease.self, in: scope, labels: "\(LabelKey.managedBy)=aftershock").items
        let locks = leases.compactMap { lease in
            lease.spec?.holderIdentity.map {
                TargetLock(client: client, namespace: lease.metadata.namespace ?? "", name: lease.metadata.name, holder: $0)
            }
        }
        return restorations
            + (try await giveUp(
                locks.filter { lock in
                    (runID.map { RunPart.isRun(lock.holder, in: $0) } ?? true)
                        && !stillMarked.contains(.lease(lock.name, in: lock.namespace))
                }))
    }

    /// The next run would have to wait for the lease of a killed harness.
    private func giveUp(_ locks: [TargetLock]) async throws -> [Restoration] {
        var restorations: [Restoration] = []
        for lock in locks where try await lock.release() {
            restorations.append(
                Restoration(
                    summary: "give up Lease \(lock.namespace)/\(lock.name)", proven: true, evidence: "run \(lock.holder) holds it no more"))
        }
        return restorations
    }
}

/// The state of a run by its journal, which may be cut off.
private struct UnfinishedRun {
    var started: RunStarted?
    var experiments: [String] = []
    /// The intents that are not proven to be undone, the earliest first.
    var open: [UndoIntent] = []
    var last = RunTime.origin
    var damage: JournalError?

    init(journalPath: String) throws(JournalError) {
        var reader = try JournalReader(path: journalPath)
        while let record = reader.next() {
            last = max(last, record.at)
            switch record.event {
            case .runStarted(let run): started = run
            case .experimentStarted(let experiment): experiments.append(experiment.name)
            case .undoIntent(let intent): open.append(intent)
            case .undoResult(let result): if result.proven { open.removeAll { $0.id == result.intent } }
            default: break
            }
        }
        damage = reader.flaw
        for experiment in (try? started?.sources.flatMap { try $0.experiments() }) ?? [] { experiment.target.login.hideVariable() }
    }

    /// The locks that the run may hold.
    func locks(_ client: KubernetesClient) throws -> [TargetLock] {
        guard let started else { return [] }
        return try started.sources.flatMap { try $0.experiments() }
            .filter { experiments.contains($0.name) }
            .map { experiment in
                TargetLock(
                    client: client, namespace: experiment.target.namespace, workload: experiment.target.workload, holder: started.runID)
            }
    }
}
