public import Journal
import Synchronization

/// Judges a journal that is still written: each look reads only what has come since the one before.
public final class JournalJudge: Sendable {
    private struct State {
        var reader: JournalReader
        var reducer: FindingsReducer
    }

    private let state: Mutex<State>

    /// Throws when the file cannot be opened.
    public init(path: String, limits: Limits = Limits()) throws(JournalError) {
        state = Mutex(State(reader: try JournalReader(path: path), reducer: FindingsReducer(limits: limits)))
    }

    /// Of all records that are there by now.
    public func findings() -> Findings {
        state.withLock { state in
            while let record = state.reader.next() { state.reducer.add(record) }
            if let damage = state.reader.damage { state.reducer.addDamage(damage.description) }
            return state.reducer.findings()
        }
    }
}
