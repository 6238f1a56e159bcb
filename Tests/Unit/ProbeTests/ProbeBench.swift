import Calibration
import Certificates
import Journal
import NIOCore
import NIOPosix
import Synchronization
import TDS
import Testing

@testable import Probe

/// A scripted server behind a forwarder, and a probe runner that measures it, all over real sockets.
struct ProbeBench: Sendable {
    let server: ScriptedServer
    let forwarder: Forwarder
    let health: HealthMonitor
    let results: Results
    let clock: RunClock

    /// The records.
    final class Results: Sendable {
        private let events = Mutex<[Event]>([])

        func append(_ event: Event) { events.withLock { $0.append(event) } }

        var all: [Event] { events.withLock { $0 } }

        var probes: [ProbeResult] {
            events.withLock { events in
                events.compactMap { event in
                    if case .probe(let result) = event { result } else { nil }
                }
            }
        }

        var skipped: [ProbeSkipped] {
            events.withLock { events in
                events.compactMap { event in
                    if case .probeSkipped(let skipped) = event { skipped } else { nil }
                }
            }
        }
    }

    private static let nextHost = Atomic<UInt16>(0)

    /// Runs `body` while the tracks are probed.
    static func run(
        _ tracks: Set<Track>, interval: Duration = .milliseconds(40), timeout: Duration = .seconds(1), inFlightCap: Int = 100,
        isEncrypted: Bool = false,
        _ body: (ProbeBench) async throws -> Void
    ) async throws {
        let number = nextHost.wrappingAdd(1, ordering: .relaxed).oldValue
        let host = "127.91.\(number >> 8).\(number & 255)"
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let identity = isEncrypted ? try IssuedCertificate.selfSigned(name: "localhost", hosts: ["localhost"]) : nil
        let server = try await ScriptedServer.start(host: host, identity: identity, on: loop)
        let forwarder = try await Forwarder.start(host: host, to: server.address, on: loop)
        let configuration = TDSConfiguration(
            host: host, port: try #require(forwarder.address.port), user: "sa", password: "secret",
            encryption: isEncrypted ? .required : .off, certificateTrust: .any)
        let bench = ProbeBench(
            server: server, forwarder: forwarder, health: HealthMonitor(lanes: Dictionary(uniqueKeysWithValues: tracks.map { ($0, 1) })),
            results: Results(), clock: RunClock())
        let cadence = ProbeConfiguration.Cadence(interval: interval, timeout: timeout, inFlightCap: inFlightCap)
        let loops = MultiThreadedEventLoopGroup.singleton
        let runner = ProbeRunner(
            ProbeConfiguration(
                server: configuration, tracks: Dictionary(uniqueKeysWithValues: tracks.map { ($0, cadence) }), runID: "bench"),
            clock: bench.clock, on: loops.next(), logins: loops.next(), health: bench.health,
            record: { [results = bench.results] in results.append($0) })

        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runner.run() }
            try await bench.healthy()
            try await body(bench)
            group.cancelAll()
            try await group.waitForAll()
        }
        try await forwarder.stop()
        try await server.stop()
    }

    /// Waits until every track succeeds.
    func healthy() async throws {
        try await health.wait { $0.healthySince != nil }
    }

    /// Waits for a probe of `track` that starts from now on and fails.
    func failure(_ track: Track) async throws -> Failure {
        let now = clock.now
        return try await failure(track) { $0.started > now }
    }

    /// Waits for a probe of `track` that fails after `moment`, whenever it was started.
    func failure(_ track: Track, after moment: RunTime) async throws -> Failure {
        try await failure(track) { $0.done > moment }
    }

    private func failure(_ track: Track, where counts: @escaping @Sendable (ProbeResult) -> Bool) async throws -> Failure {
        @Sendable func failed(_ result: ProbeResult) -> Bool { result.track == track && counts(result) && !result.succeeded }
        try await health.wait { [results] _ in results.probes.contains(where: failed) }
        return try #require(results.probes.first(where: failed)?.failure)
    }

    /// Waits for a probe of `track` that starts from now on and succeeds.
    func success(_ track: Track) async throws {
        let now = clock.now
        try await health.wait { [results] _ in
            results.probes.contains { $0.track == track && $0.started > now && $0.succeeded }
        }
    }

    func set(_ path: Forwarder.Path) async throws {
        _ = try await forwarder.set(path, clock: clock)
    }

    func follow(_ script: ScriptedServer.Script) async throws {
        _ = try await server.follow(script, clock: clock)
    }
}
