public import Journal

/// The outcomes of the probes by the second for which they were intended. They give rates, never bounds.
public struct SecondBuckets: Sendable, Hashable {
    /// The numbers of one second.
    public struct Bucket: Sendable, Hashable {
        public var succeeded = 0
        public var failed = 0
        /// Not started because the harness was late.
        public var late = 0
        /// Not started because the in-flight cap was reached.
        public var capped = 0
        /// Not started because the lane's only connection still waited for an answer.
        public var waiting = 0
    }

    /// One week: a journal with wrong times must not fill the memory.
    static let longest = 7 * 86_400

    public let start: RunTime
    public private(set) var buckets: [Bucket] = []

    init(from start: RunTime) {
        self.start = start
    }

    mutating func record(intended: RunTime, succeeded: Bool) {
        let index = index(intended)
        if succeeded {
            buckets[index].succeeded += 1
        } else {
            buckets[index].failed += 1
        }
    }

    mutating func recordSkipped(at intended: RunTime, _ reason: ProbeSkipped.Reason) {
        let index = index(intended)
        switch reason {
        case .lag: buckets[index].late += 1
        case .inFlightCap: buckets[index].capped += 1
        case .busy, .noAddress: buckets[index].waiting += 1
        }
    }

    private mutating func index(_ time: RunTime) -> Int {
        let index = min(Self.longest, Int(max(0, (time - start).wholeNanoseconds) / 1_000_000_000))
        // Empty buckets share what they hold.
        if buckets.count <= index { buckets += Array(repeating: Bucket(), count: index + 1 - buckets.count) }
        return index
    }
}
