import Foundation
public import Journal
import Synchronization

/// Judges a journal that is still being written: each look reads only the new records.
public final class JournalJudge: Sendable {
    private struct State {
        var reader: JournalReader
        var reducer: FindingsReducer
    }

    private let state: Mutex<State>

    /// Throws if the file cannot be opened.
    public init(path: String, limits: Limits = Limits()) throws(JournalError) {
        let folder = (path as NSString).deletingLastPathComponent
        state = Mutex(State(reader: try JournalReader(path: path), reducer: FindingsReducer(limits: limits, folder: folder)))
    }

    /// The findings of all records so far.
    ///
    /// - Parameters:
    ///   - isRunning: whether the run goes on, so that nothing is judged yet.
    ///   - unwritten: later records that could not be written.
    ///   - progress: receives the number of bytes read, from time to time.
    public func findings(
        isRunning: Bool = false, with unwritten: [JournalRecord] = [], progress: (Int64) -> Void = { _ in }
    ) -> Findings {
        state.withLock { state in
            var told: Int64 = 0
            while let record = state.reader.next() {
                state.reducer.add(record)
                if state.reader.size != told {
                    told = state.reader.size
                    progress(told)
                }
            }
            if let flaw = state.reader.flaw { state.reducer.addDamage(flaw.description) }
            var reducer = state.reducer
            for record in unwritten { reducer.add(record) }
            var findings = reducer.findings(isRunning: isRunning)
            findings.isChained = state.reader.isChained
            for experiment in findings.experiments.indices {
                for number in findings.experiments[experiment].repeats.indices {
                    findings.experiments[experiment].repeats[number].isChained = state.reader.isChained
                }
            }
            return findings
        }
    }
}
