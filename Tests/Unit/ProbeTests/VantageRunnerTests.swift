import Calibration
import Experiment
import Journal
import NIOCore
import NIOPosix
import Synchronization
import TDS
import Testing

@testable import Probe

@Suite(.timeLimit(.minutes(1))) struct VantageRunnerTests {
    private func runner(_ bench: ProbeBench, _ results: ProbeBench.Results) throws -> (VantageRunner, host: String, port: Int) {
        let host = try #require(bench.forwarder.address.ipAddress)
        let port = try #require(bench.forwarder.address.port)
        let cadence = ProbeConfiguration.Cadence(interval: .milliseconds(20), timeout: .seconds(1), inFlightCap: 10)
        let server = TDSConfiguration(host: host, port: port, user: "sa", password: "secret", encryption: .off, certificateTrust: .any)
        let configuration = ProbeConfiguration(server: server, tracks: [.connect: cadence, .login: cadence], runID: "views")
        let loops = MultiThreadedEventLoopGroup.singleton
        let runner = VantageRunner(
            configuration, clock: bench.clock, on: loops.next(), logins: loops.next(), record: { results.append($0) })
        return (runner, host, port)
    }

    private func until(_ bench: ProbeBench, _ holds: @escaping @Sendable () -> Bool) async throws {
        try await bench.health.wait { _ in holds() }
    }

    @Test func aPlaceFollowsItsAddressAndIsSkippedWithoutOne() async throws {
        try await ProbeBench.run([.connect]) { bench in
            let results = ProbeBench.Results()
            let (runner, host, port) = try runner(bench, results)
            let pod = PodAddress(host)
            let places = try await runner.reached([.init(.pod, port: port) { pod.current }])
            #expect(places.map(\.view) == [.pod])
            let task = Task { try await runner.run(places) }
            try await until(bench) { results.probes.contains { $0.track == .login && $0.succeeded } }
            #expect(pod.update(nil) && !pod.update(nil))
            try await until(bench) { Set(results.skipped.filter { $0.reason == .noAddress }.map(\.track)) == [.connect, .login] }
            let skipped = try #require(results.skipped.map(\.intended).max())
            _ = pod.update(host)
            try await until(bench) { results.probes.contains { $0.track == .login && $0.succeeded && $0.started > skipped } }
            task.cancel()
            try await task.value
            #expect(results.probes.allSatisfy { $0.view == .pod } && results.skipped.allSatisfy { $0.view == .pod })
        }
    }

    @Test func placesThatCannotBeReachedAreSaidAndNotAsked() async throws {
        try await ProbeBench.run([.connect]) { bench in
            let results = ProbeBench.Results()
            let (runner, host, port) = try runner(bench, results)
            let places = try await runner.reached([
                .init(.pod, port: port) { nil }, .init(.clusterIP, port: 1) { host },
                .init(.dns, port: port, expected: ["10.9.9.9"]) { "localhost" },
            ])
            #expect(places.isEmpty)
            #expect(results.seen.map(\.isReached) == [false, false, false])
            #expect(results.seen.map { $0.detail?.isEmpty } == [false, false, false])
            #expect(results.seen.last?.detail?.contains("not an address of the Service") == true, "\(results.seen)")
        }
    }

    // MARK: The ledger's database

    /// The journal is told where the answer changes, and the server that takes a login is told from one that takes none.
    @Test func theDatabasesRecoveryIsSeen() async throws {
        let results = ProbeBench.Results()
        try await ProbeBench.run([.connect], interval: .milliseconds(10)) { bench in
            let host = try #require(bench.forwarder.address.ipAddress)
            let port = try #require(bench.forwarder.address.port)
            var server = TDSConfiguration(
                host: "nowhere", port: port, user: "sa", password: "secret", encryption: .off, certificateTrust: .any)
            server.database = "sales"
            let pod = PodAddress(nil)
            let (asked, ask) = AsyncStream.makeStream(of: Void.self)
            let watch = DatabaseWatch(
                server, interval: .milliseconds(20), timeout: .seconds(1), clock: bench.clock,
                on: MultiThreadedEventLoopGroup.singleton.next(), record: { results.append($0) }
            ) {
                let current = pod.current
                ask.yield()
                return current
            }
            let task = Task { try await watch.run() }
            // The first answer of all is not told: it is the one of a pod without an address.
            for await _ in asked { break }
            try await bench.set(.refused)
            _ = pod.update(host)
            let recovering = TDSServerMessage(number: 4060, class: 11, text: "Cannot open database")
            try await bench.follow(.rejectLogins(recovering))
            try await bench.set(.open)
            try await until(bench) { results.answers.last == .keepsDatabase }
            try await bench.follow(.serve)
            try await until(bench) { results.answers.last == .isOnline }
            task.cancel()
            try await task.value
        }
        #expect(results.answers == [.takesNoLogins, .keepsDatabase, .isOnline], "\(results.database)")
        // The last of a kind and the first of the next.
        #expect(results.database.count <= 2 * results.answers.count)
        #expect(results.database.allSatisfy { $0.database == "sales" && $0.started <= $0.done })
    }

    // MARK: Idle connections

    /// The ends of idle connections until one ended as wanted, while the path is cut again and again.
    private func asked(_ path: Forwarder.Path, until kinds: Set<String?>) async throws -> [IdleAsked] {
        let results = ProbeBench.Results()
        try await ProbeBench.run([.connect]) { bench in
            let server = TDSConfiguration(
                host: try #require(bench.forwarder.address.ipAddress), port: try #require(bench.forwarder.address.port), user: "sa",
                password: "secret", encryption: .off, certificateTrust: .any)
            let idle = Experiment.Probes.Idle(silentFor: .milliseconds(100), connections: 2, timeout: .milliseconds(200))
            let runner = IdleRunner(
                idle, server: server, runID: "idle", clock: bench.clock, on: MultiThreadedEventLoopGroup.singleton.next(),
                record: { results.append($0) })
            let task = Task { try await runner.run() }
            while !results.idle.contains(where: { kinds.contains($0.failure?.kind) }) {
                try await bench.set(path)
                try await bench.clock.sleep(until: bench.clock.now + .milliseconds(80))
                try await bench.set(.open)
                try await bench.clock.sleep(until: bench.clock.now + .milliseconds(80))
            }
            task.cancel()
            try await task.value
        }
        return results.idle
    }

    @Test func aConnectionThatWasKeptAnswersAfterItsSilence() async throws {
        let asked = try await asked(.open, until: [nil])
        #expect(asked.allSatisfy { $0.started - $0.silentSince >= .milliseconds(100) }, "\(asked)")
    }

    @Test func oneThatWasForgottenGivesNoAnswer() async throws {
        let late = try await asked(.hanging, until: ["timeout"]).first { $0.failure?.kind == "timeout" }
        #expect(late.map { $0.done - $0.started >= .milliseconds(200) } == true)
    }

    @Test func oneThatWasResetSaysSo() async throws {
        _ = try await asked(.reset, until: ["reset", "eof", "closed"])
    }
}

extension ProbeBench.Results {
    fileprivate var database: [DatabaseAsked] { all.compactMap { if case .databaseAsked(let asked) = $0 { asked } else { nil } } }

    /// Without what follows its equal.
    fileprivate var answers: [DatabaseAsked.Answer] {
        database.map(\.answer).reduce(into: []) { answers, next in if answers.last != next { answers.append(next) } }
    }

    fileprivate var seen: [VantageSeen] { all.compactMap { if case .vantage(let seen) = $0 { seen } else { nil } } }
    fileprivate var idle: [IdleAsked] { all.compactMap { if case .idleAsked(let asked) = $0 { asked } else { nil } } }
}
