import Journal

/// The operations of a client program, by the lines that it prints. Pure: it is told the times.
///
/// A line was written after the pipe was last seen empty and before it was read. So an operation counts as started when the pipe was
/// last empty before its line, and as ended when its line was read: what the pipe holds back makes bounds wider, never wrong.
struct ClientOperations {
    private struct Operation {
        var slot: Int
        var started: RunTime
        /// When its line was read.
        var seen: RunTime
    }

    /// The operations that may be under way at once.
    static let mostUnderWay = 1000
    /// The operations that may be started in a second.
    static let mostInSecond = 500

    private let timeout: Duration
    private var underWay: [String: Operation] = [:]
    /// Those that have failed by their deadline, and whose end is still to come.
    private var overdue: Set<String> = []
    private var nextSlot = 0
    private var second = (from: RunTime.origin, count: 0)

    init(timeout: Duration) {
        self.timeout = timeout
    }

    /// The result that `line` tells; `nil` for a start, and for the end of an operation that was too late.
    ///
    /// - Parameters:
    ///   - since: when the pipe was last seen empty before the line.
    ///   - now: when it was read.
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

    /// The operations whose time is up, in the order in which they were started.
    ///
    /// - Parameter empty: when the pipe was seen empty: no end was written before.
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
