import Experiment
import Fault
import Foundation
public import Journal
public import Kubernetes
import Ledger
public import NIOCore
import Synchronization
public import Verdict

/// A whole run: every experiment, every repeat, one journal.
///
/// The runner only appends facts. The findings give them their meaning.
public struct Runner: Sendable {
    private let client: KubernetesClient
    private let options: RunOptions
    private let eventLoopGroup: any EventLoopGroup
    private let journal: JournalWriter
    private let judge: JournalJudge
    private let faults: FaultContext
    private let report: @Sendable (Findings) throws -> Void
    public let interruption = Interruption()

    /// - Parameters:
    ///   - observer: is told of every record, for progress.
    ///   - report: is given the findings when there is something new in them: before the first record, after every repeat, at the end.
    public init(
        client: KubernetesClient, options: RunOptions, eventLoopGroup: any EventLoopGroup,
        observer: @escaping @Sendable (JournalRecord) -> Void, report: @escaping @Sendable (Findings) throws -> Void
    ) throws(JournalError) {
        self.client = client
        self.options = options
        self.eventLoopGroup = eventLoopGroup
        self.report = report
        journal = try JournalWriter(creating: options.journalPath, clock: RunClock(), observer: observer)
        judge = try JournalJudge(path: options.journalPath)
        faults = FaultContext(client: client, journal: journal, runID: options.runID, actions: options.undoActions)
    }

    /// The changes that would stay if the run ended now, as text, the latest first.
    public var openUndos: [String] { faults.openIntents.map(\.summary) }

    /// Runs everything. Every change is restored in the end, and the journal says how the run ended.
    ///
    /// Throws only when the journal, or a report, cannot be written.
    ///
    /// - Returns: what was reported last.
    public func run(_ sources: [ExperimentSource]) async throws -> Findings {
        let first = JournalRecord(at: .origin, event: .runStarted(await header(sources)))
        // Before the journal says that there is a run: whoever finds one finds its reports too.
        var findings = FindingsReducer()
        findings.add(first)
        try report(findings.findings())
        try journal.append(first.event, at: first.at)
        do {
            var ordinal = 0
            for experiment in sources.flatMap(\.experiments) {
                try await run(experiment, &ordinal)
            }
        } catch {
            try note(error)
        }
        try journal.appendDurably(.runEnded(RunEnded(restored: faults.openIntents.isEmpty)))
        return try checkpoint()
    }

    @discardableResult private func checkpoint() throws -> Findings {
        let findings = judge.findings()
        try report(findings)
        return findings
    }

    private func run(_ experiment: Experiment, _ ordinal: inout Int) async throws {
        try journal.append(.experimentStarted(ExperimentStarted(name: experiment.name)))
        if ordinal > 0 { try await awaitAftermath(on: experiment.target) }
        let preflight = await Preflight(client: client, experiment: experiment, options: options, eventLoopGroup: eventLoopGroup).run()
        for check in preflight.checks { try journal.append(.preflightCheck(check)) }
        try checkpoint()
        guard let server = preflight.server else { return }
        let lock = TargetLock(
            client: client, namespace: experiment.target.namespace, workload: experiment.target.workload, holder: options.runID)
        do {
            try await lock.acquire()
        } catch let error as TargetError {
            try journal.append(
                .preflightCheck(PreflightCheck(name: error.check, status: .failed, message: error.message, hint: error.hint)))
            return
        }
        let result = await Result {
            let repeats = options.repeatOverride ?? experiment.repeats
            for number in 1...repeats {
                ordinal += 1
                if number > 1, experiment.pauseBetween > .zero {
                    try await journal.clock.sleep(until: journal.clock.now + experiment.pauseBetween)
                }
                let runner = RepeatRunner(
                    client: client, journal: journal, experiment: experiment, options: options, server: server,
                    eventLoopGroup: eventLoopGroup, faults: faults, number: number, ordinal: ordinal)
                guard try await run(runner, number, of: repeats, lock) else { break }
            }
        }
        // In a task of its own, which the interruption of this one does not reach. A change that is not restored stays marked, also on
        // the lease.
        if try await Task(operation: { try await faults.restore() }).value { await release(lock) }
        try result.get()
    }

    /// - Returns: `true` when the next repeat makes sense: everything is restored, and nobody else has taken the target.
    private func run(_ runner: RepeatRunner, _ number: Int, of total: Int, _ lock: TargetLock) async throws -> Bool {
        try journal.append(.repeatStarted(RepeatStarted(number: number, of: total)))
        do {
            let ended = try await withThrowingTaskGroup(of: RepeatEnded?.self) { group in
                group.addTask { try await runner.run() }
                group.addTask {
                    try await lock.keep()
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            guard let ended else {
                try journal.append(.repeatEnded(RepeatEnded(how: .aborted, reason: "another harness has taken the target's lease")))
                return false
            }
            try journal.append(.repeatEnded(ended))
        } catch {
            let reason = interruption.cause.map { "interrupted by \($0)" } ?? "\(error)"
            try journal.append(.repeatEnded(RepeatEnded(how: .aborted, reason: reason)))
            // Errors of the target or the API server are for the verdict, and the next experiment goes on. The rest is the harness's own.
            guard interruption.cause == nil, error is TargetError || error is LedgerError || error is KubernetesError else { throw error }
            try checkpoint()
            return false
        }
        try checkpoint()
        return faults.openIntents.isEmpty
    }

    /// A pod that the experiment before has replaced may still be on its way out: no reason to refuse the next one.
    private func awaitAftermath(on target: Experiment.Target) async throws {
        do {
            try await TargetReadiness(client: client, target: target).awaitAftermath(atMost: Self.aftermath)
        } catch {
            // A target that cannot be looked at is what the preflight is about to say, with a hint.
            try Task.checkCancellation()
        }
    }

    /// The time for an earlier experiment's pod to go and the next one to be ready: twice Kubernetes' default grace period.
    private static let aftermath = Duration.seconds(60)

    /// A lease that cannot be given up runs out by itself.
    private func release(_ lock: TargetLock) async {
        await Task {
            do {
                try await lock.release()
            } catch {
                _ = try? journal.append(
                    .observation(
                        ClusterObservation(
                            kind: .event, object: "lease/\(lock.name)", detail: "it could not be given up and runs out: \(error)")))
            }
        }.value
    }

    private func note(_ error: any Error) throws {
        if let signal = interruption.cause {
            try journal.append(.interrupted(Interrupted(cause: signal, message: "the harness was told to stop")))
        } else {
            try journal.append(.interrupted(Interrupted(cause: "error", message: "\(error)")))
        }
    }

    private func header(_ sources: [ExperimentSource]) async -> RunStarted {
        let serverVersion: String
        do throws(KubernetesError) {
            serverVersion = try await client.version().gitVersion
        } catch {
            // Not reachable: the preflight says so, with a hint. The journal begins all the same.
            serverVersion = "unknown"
        }
        return RunStarted(
            runID: options.runID, version: options.version, startedAt: Date().formatted(.iso8601),
            host: ProcessInfo.processInfo.hostName, seed: options.seed, context: client.configuration.contextName,
            serverVersion: serverVersion,
            sources: sources.map { source in
                RunStarted.Source(file: source.file, text: source.text, effective: source.experiments.map(\.effective))
            },
            repeatOverride: options.repeatOverride, command: options.command)
    }
}

/// Who told the run to stop. Set before its task is cancelled.
public final class Interruption: Sendable {
    private let signal = Mutex<String?>(nil)

    public init() {}

    /// `SIGINT`, `SIGTERM`; `nil` while nobody did.
    public var cause: String? { signal.withLock { $0 } }

    public func stop(by cause: String) { signal.withLock { $0 = $0 ?? cause } }
}

extension Result where Success == Void, Failure == any Error {
    /// The outcome of an operation that is looked at later.
    fileprivate init(_ operation: () async throws -> Void) async {
        do {
            self = .success(try await operation())
        } catch {
            self = .failure(error)
        }
    }
}
