public import ArgumentParser
import DatabaseFlaws

/// The command `sandbox-sql`.
public struct SandboxSQLCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "sandbox-sql",
        abstract: "A stand-in for SQL Server: TDS 7.4 and 8.0 over SQLite, for trying, teaching and testing.",
        discussion: """
            Takes the environment of Microsoft's image: MSSQL_SA_PASSWORD, ACCEPT_EULA=Y, MSSQL_PID, MSSQL_TCP_PORT (1433; 0 lets the system \
            choose, and the log says what), MSSQL_IP_ADDRESS (0.0.0.0), MSSQL_DATA_DIR (/var/opt/mssql/data), MSSQL_AGENT_ENABLED, MSSQL_MEMORY_LIMIT_MB. Runs as a launcher and a server, as \
            sqlservr does; SIGTERM stops it in order.

            Flaws, for showing that a harness notices them, also as a list in SANDBOX_SQL_FLAWS:
            \(Flaws.help)
            """)

    @Option(name: .long, help: ArgumentHelp("Misbehave on purpose; may be given several times.", valueName: "name[=value]"))
    var flaw: [String] = []

    @Option(name: .long, help: "Encryption: off, on (as a stock server: what the client asks for), required, strict (TDS 8.0 only).")
    var encryption = ConnectionMachine.Encryption.on

    @Option(
        name: .customLong("recovery-time"),
        help: ArgumentHelp("A pause that a recovery makes besides its work, in seconds.", valueName: "seconds"))
    var recoveryTime = 0.0

    @Option(
        name: .customLong("certificate-file"),
        help: ArgumentHelp("Where to write the server's certificate, for clients to trust.", valueName: "path"))
    var certificateFile: String?

    public init() {}

    public func validate() throws {
        guard recoveryTime >= 0, recoveryTime.isFinite else { throw ValidationError("--recovery-time is a number of seconds, 0 or more.") }
    }

    public func run() throws {
        let options: ServerOptions
        do {
            options = try ServerOptions(self, environment: ProcessEnvironment.current)
        } catch {
            throw ValidationError("\(error)")
        }
        ProcessEnvironment.nameProcess()
        if ProcessEnvironment.isServer {
            try ServerProcess(options).run()
        } else {
            throw ExitCode(try Launcher().run())
        }
    }
}

extension ConnectionMachine.Encryption: ExpressibleByArgument {}
