@testable import SandboxSQL

/// Keeps what a session answers.
final class CollectingSink: ResultSink {
    var sets: [(columns: [ResultColumn], rows: [[SQLValue]])] = []
    var errors: [SQLError] = []
    var infos: [SQLError] = []
    var ends: [StatementEnd] = []
    var changes: [SessionChange] = []

    func columns(_ columns: [ResultColumn]) throws(SessionEnd) { sets.append((columns, [])) }
    func row(_ values: [SQLValue]) throws(SessionEnd) { sets[sets.count - 1].rows.append(values) }
    func done(_ done: StatementEnd) { ends.append(done) }
    func error(_ error: SQLError) { errors.append(error) }
    func info(_ info: SQLError) { infos.append(info) }
    func change(_ change: SessionChange) { changes.append(change) }
}
