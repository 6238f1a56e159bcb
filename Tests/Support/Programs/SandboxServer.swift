import Foundation
import Glibc
import Subprocess

/// A `sandbox-sql` process with a data folder that outlives it.
public struct SandboxServer: Sendable {
    public static let password = "Sandbox-1"

    public let host: String
    public let port: Int
    private let processID: pid_t

    /// Runs the server until `body` returns, and ends it as a power cut would.
    ///
    /// - Parameters:
    ///   - port: `nil` for any.
    ///   - arguments: options of the program.
    public static func run<Result: Sendable>(
        host: String, port: Int?, data: String, arguments: [String] = [], _ body: (SandboxServer) async throws -> Result
    ) async throws -> Result {
        let environment: [Environment.Key: String] = [
            "MSSQL_SA_PASSWORD": password, "ACCEPT_EULA": "Y", "MSSQL_DATA_DIR": data, "MSSQL_IP_ADDRESS": host,
            "MSSQL_TCP_PORT": "\(port ?? 0)",
        ]
        let outcome = try await Subprocess.run(
            Program.executable("sandbox-sql"),
            arguments: Arguments(arguments),
            environment: .custom(environment),
            input: .none, output: .sequence, error: .discarded
        ) { execution in
            let processID = execution.processIdentifier.value
            defer { signal(processID, SIGKILL) }
            for try await line in execution.standardOutput.strings() where line.contains("listening on") {
                let number = line.split(separator: " ").last.flatMap { Int($0.trimmingCharacters(in: CharacterSet(charactersIn: "]."))) }
                guard let number else { throw ProgramError("sandbox-sql does not say on which port it listens: \(line)") }
                let server = SandboxServer(host: host, port: number, processID: processID)
                return try await body(server)
            }
            throw ProgramError("sandbox-sql ended before it listened")
        }
        return outcome.closureResult
    }

    /// Freezes the server.
    public func freeze() { Self.signal(processID, SIGSTOP) }
    public func thaw() { Self.signal(processID, SIGCONT) }

    /// To the server's own process; the launcher, where there is one, ends with it.
    private static func signal(_ processID: pid_t, _ number: CInt) {
        let children = try? String(contentsOfFile: "/proc/\(processID)/task/\(processID)/children", encoding: .utf8)
        let server = children.flatMap { $0.split(separator: " ").first }.flatMap { pid_t($0) }
        kill(server ?? processID, number)
    }
}
