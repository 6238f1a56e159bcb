import ArgumentParser
import NIOCore
import NIOPosix
import Probe
import TDS

/// Does one thing many times against a SQL Server, as the harness does it: on an event loop, with the task on the loop's own thread.
@main
struct BenchClient: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench-client",
        abstract: "Do one thing many times against a SQL Server, and print the CPU time that it took this process.")

    enum Work: String, ExpressibleByArgument, CaseIterable {
        /// Makes the table that `rows` reads and `inserts` writes.
        case prepare
        /// Connect, log in, ask one question, close.
        case login
        /// The probe runner's `login` track on its schedule.
        case schedule
        /// One question on a connection that is held.
        case query
        case rows
        case inserts
        /// The least that a login costs: a TCP connection and its end.
        case tcp
        /// The least that a login in TLS costs: TCP and a handshake.
        case tls
    }

    @Argument var work: Work
    @Option var host = "127.0.0.1"
    @Option var port: Int
    @Option var password = "Sandbox-1"
    @Flag(help: "Everything in TLS.") var encrypted = false
    @Option(help: "How often.") var count: Int
    @Option(help: "From one probe to the next of schedule, in microseconds.") var interval = 1000
    @Option(help: "The number of probe runners of schedule.") var targets = 1

    var server: TDSConfiguration {
        TDSConfiguration(
            host: host, port: port, user: "sa", password: password, database: "master", encryption: encrypted ? .required : .off,
            certificateTrust: .any)
    }

    func run() async throws {
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let bench = self
        try await Task(executorPreference: EventLoopTaskExecutor(loop)) { try await bench.run(on: loop) }.value
    }

    private func run(on loop: any EventLoop) async throws {
        switch work {
        case .prepare: try await prepare(loop)
        case .login:
            // As a run keeps it: the certificates that it trusts are read once.
            let server = server
            try await Meter.measure(count) { number in
                try await connected(to: server, loop) { try await ask(number, $0) }
            }
        case .schedule: try await schedule(loop)
        case .query:
            try await connected(loop) { connection in try await Meter.measure(count) { try await ask($0, connection) } }
        case .rows: try await rows(loop)
        case .inserts: try await inserts(loop)
        case .tcp:
            try await Meter.measure(count) { _ in
                let channel = try await ClientBootstrap(group: loop).connect(host: host, port: port).get()
                try await channel.close()
            }
        case .tls: try await handshakes(loop)
        }
    }

    func connected(
        to server: TDSConfiguration? = nil, _ loop: any EventLoop, _ body: (TDSConnection) async throws -> Void
    ) async throws {
        let server = server ?? self.server
        let connection = try await TDSConnection.connect(server, on: loop)
        try await body(connection)
        await connection.close()
    }

    /// The question that a probe asks.
    private func ask(_ number: Int, _ connection: TDSConnection) async throws {
        let sentinel = Sentinel(owner: "bench-login", slot: number)
        let result = try await connection.query(Sentinel.statement, sentinel.values, timeout: .seconds(5))
        if let mismatch = sentinel.mismatch(in: result) { throw BenchError(mismatch) }
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
