public import Experiment
public import Journal

/// Reads a journal's records one by one, and gives the findings at any moment: of a run that goes on, has ended, or was killed.
///
/// It needs memory for one repeat and for the findings of earlier repeats, whatever the length of the run.
public struct FindingsReducer: Sendable {
    private struct ExperimentFacts: Sendable {
        var name: String
        var experiment: Experiment?
        var started: RunTime?
        var ended: RunTime?
        var preflight: [PreflightCheck] = []
        /// Is `true` if the experiment began again after others had run: the next checks replace the first ones.
        var isBegunAgain = false
        var repeatsAsked: Int
        /// The finished repeats, judged apart from later undo results.
        var finished: [RepeatJudge] = []
    }

    private let limits: Limits
    /// The report folder, for the commands in messages.
    private let folder: String?
    private var run: RunStarted?
    private var experiments: [ExperimentFacts] = []
    private let given: [Experiment]?
    /// The index of the experiment that runs.
    private var current: Int?
    /// The account of the latest repeat with a ledger, for a repeat that continues it.
    private var account = LedgerAccount()
    private var repeating: RepeatReducer?
    private var runPreflight: [PreflightCheck] = []
    private var undoResults: [Int: UndoResult] = [:]
    private var undoneSinceEnd = false
    private var interruption: Interrupted?
    private var end: RunEnded?
    private var damage: String?
    private var last = RunTime.origin

    /// - Parameter experiments: the experiments to judge by; `nil` to read them from the journal's first record, exactly as they ran.
    public init(experiments: [Experiment]? = nil, limits: Limits = Limits(), folder: String? = nil) {
        given = experiments
        self.folder = folder
        self.limits = limits
    }

    /// Adds damage that kept the journal from being read further.
    public mutating func addDamage(_ reason: String) {
        damage = damage ?? reason
    }

    /// Adds the next record.
    public mutating func add(_ record: JournalRecord) {
        last = max(last, record.at)
        switch record.event {
        case .runStarted(let started): begin(started)
        case .experimentStarted(let started): begin(started, at: record.at)
        case .preflightCheck(let check):
            guard let current else { return runPreflight.append(check) }
            if experiments[current].isBegunAgain { experiments[current].preflight = [] }
            experiments[current].isBegunAgain = false
            experiments[current].preflight.append(check)
        case .repeatStarted(let started):
            finishRepeat()
            guard let current else { return }
            experiments[current].repeatsAsked = started.of
            repeating = RepeatReducer(number: started.number, started: record.at, account: account)
        case .repeatEnded:
            repeating?.add(record)
            finishRepeat()
            if let current { experiments[current].ended = record.at }
        case .undoResult(let result):
            undoResults[result.intent] = result
            undoneSinceEnd = end != nil
        case .interrupted(let interrupted): interruption = interrupted
        case .runEnded(let ended):
            end = ended
            undoneSinceEnd = false
        case .stageEntered, .ledgerPrepared, .probesStarted, .probe, .probeSkipped, .clientFailed, .vantage, .idleStarted, .idleAsked,
            .databaseAsked, .write, .snapshot, .observation, .serverLog, .engine,
            .blind,
            .undoIntent, .recoveryDebt, .faultBegun, .faultInjected, .faultEffect, .ledgerChecked, .ledgerUnchecked:
            repeating?.add(record)
        }
    }

    private mutating func begin(_ started: RunStarted) {
        run = started
        var known = given ?? []
        if given == nil {
            for source in started.sources {
                do {
                    known += try source.experiments()
                } catch {
                    addDamage("the experiment file in its first record cannot be read: \(error)")
                }
            }
        }
        experiments = known.map {
            ExperimentFacts(name: $0.name, experiment: $0, repeatsAsked: started.repeatOverride ?? $0.repeats)
        }
    }

    private mutating func begin(_ started: ExperimentStarted, at time: RunTime) {
        finishRepeat()
        if let known = experiments.firstIndex(where: { $0.name == started.name }) {
            current = known
        } else {
            experiments.append(ExperimentFacts(name: started.name, repeatsAsked: 1))
            current = experiments.count - 1
        }
        guard let current else { return }
        experiments[current].isBegunAgain = experiments[current].started != nil
        experiments[current].started = time
    }

    private mutating func finishRepeat() {
        guard let repeating else { return }
        if repeating.prepared != nil { account = repeating.closingAccount }
        if let current { experiments[current].finished.append(RepeatJudge(repeating, experiments[current].experiment, limits)) }
        self.repeating = nil
    }

    // MARK: Findings

    /// The findings as of the last record. An unfinished repeat or run counts as aborted, unless it is running.
    public func findings(isRunning: Bool = false) -> Findings {
        var judged: [ExperimentFindings] = []
        for (index, facts) in experiments.enumerated() {
            let found = findings(of: facts, isCurrent: index == current)
            judged.append(isRunning ? found.unjudged : found)
        }
        let restored = restored
        let isComplete = end != nil && damage == nil
        let state: Findings.State = isRunning ? .running : !isComplete ? .killed : interruption != nil ? .aborted : .judged
        var findings = Findings(
            state: state,
            run: run.map {
                Findings.Run(
                    id: $0.runID, version: $0.version, startedAt: $0.startedAt, host: $0.host, context: $0.context,
                    serverVersion: $0.serverVersion, seed: $0.seed, command: $0.command, sources: $0.sources, part: $0.part)
            },
            experiments: judged, interruption: interruption, damage: damage, isComplete: isComplete,
            restored: restored, verdict: .invalid, exitCode: .invalid, ended: last)
        findings.verdict = Verdict.combined(judged.map(\.verdict)) ?? .invalid
        if !findings.isComplete, findings.verdict == .pass { findings.verdict = .aborted }
        let left = intents.filter { undoResults[$0.id]?.proven != true }
        findings.exitCode = findings.decideExitCode(leavesOnlyTables: !left.isEmpty && left.allSatisfy(\.isOnServer))
        return findings
    }

    private var intents: [UndoIntent] { experiments.flatMap(\.finished).flatMap(\.facts.intents) + (repeating?.intents ?? []) }

    /// Is `true` if a repeat began, so that "nothing was touched" would not be true.
    private var isTouched: Bool { repeating != nil || experiments.contains { !$0.finished.isEmpty } }

    private var restored: Bool? {
        let intents = intents
        guard intents.allSatisfy({ undoResults[$0.id]?.proven == true }) else { return false }
        if end?.restored == false && !undoneSinceEnd { return false }
        return intents.isEmpty ? nil : true
    }

    /// The reason, by the journal, why a part that is unfinished at the last record will not finish.
    private var unfinished: Doubt? {
        if let damage { return Doubt(.journalDamaged, "the journal is damaged: \(damage)") }
        if let interruption { return Doubt(.interrupted, "\(interruption.cause): \(interruption.message)") }
        guard end == nil else { return nil }
        let stage = repeating?.stages.last.map { " at the stage '\($0.stage.rawValue)'" } ?? " before a repeat was under way"
        let open = (experiments.flatMap(\.finished).map(\.facts) + [repeating].compactMap(\.self)).flatMap(\.intents)
            .filter { undoResults[$0.id]?.proven != true }.map(\.summary)
        let left =
            open.isEmpty ? "nothing is left to restore" : "this may still be changed: \(open.joined(separator: "; ")). Restore it with"
        return Doubt(
            .journalEndedEarly,
            "the harness was killed\(stage); \(left)\(open.isEmpty ? "" : ": \(restoreCommand)")")
    }

    /// The command that restores the changes of the run.
    private var restoreCommand: String {
        let intents = (experiments.flatMap(\.finished).map(\.facts) + [repeating].compactMap(\.self)).flatMap(\.intents)
        let names = intents.contains { $0.kind == "runCommand" && undoResults[$0.id]?.proven != true } ? "--run-commands" : nil
        return ["aftershock restore --run \(folder ?? "FOLDER")", run.map { "--context \($0.context)" }, names].compactMap(\.self)
            .joined(separator: " ")
    }

    private func undo(_ facts: RepeatReducer) -> [UndoFinding] {
        facts.intents.map { intent in
            let result = undoResults[intent.id]
            return UndoFinding(intent: intent.id, summary: intent.summary, proven: result?.proven, evidence: result?.evidence)
        }
    }

    private func findings(of facts: ExperimentFacts, isCurrent: Bool) -> ExperimentFindings {
        var judges = facts.finished
        if isCurrent, let repeating { judges.append(RepeatJudge(repeating, facts.experiment, limits)) }
        let repeats = judges.map { judge in
            var judge = judge
            judge.undo = undo(judge.facts)
            if judge.facts.isRunning {
                judge.unfinished = unfinished ?? Doubt(.journalEndedEarly, "the repeat has no end in the journal")
            }
            return judge.findings()
        }
        let judge = ExperimentJudge(
            name: facts.name, experiment: facts.experiment, preflight: runPreflight + facts.preflight, repeatsAsked: facts.repeatsAsked,
            repeats: repeats, hasStarted: facts.started != nil, isCurrent: isCurrent, unfinished: unfinished,
            refused: experiments.first { $0.preflight.contains { $0.status == .failed } }?.name, isTouched: isTouched)
        return judge.findings(started: facts.started, ended: facts.ended ?? (facts.started == nil ? nil : last))
    }
}

extension Findings {
    /// Precedence: not restored, data lost, failed, then the end of the run, inconclusive, preflight.
    ///
    /// If the server never recovered, its verdict matters more than the tables that are left on it, and comes first.
    fileprivate func decideExitCode(leavesOnlyTables: Bool) -> RunExitCode {
        if restored == false, !leavesOnlyTables { return .notRestored }
        let judgements = experiments.flatMap(\.judgements)
        if judgements.contains(where: { $0.outcome == .failed && $0.type == "verdict.data-lost" }) { return .dataLost }
        if verdict == .fail { return .failed }
        if restored == false { return .notRestored }
        switch interruption?.cause {
        case "SIGINT": return .interrupted
        case "SIGTERM": return .terminated
        case "SIGHUP": return .hungUp
        case .some: return .internalError
        case nil: break
        }
        guard verdict != .pass else { return .pass }
        let isRefused = experiments.contains { experiment in experiment.doubts.contains { $0.kind == .preflightFailed } }
        return isRefused && isComplete ? .preflightFailed : .invalid
    }
}
