import Foundation
import Journal
import NIOCore
import NIOPosix
import Probe
import Programs
import Synchronization
import TDS

@testable import Ledger

/// One server's address and data, and what the writers recorded.
final class Scene: Sendable {
    private static let nextHost = Atomic<UInt8>(1)
    let host = "127.92.0.\(nextHost.wrappingAdd(1, ordering: .relaxed).oldValue)"
    let data = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)").path
    let clock = RunClock()
    let loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let health: HealthMonitor
    private let recorded = Mutex<[WriteResult]>([])

    init(lanes: Int = 2) {
        health = HealthMonitor(lanes: [.write: lanes])
    }

    var writes: [WriteResult] { recorded.withLock { $0 } }

    func record(_ event: Event) {
        if case .write(let result) = event { recorded.withLock { $0.append(result) } }
    }

    func configuration(
        port: Int, database: String = "aftershock", createDatabase: Bool = true, timeout: Duration = .seconds(10)
    ) -> LedgerConfiguration {
        LedgerConfiguration(
            server: TDSConfiguration(
                host: host, port: port, user: "sa", password: SandboxServer.password, database: "master", certificateTrust: .any),
            database: database, createDatabase: createDatabase, tableSuffix: "r1_1", writers: 2, interval: .milliseconds(20),
            timeout: timeout, openTimeout: .seconds(5), seedRows: 600, seed: 11, updateEvery: 5, checkDatabase: true)
    }

    func run<Result: Sendable>(
        port: Int? = nil, arguments: [String] = [], _ body: (SandboxServer) async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        return try await SandboxServer.run(host: host, port: port, data: data, arguments: arguments, body)
    }

    /// Waits until both writers have succeeded `count` times more.
    func successes(_ count: Int) async throws {
        let before = health.health.tracks[.write]?.map(\.successes) ?? []
        try await health.wait { health in
            zip(health.tracks[.write] ?? [], before).allSatisfy { $0.successes >= $1 + count }
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: data) }

    func execute(_ statement: String, port: Int, database: String = "aftershock") async throws -> TDSResult {
        var server = configuration(port: port).server
        server.database = database
        server.deadlines = .init(each: .seconds(15))
        let connection = try await TDSConnection.connect(server, on: loop)
        let result = try await connection.query(statement, timeout: .seconds(10))
        await connection.close()
        return result
    }
}
