import Journal

/// The operations of a client program, from the lines that it prints. The caller passes the times in.
///
/// A line was written after the pipe was last empty and before the line was read. So an operation counts as started when the pipe was
/// last empty before its line, and as ended when its line was read: a delay in the pipe makes bounds wider, never wrong.
struct ClientOperations {
    private struct Operation {
        var slot: Int
        var started: RunTime
        /// The time at which its line was read.
        var seen: RunTime
    }

    /// The most operations that may be in flight at once.
    static let mostUnderWay = 1000
    /// The most operations that may start within a second.
    static let mostInSecond = 500

    private let timeout: Duration
    private var underWay: [String: Operation] = [:]
    /// The operations that missed their deadline, and whose end is still to come.
    private var overdue: Set<String> = []
    private var nextSlot = 0
    private var second = (from: RunTime.origin, count: 0)

    init(timeout: Duration) {
        self.timeout = timeout
    }

    /// Returns the result of `line`; `nil` for a start, and for the end of an operation that missed its deadline.
    ///
    /// - Parameters:
    ///   - since: the time at which the pipe was last empty before the line.
    ///   - now: the time at which it was read.
    mutating func take(_ line: ClientLine, since: RunTime, now: RunTime) throws(ClientProtocolError) -> ProbeResult? {
        switch line {
        case .start(let id):
            try start(id, since: since, now: now)
            return nil
        case .succeeded(let id):
            return try end(id, at: now, nil)
        case .failed(let id, let reason):
            return try end(id, at: now, Failure(phase: "operation", kind: "failed", message: reason))
        }
    }

    /// Returns the operations that missed their deadline, in the order of their starts.
    ///
    /// - Parameter empty: the time at which the pipe was empty, so that no end was written before.
    mutating func expire(empty: RunTime) -> [ProbeResult] {
        let late = underWay.filter { $0.value.seen + timeout <= empty }.sorted { $0.value.slot < $1.value.slot }
        return late.map { id, operation in
            underWay[id] = nil
            overdue.insert(id)
            return result(operation, done: empty, Failure(phase: "operation", kind: "timeout", message: "no end within its time"))
        }
    }

    private mutating func start(_ id: String, since: RunTime, now: RunTime) throws(ClientProtocolError) {
        guard underWay[id] == nil, !overdue.contains(id) else {
            throw ClientProtocolError("operation '\(id)' was started again before it had ended")
        }
        guard underWay.count + overdue.count < Self.mostUnderWay else {
            throw ClientProtocolError("more than \(Self.mostUnderWay) operations are without an end")
        }
        if now - second.from >= .seconds(1) { second = (now, 0) }
        second.count += 1
        guard second.count <= Self.mostInSecond else {
            throw ClientProtocolError("more than \(Self.mostInSecond) operations were started within a second")
        }
        underWay[id] = Operation(slot: nextSlot, started: since, seen: now)
        nextSlot += 1
    }

    private mutating func end(_ id: String, at now: RunTime, _ failure: Failure?) throws(ClientProtocolError) -> ProbeResult? {
        guard overdue.remove(id) == nil else { return nil }
        guard let operation = underWay.removeValue(forKey: id) else {
            throw ClientProtocolError("operation '\(id)' ended without having been started")
        }
        return result(operation, done: now, failure)
    }

    private func result(_ operation: Operation, done: RunTime, _ failure: Failure?) -> ProbeResult {
        ProbeResult(
            track: .client, slot: operation.slot, intended: operation.started, started: operation.started, done: done, failure: failure,
            phases: [:])
    }
}
