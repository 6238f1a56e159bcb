import Certificates
import Journal
import NIOCore
import NIOPosix
import Synchronization

/// Runs many trials, several at a time, to check the bounds of the harness.
public struct Calibration: Sendable {
    /// The settings of a calibration.
    public struct Options: Sendable {
        public var trials: Int
        public var seed: UInt64
        /// The number of trials at a time.
        public var atOnce: Int
        public var shortest: Duration
        public var longest: Duration
        public var cadence: TrialPlan.Cadence
        /// The number of connections that the kernel keeps for a frozen server, of which it has a limit of its own.
        public var backlog: CInt

        public init(
            trials: Int, seed: UInt64, atOnce: Int = 16, shortest: Duration = .milliseconds(100), longest: Duration = .seconds(10),
            cadence: TrialPlan.Cadence = .init(), backlog: CInt = 4096
        ) {
            self.trials = trials
            self.seed = seed
            self.atOnce = atOnce
            self.shortest = shortest
            self.longest = longest
            self.cadence = cadence
            self.backlog = backlog
        }
    }

    /// The addresses from 127.64.0.0 on: the sandbox does not use them, and concurrent processes use different ones.
    private static let hostBase = 127 << 24 | 64 << 16

    /// The number of attempts at a trial on a busy machine.
    private static let mostAttempts = 3

    private let options: Options

    public init(_ options: Options) {
        self.options = options
    }

    /// The plans of the trials: the kinds in turn, everything else drawn from the seed, so that a trial can be repeated by its number.
    public func plan(_ number: Int) -> TrialPlan {
        var random = SplitMix64(seed: options.seed &+ UInt64(number) &* 0x9E37_79B9)
        let kind = TrialPlan.Kind.allCases[number % TrialPlan.Kind.allCases.count]
        return TrialPlan(
            kind: kind, cadence: options.cadence, shortest: options.shortest, longest: options.longest, using: &random)
    }

    /// - Parameters:
    ///   - processID: gives concurrent processes different loopback addresses.
    ///   - progress: receives every finished trial with its number.
    public func run(processID: Int32, progress: @escaping @Sendable (Int, TrialResult) -> Void) async throws -> CalibrationSummary {
        let probeLoops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let serverLoops = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        do {
            let results = try await run(on: probeLoops, serverLoops, processID, progress)
            try await probeLoops.shutdownGracefully()
            try await serverLoops.shutdownGracefully()
            return CalibrationSummary(results, seed: options.seed)
        } catch {
            try await probeLoops.shutdownGracefully()
            try await serverLoops.shutdownGracefully()
            throw error
        }
    }

    private func run(
        on probeLoops: any EventLoopGroup, _ serverLoops: any EventLoopGroup, _ processID: Int32,
        _ progress: @escaping @Sendable (Int, TrialResult) -> Void
    ) async throws -> [TrialResult] {
        let identity = try IssuedCertificate.selfSigned(name: "localhost", hosts: ["localhost"])
        func trial(_ number: Int) -> Trial {
            Trial(
                plan: plan(number), cadence: options.cadence, host: Self.host(number % options.atOnce, processID), backlog: options.backlog,
                identity: identity,
                serverLoop: serverLoops.next(), probeLoop: probeLoops.next(), loginLoop: probeLoops.next())
        }
        return try await withThrowingTaskGroup(of: (Int, TrialResult).self) { group in
            var results: [Int: TrialResult] = [:]
            var next = 0
            func start() {
                guard next < options.trials else { return }
                let number = next
                let trial = trial(number)
                next += 1
                group.addTask { (number, try await Self.run(trial)) }
            }
            for _ in 0..<options.atOnce { start() }
            while let (number, result) = try await group.next() {
                results[number] = result
                progress(number, result)
                start()
            }
            return (0..<options.trials).compactMap { results[$0] }
        }
    }

    /// Repeats a trial during which the machine was too busy, up to the limit.
    private static func run(_ trial: Trial) async throws -> TrialResult {
        var attempts = 1
        while true {
            var result = try await trial.run()
            result.attempts = attempts
            guard result.isOverloaded, attempts < mostAttempts else { return result }
            attempts += 1
        }
    }

    private static func host(_ lane: Int, _ processID: Int32) -> String {
        let address = hostBase + (Int(processID) % 16_384) << 8 + lane % 250 + 1
        return [24, 16, 8, 0].map { "\(address >> $0 & 255)" }.joined(separator: ".")
    }
}
