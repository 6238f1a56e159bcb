import DatabaseFlaws
import TDS

/// The options of a server, from the command line and the environment of Microsoft's image.
struct ServerOptions: Sendable {
    var password: TDSPassword
    var edition: String
    var hasAgent: Bool
    /// `nil`: what the machine has.
    var memoryLimitKilobytes: Int64?
    var host: String
    var port: Int
    var dataFolder: String
    var encryption: ConnectionMachine.Encryption
    var flaws: Flaws
    var recoveryTime: Double
    var certificateFile: String?

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    init(_ command: SandboxSQLCommand, environment: [String: String]) throws {
        func isSet(_ variable: String) -> Bool { ["y", "yes", "1", "true"].contains(environment[variable]?.lowercased() ?? "") }
        guard isSet("ACCEPT_EULA") else {
            throw Failure(description: "The SQL Server image asks for the environment variable ACCEPT_EULA=Y, and so does its stand-in.")
        }
        guard let password = environment["MSSQL_SA_PASSWORD"] ?? environment["SA_PASSWORD"] else {
            throw Failure(description: "The environment variable MSSQL_SA_PASSWORD is not set.")
        }
        guard ServerOptions.isStrong(password) else {
            throw Failure(
                description:
                    "Unable to set system administrator password: MSSQL_SA_PASSWORD must be at least 8 characters long and contain characters from three of the four sets uppercase letters, lowercase letters, digits and symbols."
            )
        }
        guard let port = Int(environment["MSSQL_TCP_PORT"] ?? "1433"), (0...65_535).contains(port) else {
            throw Failure(description: "MSSQL_TCP_PORT is not a port: '\(environment["MSSQL_TCP_PORT"] ?? "")'.")
        }
        self.password = TDSPassword(password)
        self.port = port
        edition = environment["MSSQL_PID"] ?? "Developer"
        hasAgent = isSet("MSSQL_AGENT_ENABLED")
        if let text = environment["MSSQL_MEMORY_LIMIT_MB"] {
            guard let megabytes = Int64(text), (1...1 << 30).contains(megabytes) else {
                throw Failure(description: "MSSQL_MEMORY_LIMIT_MB is not a number of megabytes: '\(text)'.")
            }
            memoryLimitKilobytes = megabytes * 1024
        }
        host = environment["MSSQL_IP_ADDRESS"] ?? "0.0.0.0"
        dataFolder = environment["MSSQL_DATA_DIR"] ?? "/var/opt/mssql/data"
        encryption = command.encryption
        recoveryTime = command.recoveryTime
        certificateFile = command.certificateFile
        let listed = (environment["SANDBOX_SQL_FLAWS"] ?? "").split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
        flaws = try Flaws(listed + command.flaw)
    }

    /// SQL Server's default password policy.
    static func isStrong(_ password: String) -> Bool {
        let sets: [(Character) -> Bool] = [{ $0.isUppercase }, { $0.isLowercase }, { $0.isNumber }, { !$0.isLetter && !$0.isNumber }]
        return password.count >= 8 && sets.filter { password.contains(where: $0) }.count >= 3
    }
}
