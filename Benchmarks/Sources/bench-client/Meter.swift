import Glibc

/// Measures the CPU time of this process, all of its threads and the system's work for it.
enum Meter {
    /// The clocks at one moment, in seconds.
    struct Reading {
        let cpu = Self.read(CLOCK_PROCESS_CPUTIME_ID)
        let wall = Self.read(CLOCK_MONOTONIC)

        private static func read(_ clock: clockid_t) -> Double {
            var time = timespec()
            clock_gettime(clock, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }

        /// Prints one line of JSON.
        func print(since start: Reading, count: Int, others: [String: Double] = [:]) {
            var fields = ["\"count\": \(count)", "\"cpu\": \(cpu - start.cpu)", "\"wall\": \(wall - start.wall)"]
            fields += others.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }
            Swift.print("{\(fields.joined(separator: ", "))}")
        }
    }

    /// Does `work` a fifth of `count` times to warm up, then `count` times, and prints what these took.
    static func measure(_ count: Int, _ work: (Int) async throws -> Void) async rethrows {
        for number in 0..<count / 5 { try await work(number) }
        let start = Reading()
        for number in 0..<count { try await work(number) }
        Reading().print(since: start, count: count)
    }

    static func measureWhole(
        _ count: Int, warmUp: () async throws -> Void, _ work: () async throws -> Void
    ) async rethrows {
        try await warmUp()
        let start = Reading()
        try await work()
        Reading().print(since: start, count: count)
    }
}
