import Secrets

extension Event {
    /// Returns the event with every secret that this process knows masked in foreign text: of servers, programs and cluster objects.
    ///
    /// Undo intents are not masked: they come from the experiment, must be executed unchanged, and are compared with their marks.
    var withoutSecrets: Event {
        switch self {
        case .runStarted(var run):
            run.serverVersion = run.serverVersion.withoutSecrets
            run.command = run.command.withoutSecrets
            return .runStarted(run)
        case .preflightCheck(var check):
            check.message = check.message.withoutSecrets
            check.hint = check.hint?.withoutSecrets
            return .preflightCheck(check)
        case .ledgerPrepared(var ledger):
            ledger.server = ledger.server?.withoutSecrets
            return .ledgerPrepared(ledger)
        case .probe(var probe):
            guard let failure = probe.failure else { return self }
            probe.failure = failure.withoutSecrets
            return .probe(probe)
        case .vantage(var seen):
            seen.detail = seen.detail?.withoutSecrets
            return .vantage(seen)
        case .idleAsked(var asked):
            asked.failure = asked.failure?.withoutSecrets
            return .idleAsked(asked)
        case .databaseAsked(var asked):
            asked.failure = asked.failure?.withoutSecrets
            return .databaseAsked(asked)
        case .clientFailed(var failed):
            failed.message = failed.message.withoutSecrets
            return .clientFailed(failed)
        case .write(var write):
            guard let failure = write.failure else { return self }
            write.failure = failure.withoutSecrets
            return .write(write)
        case .observation(var observation):
            observation.detail = observation.detail?.withoutSecrets
            return .observation(observation)
        case .serverLog(var entry):
            entry.text = entry.text.withoutSecrets
            return .serverLog(entry)
        case .engine(let engine): return .engine(engine.withoutSecrets)
        case .recoveryDebt(var debt):
            debt.evidence = debt.evidence.map(\.withoutSecrets)
            debt.missing = debt.missing?.withoutSecrets
            return .recoveryDebt(debt)
        case .blind(var interval):
            interval.reason = interval.reason.withoutSecrets
            return .blind(interval)
        case .faultBegun(var fault):
            fault.summary = fault.summary.withoutSecrets
            return .faultBegun(fault)
        case .faultInjected(var fault):
            fault.detail = fault.detail.withoutSecrets
            return .faultInjected(fault)
        case .faultEffect(var effect):
            effect.evidence = effect.evidence.map(\.withoutSecrets)
            return .faultEffect(effect)
        case .undoResult(var result):
            result.evidence = result.evidence.withoutSecrets
            return .undoResult(result)
        case .ledgerChecked(var ledger):
            ledger.gone = ledger.gone.withoutSecrets
            ledger.checkDatabase = ledger.checkDatabase.withoutSecrets
            ledger.checkDatabaseSkipped = ledger.checkDatabaseSkipped?.withoutSecrets
            ledger.settledBy = ledger.settledBy?.withoutSecrets
            return .ledgerChecked(ledger)
        case .ledgerUnchecked(var ledger):
            ledger.reason = ledger.reason.withoutSecrets
            return .ledgerUnchecked(ledger)
        case .repeatEnded(var ended):
            ended.reason = ended.reason?.withoutSecrets
            return .repeatEnded(ended)
        case .interrupted(var interruption):
            interruption.message = interruption.message.withoutSecrets
            return .interrupted(interruption)
        case .experimentStarted, .repeatStarted, .stageEntered, .probesStarted, .probeSkipped, .idleStarted, .snapshot, .undoIntent,
            .runEnded:
            return self
        }
    }
}

extension Failure {
    fileprivate var withoutSecrets: Failure {
        var failure = self
        failure.message = message?.withoutSecrets
        return failure
    }
}

extension EngineState {
    fileprivate var withoutSecrets: EngineState {
        var state = self
        state.serverName = serverName?.withoutSecrets
        state.version = version?.withoutSecrets
        state.edition = edition?.withoutSecrets
        state.databases = databases?.map { Database(name: $0.name.withoutSecrets, state: $0.state.withoutSecrets) }
        state.notAsked = notAsked.mapValues(\.withoutSecrets)
        return state
    }
}

extension [String]? {
    fileprivate var withoutSecrets: [String]? { map { $0.map(\.withoutSecrets) } }
}
