import Experiment
import Fault
import Foundation
public import Journal
public import Kubernetes
import Ledger
public import NIOCore
import Synchronization
import TDS
public import Verdict

/// A whole run: every experiment, every repeat, one journal.
///
/// The runner only appends facts. The findings interpret them.
public struct Runner: Sendable {
    private let client: KubernetesClient
    private let options: RunOptions
    private let eventLoopGroup: any EventLoopGroup
    private let journal: JournalWriter
    private let judge: JournalJudge
    private let faults: FaultContext
    private let kept = KeptLedgers()
    private let report: @Sendable (Findings) throws -> Void
    private let interruption: Interruption

    /// - Parameters:
    ///   - interruption: holds the reason for which the run's task is cancelled.
    ///   - observer: receives every record, for progress.
    ///   - report: receives the findings when they change: before the first record, after every repeat, at the end.
    public init(
        client: KubernetesClient, options: RunOptions, eventLoopGroup: any EventLoopGroup, interruption: Interruption = Interruption(),
        observer: @escaping @Sendable (JournalRecord) -> Void, report: @escaping @Sendable (Findings) throws -> Void
    ) throws(JournalError) {
        self.client = client
        self.options = options
        self.eventLoopGroup = eventLoopGroup
        self.interruption = interruption
        self.report = report
        journal = try JournalWriter(creating: options.journalPath, clock: options.part?.clock ?? RunClock(), observer: observer)
        judge = try JournalJudge(path: options.journalPath)
        faults = FaultContext(client: client, journal: journal, runID: options.runID, actions: options.undoActions)
    }

    /// The changes that are not undone yet, as text, the latest first.
    public var openUndos: [String] { faults.openIntents.map(\.summary) }

    /// Runs all experiments. Restores every change at the end, and returns how the run ended, even if the journal or the reports can no
    /// longer be written.
    ///
    /// - Returns: the last findings.
    public func run(_ sources: [ExperimentSource]) async -> Findings {
        do {
            try await begin(sources)
            try await run(sources.flatMap(\.experiments))
        } catch {
            note(error)
        }
        await options.part?.leave()
        note(.runEnded(RunEnded(restored: faults.openIntents.isEmpty)))
        return conclude()
    }

    /// The reports exist before the journal names the run, so that a reader of the journal finds them.
    private func begin(_ sources: [ExperimentSource]) async throws {
        let first = JournalRecord(at: .origin, event: .runStarted(await header(sources)))
        var findings = FindingsReducer()
        findings.add(first)
        try report(findings.findings(isRunning: true))
        try journal.append(first.event, at: first.at)
    }

    private func checkpoint() throws {
        try journal.checkPlace()
        try report(judge.findings(isRunning: true))
    }

    /// Writes the last reports. The findings are true even if neither the journal nor a report could be written.
    private func conclude() -> Findings {
        do {
            try journal.checkPlace()
            let findings = judge.findings(with: journal.unwritten)
            try report(findings)
            return findings
        } catch {
            note(error)
            let findings = judge.findings(with: journal.unwritten)
            // A missing report is better than one that says that the run still goes on.
            try? report(findings)
            return findings
        }
    }

    // MARK: Experiments

    /// Checks all experiments and locks their targets before any of them is touched. Then runs them.
    private func run(_ experiments: [Experiment]) async throws {
        var locks: [TargetLock] = []
        let result = await Result {
            var servers: [TDSConfiguration] = []
            try await options.part?.awaitChecks()
            for experiment in experiments {
                try journal.append(.experimentStarted(ExperimentStarted(name: experiment.name)))
                var preflight = await check(experiment)
                if preflight.passed, options.part?.takesLockLate != true { await take(experiment.target, &locks, &preflight) }
                // A check that failed because of the interruption says nothing about the target.
                try Task.checkCancellation()
                for check in preflight.checks { try journal.append(.preflightCheck(check)) }
                if preflight.passed, let server = preflight.server { servers.append(server) }
                try checkpoint()
            }
            guard servers.count == experiments.count else { return }
            let checked = servers
            guard let isLate = try await awaitTurn(experiments, &locks) else { return }
            try await whileHolding(locks) { try await run(experiments, at: checked, isLate: isLate) }
        }
        // A task of its own, because the cancellation of this one must not stop the undo. A change that is not undone keeps its mark.
        await Task {
            do throws(JournalError) {
                _ = try await faults.restore()
            } catch {
                note(error)
            }
            guard faults.openIntents.isEmpty else { return }
            for lock in locks { await release(lock) }
        }.value
        try result.get()
    }

    /// Waits until the experiment may run beside others of the command.
    ///
    /// - Returns: whether others have run meanwhile; `nil` if it may not begin at all, for a reason that is in the journal.
    private func awaitTurn(_ experiments: [Experiment], _ locks: inout [TargetLock]) async throws -> Bool? {
        guard let part = options.part else { return false }
        var preflight = Preflight.Outcome()
        let turn = try await whileHolding(locks) { try await part.awaitTurn() }
        switch turn {
        case .begin(let isLate):
            if part.takesLockLate {
                for experiment in experiments { await take(experiment.target, &locks, &preflight) }
            }
            guard !preflight.passed else { return isLate }
        case .refused(let names):
            preflight.fail(
                "others", "the checks of \(names.joined(separator: ", ")) have failed, and nothing is touched before all have passed",
                hint: "see the report of \(names[0])")
        }
        for check in preflight.checks { try journal.append(.preflightCheck(check)) }
        try checkpoint()
        return nil
    }

    private func check(_ experiment: Experiment) async -> Preflight.Outcome {
        var options = options
        options.earlierShutdowns += EarlierShutdown.seen(in: judge.findings(isRunning: true))
        return await Preflight(client: client, experiment: experiment, options: options, eventLoopGroup: eventLoopGroup).run()
    }

    /// Takes the target's lease once for all experiments on it.
    private func take(_ target: Experiment.Target, _ locks: inout [TargetLock], _ preflight: inout Preflight.Outcome) async {
        // The checks of the other experiments may take long.
        for taken in locks { _ = try? await taken.acquire() }
        let lock = TargetLock(client: client, namespace: target.namespace, workload: target.workload, holder: options.runID)
        guard !locks.contains(where: { $0.namespace == lock.namespace && $0.name == lock.name }) else { return }
        do {
            let earlier = try await lock.acquire()
            locks.append(lock)
            if let earlier {
                preflight.warn(
                    "lock", "run \(earlier) held the target's Lease and no longer renewed it: this run takes it over",
                    hint: "'aftershock restore --run-id \(earlier)' restores changes that it may have left")
            }
        } catch let error as TargetError {
            preflight.fail(error.check, error.message, hint: error.hint)
        } catch let error as KubernetesError {
            preflight.fail("lock", "the target's Lease cannot be taken: \(error.message)", hint: error.hint)
        } catch {
            preflight.fail("lock", "the target's Lease cannot be taken: \(error)")
        }
    }

    /// Renews the leases while `body` runs, and cancels it if another harness takes one.
    private func whileHolding<Value: Sendable>(
        _ locks: [TargetLock], _ body: @Sendable @escaping () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Held<Value>.self) { group in
            for lock in locks {
                group.addTask {
                    try await lock.keep()
                    return .lost(lock)
                }
            }
            group.addTask { .done(try await body()) }
            defer { group.cancelAll() }
            while let ended = try await group.next() {
                switch ended {
                case .done(let value):
                    guard interruption.loss == nil else { throw CancellationError() }
                    return value
                case .lost(let lock):
                    interruption.lose("another harness has taken the target's lease (\(lock.namespace)/\(lock.name))")
                    group.cancelAll()
                }
            }
            throw CancellationError()
        }
    }

    /// - Parameter isLate: whether others have run since the experiments were checked.
    private func run(_ experiments: [Experiment], at servers: [TDSConfiguration], isLate: Bool) async throws {
        var ordinal = 0
        for (experiment, server) in zip(experiments, servers) {
            var server = server
            if ordinal > 0 || isLate {
                // The target was healthy before the others ran, but may not be any more.
                try journal.append(.experimentStarted(ExperimentStarted(name: experiment.name)))
                try await awaitQuietTarget(of: experiment.target)
                let preflight = await check(experiment)
                try Task.checkCancellation()
                for check in preflight.checks { try journal.append(.preflightCheck(check)) }
                try checkpoint()
                guard let checked = preflight.server else { continue }
                server = checked
            } else if experiments.count > 1 {
                try journal.append(.experimentStarted(ExperimentStarted(name: experiment.name)))
            }
            let repeats = options.repeatOverride ?? experiment.repeats
            for number in 1...repeats {
                ordinal += 1
                if number > 1, experiment.pauseBetween > .zero {
                    try await journal.clock.sleep(until: journal.clock.now + experiment.pauseBetween)
                }
                let runner = RepeatRunner(
                    client: client, journal: journal, experiment: experiment, options: options, server: server,
                    eventLoopGroup: eventLoopGroup, faults: faults, kept: kept, number: number, ordinal: ordinal)
                guard try await run(runner, number, of: repeats) else { break }
            }
        }
    }

    /// - Returns: whether every change is undone, so that the next repeat can start.
    private func run(_ runner: RepeatRunner, _ number: Int, of total: Int) async throws -> Bool {
        try journal.append(.repeatStarted(RepeatStarted(number: number, of: total)))
        do {
            try journal.append(.repeatEnded(try await runner.run()))
        } catch {
            let reason = interruption.loss ?? interruption.cause.map { "interrupted by \($0)" } ?? "\(error)"
            try journal.append(.repeatEnded(RepeatEnded(how: .aborted, reason: reason)))
            // Errors of the target and the API server are for the verdict, and the next experiment runs. All others are the harness's own.
            guard !interruption.isThere, error is TargetError || error is LedgerError || error is KubernetesError else { throw error }
            // A task of its own, as above. The next experiment must not meet the changes of this one.
            _ = try await Task { try await faults.restore { !isKept($0, by: runner) } }.value
            try checkpoint()
            return false
        }
        try checkpoint()
        return faults.openIntents.allSatisfy { isKept($0, by: runner) }
    }

    /// Returns whether a change is the ledger of later repeats, which is removed at the end of the run.
    private func isKept(_ intent: UndoIntent, by runner: RepeatRunner) -> Bool {
        intent.isOnServer && runner.experiment.ledger.keep == .run
    }

    /// A pod that the previous experiment replaced may still be terminating, which is no reason to refuse the next one.
    private func awaitQuietTarget(of target: Experiment.Target) async throws {
        do {
            try await TargetReadiness(client: client, target: target).waitUntilQuiet(atMost: Self.quietTimeout)
        } catch {
            // The preflight reports a target that cannot be read, with a hint.
            try Task.checkCancellation()
        }
    }

    /// The timeout for an earlier experiment's pod to end and the next one to be ready: twice Kubernetes' default grace period.
    private static let quietTimeout = Duration.seconds(60)

    /// A lease that cannot be released expires by itself.
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

    private func note(_ error: any Error) {
        if let signal = interruption.cause {
            let isFollowing = error is CancellationError || error is KubernetesError || error is LedgerError || error is TargetError
            let message = "the harness was told to stop" + (isFollowing ? "" : "; then \(error)")
            note(.interrupted(Interrupted(cause: signal, message: message)))
        } else if interruption.loss == nil, interruption.isFirstError() {
            note(.interrupted(Interrupted(cause: "error", message: "\(error)")))
        }
    }

    /// Appends the journal's last records, as far as possible.
    private func note(_ event: Event) {
        // A journal that cannot be written any more keeps them in memory for the findings.
        _ = try? journal.appendDurably(event)
    }

    private func header(_ sources: [ExperimentSource]) async -> RunStarted {
        let serverVersion: String
        do throws(KubernetesError) {
            serverVersion = try await client.version().gitVersion
        } catch {
            // If the API server cannot be reached, the preflight says so with a hint. The journal begins all the same.
            serverVersion = "unknown"
        }
        return RunStarted(
            runID: options.runID, version: options.version, startedAt: options.part?.startedAt ?? Date().formatted(.iso8601),
            host: ProcessInfo.processInfo.hostName, seed: options.seed, context: client.configuration.contextName,
            serverVersion: serverVersion,
            sources: sources.map { source in
                RunStarted.Source(file: source.file, text: source.text, effective: source.experiments.map(\.effective))
            },
            repeatOverride: options.repeatOverride, command: options.command, part: options.part?.place)
    }
}

/// The reason for which a run must stop. Set before its task is cancelled.
public final class Interruption: Sendable {
    private struct State {
        var signal: String?
        var loss: String?
        var hasFailed = false
    }

    private let state = Mutex(State())
    private let whole: Interruption?

    public init() { whole = nil }

    /// Creates the interruption of one part of a run: it stops with the whole, or for reasons that do not concern the other parts.
    public init(following whole: Interruption) { self.whole = whole }

    /// `SIGINT`, `SIGTERM` or `SIGHUP`; `nil` if no signal came.
    public var cause: String? { state.withLock { $0.signal } ?? whole?.cause }

    public func stop(by cause: String) { state.withLock { $0.signal = $0.signal ?? cause } }

    /// The loss of something that the run needs, which is no error of the harness.
    var loss: String? { state.withLock { $0.loss } }

    func lose(_ what: String) { state.withLock { $0.loss = $0.loss ?? what } }

    /// Returns `true` the first time: errors that follow from an error are not reported.
    func isFirstError() -> Bool {
        state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
    }

    var isThere: Bool { cause != nil || loss != nil }
}

/// The outcome of the first task that ends while locks are held.
private enum Held<Value: Sendable>: Sendable {
    case done(Value)
    case lost(TargetLock)
}

extension Result where Success == Void, Failure == any Error {
    /// The outcome of an operation, kept for later.
    fileprivate init(_ operation: () async throws -> Void) async {
        do {
            self = .success(try await operation())
        } catch {
            self = .failure(error)
        }
    }
}
