import ArgumentParser
import Foundation
import JSON
import Journal
import NIOPosix
import Run
import Secrets
import TDS

struct ProbeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Log in to a SQL Server, ask it one question, and show how long each step took or which one failed.",
        usage: "aftershock probe <host[:port]> --user <user> --password-from <source> [<options>]",
        discussion: """
            Each probe opens its own connection: TCP, PRELOGIN, TLS, LOGIN7, a query with a value that no other probe sends, close. \
            It never retries. The lookup of a host name is part of TCP. Every step has its own timeout, and a failure names the step and \
            the cause: \
            dns, refused, unreachable, reset, timeout, eof, tls, encryption, loginRejected, serverError, protocol, wrongAnswer.

            The results go to standard output, one line for each probe. Everything else goes to standard error.

            Exit code: 0 if every probe succeeded, 1 if one failed, 64 if an argument is not valid.

            Examples:
              aftershock probe 10.0.0.7 --user sa --password-from env:MSSQL_SA_PASSWORD --trust-server-certificate
              aftershock probe sql.example:1433 --user app --password-from file:/run/secrets/sql --ca ca.pem --count 20 --interval 500ms
              kubectl get secret mssql -o jsonpath='{.data.MSSQL_SA_PASSWORD}' | base64 -d | aftershock probe 127.0.0.1 --user sa \
            --password-from - --trust-server-certificate -o json
            """)

    @Argument(
        help: "The server, as host, host:port, host,port or [IPv6 address]:port; the port is 1433 unless given.",
        transform: ProbeAddress.init(argument:))
    var server: ProbeAddress

    @Option(help: "The SQL login.")
    var user: String

    @Option(
        help: ArgumentHelp(
            "The source of the password: env:NAME, file:PATH, or - for standard input. Other users could see an argument.",
            valueName: "source"))
    var passwordFrom: PasswordArgument

    @Option(help: "The database to open. Default: the login's default database.")
    var database = ""

    @Option(
        help: ArgumentHelp(
            "required: everything in TLS. strict: TDS 8.0, TLS first. loginOnly: only the login in TLS. off: no TLS, the password is readable.",
            valueName: "mode"))
    var encryption: ProbeEncryption = .required

    @Flag(help: "Accept any certificate: the connection is encrypted, but anybody in the middle can read it.")
    var trustServerCertificate = false

    @Option(help: ArgumentHelp("Trust the certificates in this PEM file instead of the system's.", valueName: "file"), completion: .file())
    var ca: String?

    @Option(help: ArgumentHelp("The name that the certificate must have, if it is not the host.", valueName: "name"))
    var serverName: String?

    @Option(help: ArgumentHelp("The number of probes.", valueName: "n"))
    var count = 1

    @Option(
        help: ArgumentHelp(
            "The time from the start of one probe to the start of the next, for example 250ms. A longer probe delays the next one. (default: 1s)",
            valueName: "duration"),
        transform: durationArgument)
    var interval: Duration = .seconds(1)

    @Option(
        help: ArgumentHelp("The timeout of each step. Default: 2s for TCP and PRELOGIN, 5s for the others.", valueName: "duration"),
        transform: durationArgument)
    var timeout: Duration?

    @Option(name: .shortAndLong, help: "The output format: text, or json with one object per line.")
    var output: ProbeOutput = .text

    func validate() throws {
        guard count > 0 else { throw ValidationError("--count must be at least 1") }
        guard interval >= .zero else { throw ValidationError("--interval cannot be negative") }
        if let timeout, timeout <= .zero { throw ValidationError("--timeout must be longer than 0") }
        guard ca == nil || !trustServerCertificate else {
            throw ValidationError("--ca and --trust-server-certificate contradict each other; give one of them")
        }
        if encryption == .strict, trustServerCertificate {
            throw ValidationError("--encryption strict always checks the certificate; give --ca instead of --trust-server-certificate")
        }
        if encryption == .off, trustServerCertificate || ca != nil || serverName != nil {
            throw ValidationError("--encryption off uses no certificate; leave out --ca, --server-name and --trust-server-certificate")
        }
        if serverName != nil, trustServerCertificate {
            throw ValidationError("--trust-server-certificate accepts a certificate for any name; leave out --server-name")
        }
        var isFolder: ObjCBool = false
        if let ca,
            !FileManager.default.fileExists(atPath: ca, isDirectory: &isFolder) || isFolder.boolValue
                || !FileManager.default.isReadableFile(atPath: ca)
        {
            throw ValidationError("--ca: \(ca) cannot be read")
        }
    }

    func run() async throws {
        let configuration = try configuration()
        let clock = ContinuousClock()
        let start = clock.now
        var failures = 0
        for number in 1...count {
            try await clock.sleep(until: start + interval * (number - 1))
            let report = await ProbeReport.make(number, configuration, queryTimeout: timeout ?? .seconds(5))
            if report.failure != nil { failures += 1 }
            switch output {
            case .text: standardOutput(report.text)
            case .json: StandardStream.output.write(String(decoding: try report.json.data(), as: UTF8.self) + "\n")
            }
        }
        if count > 1 { standardError("\(count) probes, \(failures) failed") }
        if failures > 0 { throw ExitCode(1) }
    }

    private func configuration() throws -> TDSConfiguration {
        var configuration = TDSConfiguration(
            host: server.host, port: server.port, user: user, password: try passwordFrom.read(), database: database,
            encryption: encryption.mode, certificateTrust: trustServerCertificate ? .any : ca.map { .file($0) } ?? .system)
        configuration.serverName = serverName
        if let timeout { configuration.deadlines = TDSConfiguration.Deadlines(each: timeout) }
        do throws(TDSError) {
            try configuration.prepareTLS()
        } catch {
            throw ValidationError(error.detail ?? "\(error)")
        }
        return configuration
    }
}

/// The source of a password in `--password-from`.
enum PasswordArgument: ExpressibleByArgument {
    case local(LocalPassword)
    case standardInput

    init?(argument: String) {
        switch argument.split(separator: ":", maxSplits: 1).map(String.init) {
        case ["-"]: self = .standardInput
        case let parts where parts.count == 2 && parts[0] == "env": self = .local(.environment(parts[1]))
        case let parts where parts.count == 2 && parts[0] == "file": self = .local(.file(parts[1]))
        default: return nil
        }
    }

    func read() throws -> String {
        let password = try text()
        KnownSecrets.add(password)
        return password
    }

    private func text() throws -> String {
        switch self {
        case .local(let password):
            do {
                return try password.read()
            } catch {
                throw ValidationError("--password-from: \(error)")
            }
        case .standardInput:
            guard let data = try FileHandle.standardInput.readToEnd(), let text = String(data: data, encoding: .utf8) else {
                throw ValidationError("--password-from -: standard input is empty or not UTF-8")
            }
            return LocalPassword.line(text)
        }
    }
}

enum ProbeEncryption: String, ExpressibleByArgument, CaseIterable {
    case required, strict, loginOnly, off

    var mode: TDSConfiguration.Encryption {
        switch self {
        case .required: .required
        case .strict: .strict
        case .loginOnly: .loginOnly
        case .off: .off
        }
    }
}

enum ProbeOutput: String, ExpressibleByArgument, CaseIterable {
    case text, json
}
