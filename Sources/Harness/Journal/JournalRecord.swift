/// One line of a journal: a fact and its time.
public struct JournalRecord: Sendable, Hashable {
    public var at: RunTime
    public var event: Event

    public init(at: RunTime, event: Event) {
        self.at = at
        self.event = event
    }
}

/// The facts that a run appends. Findings depend on their sequence and on nothing else.
public enum Event: Sendable, Hashable {
    case runStarted(RunStarted)
    case experimentStarted(ExperimentStarted)
    case preflightCheck(PreflightCheck)
    case repeatStarted(RepeatStarted)
    case stageEntered(StageEntered)
    case ledgerPrepared(LedgerPrepared)
    case probesStarted(ProbesStarted)
    case probe(ProbeResult)
    case probeSkipped(ProbeSkipped)
    case clientFailed(ClientFailed)
    case vantage(VantageSeen)
    case idleStarted(IdleStarted)
    case idleAsked(IdleAsked)
    case databaseAsked(DatabaseAsked)
    case write(WriteResult)
    case snapshot(Snapshot)
    case observation(ClusterObservation)
    case serverLog(ServerLogEntry)
    case engine(EngineState)
    case blind(BlindInterval)
    case undoIntent(UndoIntent)
    case recoveryDebt(RecoveryDebt)
    case faultBegun(FaultBegun)
    case faultInjected(FaultInjected)
    case faultEffect(FaultEffect)
    case undoResult(UndoResult)
    case ledgerChecked(LedgerChecked)
    case ledgerUnchecked(LedgerUnchecked)
    case repeatEnded(RepeatEnded)
    case interrupted(Interrupted)
    case runEnded(RunEnded)
}

extension Event {
    /// Is `true` if the event is a probe or a write. There are many of them, and no single one matters.
    var isRoutine: Bool {
        switch self {
        case .probe, .probeSkipped, .write: true
        default: false
        }
    }
}

extension JournalRecord: Codable {
    private enum Key: String, CodingKey {
        case at, event
    }

    /// The names of the events in the journal.
    enum Name: String, Codable, CaseIterable {
        case runStarted, experimentStarted, preflightCheck, repeatStarted, stageEntered, ledgerPrepared, probesStarted, probe,
            probeSkipped, clientFailed, vantage, idleStarted, idleAsked, databaseAsked, write, snapshot, observation, serverLog, engine,
            blind,
            undoIntent, recoveryDebt, faultBegun, faultInjected, faultEffect, undoResult, ledgerChecked, ledgerUnchecked, repeatEnded,
            interrupted,
            runEnded
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        at = try container.decode(RunTime.self, forKey: .at)
        switch try container.decode(Name.self, forKey: .event) {
        case .runStarted: event = .runStarted(try RunStarted(from: decoder))
        case .experimentStarted: event = .experimentStarted(try ExperimentStarted(from: decoder))
        case .preflightCheck: event = .preflightCheck(try PreflightCheck(from: decoder))
        case .repeatStarted: event = .repeatStarted(try RepeatStarted(from: decoder))
        case .stageEntered: event = .stageEntered(try StageEntered(from: decoder))
        case .ledgerPrepared: event = .ledgerPrepared(try LedgerPrepared(from: decoder))
        case .probesStarted: event = .probesStarted(try ProbesStarted(from: decoder))
        case .probe: event = .probe(try ProbeResult(from: decoder))
        case .probeSkipped: event = .probeSkipped(try ProbeSkipped(from: decoder))
        case .clientFailed: event = .clientFailed(try ClientFailed(from: decoder))
        case .vantage: event = .vantage(try VantageSeen(from: decoder))
        case .idleStarted: event = .idleStarted(try IdleStarted(from: decoder))
        case .idleAsked: event = .idleAsked(try IdleAsked(from: decoder))
        case .databaseAsked: event = .databaseAsked(try DatabaseAsked(from: decoder))
        case .write: event = .write(try WriteResult(from: decoder))
        case .snapshot: event = .snapshot(try Snapshot(from: decoder))
        case .observation: event = .observation(try ClusterObservation(from: decoder))
        case .serverLog: event = .serverLog(try ServerLogEntry(from: decoder))
        case .engine: event = .engine(try EngineState(from: decoder))
        case .blind: event = .blind(try BlindInterval(from: decoder))
        case .undoIntent: event = .undoIntent(try UndoIntent(from: decoder))
        case .recoveryDebt: event = .recoveryDebt(try RecoveryDebt(from: decoder))
        case .faultBegun: event = .faultBegun(try FaultBegun(from: decoder))
        case .faultInjected: event = .faultInjected(try FaultInjected(from: decoder))
        case .faultEffect: event = .faultEffect(try FaultEffect(from: decoder))
        case .undoResult: event = .undoResult(try UndoResult(from: decoder))
        case .ledgerChecked: event = .ledgerChecked(try LedgerChecked(from: decoder))
        case .ledgerUnchecked: event = .ledgerUnchecked(try LedgerUnchecked(from: decoder))
        case .repeatEnded: event = .repeatEnded(try RepeatEnded(from: decoder))
        case .interrupted: event = .interrupted(try Interrupted(from: decoder))
        case .runEnded: event = .runEnded(try RunEnded(from: decoder))
        }
    }

    /// The event's fields are beside `at` and `event`, so that a line is one flat object.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(at, forKey: .at)
        func write(_ name: Name, _ payload: some Encodable) throws {
            try container.encode(name, forKey: .event)
            try payload.encode(to: encoder)
        }
        switch event {
        case .runStarted(let payload): try write(.runStarted, payload)
        case .experimentStarted(let payload): try write(.experimentStarted, payload)
        case .preflightCheck(let payload): try write(.preflightCheck, payload)
        case .repeatStarted(let payload): try write(.repeatStarted, payload)
        case .stageEntered(let payload): try write(.stageEntered, payload)
        case .ledgerPrepared(let payload): try write(.ledgerPrepared, payload)
        case .probesStarted(let payload): try write(.probesStarted, payload)
        case .probe(let payload): try write(.probe, payload)
        case .probeSkipped(let payload): try write(.probeSkipped, payload)
        case .clientFailed(let payload): try write(.clientFailed, payload)
        case .vantage(let payload): try write(.vantage, payload)
        case .idleStarted(let payload): try write(.idleStarted, payload)
        case .idleAsked(let payload): try write(.idleAsked, payload)
        case .databaseAsked(let payload): try write(.databaseAsked, payload)
        case .write(let payload): try write(.write, payload)
        case .snapshot(let payload): try write(.snapshot, payload)
        case .observation(let payload): try write(.observation, payload)
        case .serverLog(let payload): try write(.serverLog, payload)
        case .engine(let payload): try write(.engine, payload)
        case .blind(let payload): try write(.blind, payload)
        case .undoIntent(let payload): try write(.undoIntent, payload)
        case .recoveryDebt(let payload): try write(.recoveryDebt, payload)
        case .faultBegun(let payload): try write(.faultBegun, payload)
        case .faultInjected(let payload): try write(.faultInjected, payload)
        case .faultEffect(let payload): try write(.faultEffect, payload)
        case .undoResult(let payload): try write(.undoResult, payload)
        case .ledgerChecked(let payload): try write(.ledgerChecked, payload)
        case .ledgerUnchecked(let payload): try write(.ledgerUnchecked, payload)
        case .repeatEnded(let payload): try write(.repeatEnded, payload)
        case .interrupted(let payload): try write(.interrupted, payload)
        case .runEnded(let payload): try write(.runEnded, payload)
        }
    }
}
