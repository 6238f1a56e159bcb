public import Journal

/// The outcomes of probes or writes by the small slice of time for which they were intended. They give pictures, never bounds.
///
/// A long repeat has wider slices. Two slices are merged by adding them, so that a single failure stays visible.
public struct TimeStrip: Sendable, Hashable {
    /// The numbers of one slice.
    public struct Slice: Sendable, Hashable {
        public var succeeded: UInt16 = 0
        public var failed: UInt16 = 0
        /// Writes without an answer.
        public var unknown: UInt16 = 0
        /// The ``latencyClass(_:)`` of the slowest success, plus one; 0 if there is no success.
        public var slowest: UInt8 = 0

        public var isEmpty: Bool { succeeded == 0 && failed == 0 && unknown == 0 }

        fileprivate mutating func add(_ other: Slice) {
            succeeded.addUpToLimit(other.succeeded)
            failed.addUpToLimit(other.failed)
            unknown.addUpToLimit(other.unknown)
            slowest = max(slowest, other.slowest)
        }
    }

    /// The outcome of a probe or write.
    public enum Outcome: Sendable {
        case succeeded(Duration)
        case failed, unknown
    }

    static let finest = Duration.milliseconds(50)
    static let mostSlices = 8192

    /// Classes up to 1 ms · 2^14 = 16.4 s, and one for slower ones.
    public static let latencyClasses = 16

    public let start: RunTime
    public private(set) var step = TimeStrip.finest
    public private(set) var slices: [Slice] = []

    init(from start: RunTime) {
        self.start = start
    }

    mutating func record(intended: RunTime, _ outcome: Outcome) {
        var slice = Slice()
        switch outcome {
        case .succeeded(let took):
            slice.succeeded = 1
            slice.slowest = UInt8(Self.latencyClass(took) + 1)
        case .failed: slice.failed = 1
        case .unknown: slice.unknown = 1
        }
        let index = index(of: intended)
        while slices.count <= index { slices.append(Slice()) }
        slices[index].add(slice)
    }

    /// Returns the first class whose upper end is above `latency`: 1 ms, 2 ms, 4 ms...
    public static func latencyClass(_ latency: Duration) -> Int {
        let milliseconds = max(0, latency.wholeNanoseconds) / 1_000_000
        return min(latencyClasses - 1, Int64.bitWidth - milliseconds.leadingZeroBitCount)
    }

    private mutating func index(of time: RunTime) -> Int {
        let since = max(0, time.nanoseconds - start.nanoseconds)
        while since / step.wholeNanoseconds >= Self.mostSlices { halve() }
        return Int(since / step.wholeNanoseconds)
    }

    private mutating func halve() {
        slices = stride(from: 0, to: slices.count, by: 2).map { index in
            var slice = slices[index]
            if index + 1 < slices.count { slice.add(slices[index + 1]) }
            return slice
        }
        step *= 2
    }
}

extension UInt16 {
    fileprivate mutating func addUpToLimit(_ other: UInt16) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? .max : sum
    }
}
