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
/// The runner only appends facts. The findings give them their meaning.
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
    ///   - interruption: where whoever cancels the run's task says why.
    ///   - observer: is told of every record, for progress.
    ///   - report: is given the findings when there is something new in them: before the first record, after every repeat, at the end.
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

    /// The changes that would stay if the run ended now, as text, the latest first.
    public var openUndos: [String] { faults.openIntents.map(\.summary) }

    /// Runs everything. Every change is restored in the end, and the findings say how the run ended, even where the journal or the
    /// reports can no longer be written.
    ///
    /// - Returns: what was reported last.
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

    /// Before the journal says that there is a run, its reports are there: whoever finds the one finds the others too.
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

    /// The last reports. The findings are true to what was done even where neither the journal nor a report could take it.
    private func conclude() -> Findings {
        do {
            try journal.checkPlace()
            let findings = judge.findings(with: journal.unwritten)
            try report(findings)
            return findings
        } catch {
            note(error)
            let findings = judge.findings(with: journal.unwritten)
            // A missing report is better than one that says that the run goes on.
            try? report(findings)
            return findings
        }
    }

    // MARK: Experiments

    /// Checks all experiments and takes their targets, before any of them is touched. Then runs them.
    private func run(_ experiments: [Experiment]) async throws {
        var locks: [TargetLock] = []
        let result = await Result {
            var servers: [TDSConfiguration] = []
            try await options.part?.awaitChecks()
            for experiment in experiments {
                try journal.append(.experimentStarted(ExperimentStarted(name: experiment.name)))
                var preflight = await check(experiment)
                if preflight.passed, options.part?.takesLockLate != true { await take(experiment.target, &locks, &preflight) }
                // A check that failed by the interruption says nothing about the target.
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
        // In a task of its own, which the interruption of this one does not reach. A change that is not restored stays marked, also on the lease.
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

    /// Waits until the experiment may go on beside others of the command.
    ///
    /// - Returns: whether others have run meanwhile; `nil`: it may not be begun at all, and the journal says why.
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
        await Preflight(client: client, experiment: experiment, options: options, eventLoopGroup: eventLoopGroup).run()
    }

    /// Takes the target's lease, once for all experiments on it.
    private func take(_ target: Experiment.Target, _ locks: inout [TargetLock], _ preflight: inout Preflight.Outcome) async {
        // Other experiments may take long to check.
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

    /// Renews the leases while `body` runs, and ends it when another harness has taken one.
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

    /// - Parameter isLate: others have run since the experiments were checked.
    private func run(_ experiments: [Experiment], at servers: [TDSConfiguration], isLate: Bool) async throws {
        var ordinal = 0
        for (experiment, server) in zip(experiments, servers) {
            var server = server
            if ordinal > 0 || isLate {
                // The target was well before the others were run, which need not be so any more.
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

    /// - Returns: `true` when every change is restored, so that the next repeat makes sense.
    private func run(_ runner: RepeatRunner, _ number: Int, of total: Int) async throws -> Bool {
        try journal.append(.repeatStarted(RepeatStarted(number: number, of: total)))
        do {
            try journal.append(.repeatEnded(try await runner.run()))
        } catch {
            let reason = interruption.loss ?? interruption.cause.map { "interrupted by \($0)" } ?? "\(error)"
            try journal.append(.repeatEnded(RepeatEnded(how: .aborted, reason: reason)))
            // An error of the target or the API server is for the verdict, and the next experiment goes on. The rest is the harness's own.
            guard !interruption.isThere, error is TargetError || error is LedgerError || error is KubernetesError else { throw error }
            // In a task of its own, as above. The next experiment is not to find what this one has changed.
            _ = try await Task { try await faults.restore { !isKept($0, by: runner) } }.value
            try checkpoint()
            return false
        }
        try checkpoint()
        return faults.openIntents.allSatisfy { isKept($0, by: runner) }
    }

    /// Returns whether a change is the ledger of later repeats, which goes at the end of the run.
    private func isKept(_ intent: UndoIntent, by runner: RepeatRunner) -> Bool {
        intent.isOnServer && runner.experiment.ledger.keep == .run
    }

    /// A pod that the experiment before has replaced may still be on its way out: no reason to refuse the next one.
    private func awaitQuietTarget(of target: Experiment.Target) async throws {
        do {
            try await TargetReadiness(client: client, target: target).waitUntilQuiet(atMost: Self.quietTimeout)
        } catch {
            // A target that cannot be looked at is what the preflight is about to say, with a hint.
            try Task.checkCancellation()
        }
    }

    /// The time for an earlier experiment's pod to go and the next one to be ready: twice Kubernetes' default grace period.
    private static let quietTimeout = Duration.seconds(60)

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

    private func note(_ error: any Error) {
        if let signal = interruption.cause {
            let isFollowing = error is CancellationError || error is KubernetesError || error is LedgerError || error is TargetError
            let message = "the harness was told to stop" + (isFollowing ? "" : "; then \(error)")
            note(.interrupted(Interrupted(cause: signal, message: message)))
        } else if interruption.loss == nil, interruption.isFirstError() {
            note(.interrupted(Interrupted(cause: "error", message: "\(error)")))
        }
    }

    /// Writes down, as far as that is possible, what the journal should end with.
    private func note(_ event: Event) {
        // One that cannot be written any more keeps it for the findings, beside the reason.
        _ = try? journal.appendDurably(event)
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
            runID: options.runID, version: options.version, startedAt: options.part?.startedAt ?? Date().formatted(.iso8601),
            host: ProcessInfo.processInfo.hostName, seed: options.seed, context: client.configuration.contextName,
            serverVersion: serverVersion,
            sources: sources.map { source in
                RunStarted.Source(file: source.file, text: source.text, effective: source.experiments.map(\.effective))
            },
            repeatOverride: options.repeatOverride, command: options.command, part: options.part?.place)
    }
}

/// Why a run is to stop. Set before its task is cancelled.
public final class Interruption: Sendable {
    private struct State {
        var signal: String?
        var loss: String?
        var hasFailed = false
    }

    private let state = Mutex(State())
    private let whole: Interruption?

    public init() { whole = nil }

    /// The interruption of a run that is stopped with a whole, and for reasons of its own that are no concern of the others.
    public init(following whole: Interruption) { self.whole = whole }

    /// `SIGINT`, `SIGTERM`, `SIGHUP`; `nil` while nobody told the run to stop.
    public var cause: String? { state.withLock { $0.signal } ?? whole?.cause }

    public func stop(by cause: String) { state.withLock { $0.signal = $0.signal ?? cause } }

    /// A thing that the run needs and no longer has, which is no error of the harness.
    var loss: String? { state.withLock { $0.loss } }

    func lose(_ what: String) { state.withLock { $0.loss = $0.loss ?? what } }

    /// Returns `true` the first time: errors that follow from an error are not worth another word.
    func isFirstError() -> Bool {
        state.withLock { state in
            defer { state.hasFailed = true }
            return !state.hasFailed
        }
    }

    var isThere: Bool { cause != nil || loss != nil }
}

/// The end of the first of what goes on while locks are held.
private enum Held<Value: Sendable>: Sendable {
    case done(Value)
    case lost(TargetLock)
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
