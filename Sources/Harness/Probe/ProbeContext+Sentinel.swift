import Journal
import TDS

extension ProbeContext {
    /// Asks `sentinel` and compares the answer. If that fails, `connection` cannot be used any more.
    func ask(_ sentinel: Sentinel, _ connection: TDSConnection, _ deadline: RunTime, _ outcome: inout ProbeOutcome) async {
        let started = clock.now
        guard started < deadline else {
            outcome.failure = Failure(phase: "query", kind: "timeout")
            return
        }
        do throws(TDSError) {
            let result = try await connection.query(Sentinel.statement, sentinel.values, timeout: deadline - started)
            if let mismatch = sentinel.mismatch(in: result) {
                outcome.failure = Failure(phase: "query", kind: "wrongAnswer", message: mismatch)
            } else {
                outcome.completed("query", took: clock.now - started)
            }
        } catch {
            outcome.failure = Failure(error)
        }
    }
}
