import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import TDS

@main
struct SandboxSQL: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox-sql", abstract: "A stand-in for SQL Server: TDS over SQLite, for trying, teaching and testing.")

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let password = environment["MSSQL_SA_PASSWORD"] ?? environment["SA_PASSWORD"] else {
            throw ValidationError("MSSQL_SA_PASSWORD is not set.")
        }
        let directory = try DatabaseDirectory(folder: environment["MSSQL_DATA_DIR"] ?? "/var/opt/mssql/data")
        let product = ServerProduct(serverName: ProcessInfo.processInfo.hostName, edition: environment["MSSQL_PID"] ?? "Developer")
        let state = ServerState(databases: directory, product: product, flaws: Flaws())
        let server = try TDSServer(
            state: state, encryption: .on, identity: try ServerIdentity(names: [], now: Date()), password: TDSPassword(password))
        let channel = try await server.listen(
            host: environment["MSSQL_IP_ADDRESS"] ?? "0.0.0.0", port: Int(environment["MSSQL_TCP_PORT"] ?? "") ?? 1433,
            on: MultiThreadedEventLoopGroup.singleton)
        ServerLog.write(
            "Server", "Server is listening on [ \(channel.localAddress?.ipAddress ?? "") <ipv4> \(channel.localAddress?.port ?? 0)].")
        try await channel.closeFuture.get()
    }
}
