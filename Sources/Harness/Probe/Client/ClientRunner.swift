public import Experiment
import Foundation
public import Journal
import Subprocess
import SystemPackage
public import TDS

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Starts the experiment's own client program, records its operations, and ends it with the run.
public struct ClientRunner: Sendable {
    private let client: Experiment.Probes.Client
    private let server: TDSConfiguration
    private let clock: RunClock
    private let logPath: String
    private let health: HealthMonitor
    private let record: @Sendable (Event) throws -> Void

    /// The time that the program and its children have to end by themselves.
    private static let endTimeout = Duration.seconds(2)
    /// Variables that nearly every program needs. Others are inherited only if the experiment names them.
    private static let inherited: Set<String> = ["PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"]

    /// - Parameters:
    ///   - logPath: the file to which the program's standard error is appended.
    ///   - health: receives the outcome of every operation, on the track `client`, and the end of the program.
    ///   - record: appends to the journal. An error from it ends the program.
    public init(
        _ client: Experiment.Probes.Client, server: TDSConfiguration, clock: RunClock, logPath: String, health: HealthMonitor,
        record: @escaping @Sendable (Event) throws -> Void
    ) {
        self.client = client
        self.server = server
        self.clock = clock
        self.logPath = logPath
        self.health = health
        self.record = record
    }

    /// The schedule, for the journal.
    public static func schedule(_ client: Experiment.Probes.Client) -> ProbesStarted.Schedule {
        ProbesStarted.Schedule(
            track: .client, interval: client.interval.wholeNanoseconds, timeout: client.timeout.wholeNanoseconds,
            inFlightCap: ClientOperations.mostUnderWay)
    }

    /// Runs the program until the task is cancelled, or until the program breaks its protocol or ends, which the journal says.
    ///
    /// Throws only errors of recording an event.
    public func run() async throws {
        // A waiter for the client's health ends the run when the client has ended: the journal has to say the reason first.
        defer { health.end() }
        guard let failed = try await watch(), !Task.isCancelled else { return }
        try record(.clientFailed(failed))
    }

    private func watch() async throws -> ClientFailed? {
        let output = try FileDescriptor.closingPipe()
        let errors = try FileDescriptor.closingPipe()
        let reader = ClientReader(output: output.readEnd, errors: errors.readEnd)
        var options = PlatformOptions()
        // A process group of its own, so that its children end with it.
        options.processGroupID = 0
        do {
            let ended = try await Subprocess.run(
                executable, arguments: Arguments(Array(client.command.dropFirst())), environment: .custom(environment),
                platformOptions: options, input: .none,
                output: .fileDescriptor(output.writeEnd, closeAfterSpawningProcess: true),
                error: .fileDescriptor(errors.writeEnd, closeAfterSpawningProcess: true)
            ) { execution in
                let found = await withTaskCancellationHandler {
                    await Result { try await read(reader) }
                } onCancel: {
                    reader.stop()
                }
                await execution.teardown(
                    using: [.send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: Self.endTimeout)])
                // Its children may outlive it.
                _ = kill(-execution.processIdentifier.value, SIGKILL)
                return found
            }
            let found = try ended.closureResult.get()
            guard var failed = found.failed else { return nil }
            if failed.kind == .ended { failed.message = "it ended by itself, with \(ended.terminationStatus.words)" }
            return failed.adding(found.lastWords)
        } catch let error as SubprocessError {
            return ClientFailed(kind: .notStarted, message: "'\(client.command[0])' could not be run: \(error.description)")
        }
    }

    private struct Read: Sendable {
        var failed: ClientFailed?
        /// The program's last line on its standard error, which most often gives the reason.
        var lastWords: String
    }

    /// Reads on a thread of its own until the program ends or must end.
    private func read(_ reader: ClientReader) async throws -> Read {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        var log = ClientLog(path: logPath)
                        let failed = try reader.run(timeout: client.timeout, clock: clock, log: &log) { result in
                            try record(.probe(result))
                            health.finished(.client, done: result.done, failure: result.failure)
                        }
                        return Read(failed: failed, lastWords: log.lastLine)
                    })
            }
        }
    }

    private var executable: Executable {
        let program = client.command[0]
        return program.contains("/") ? .path(FilePath(program)) : .name(program)
    }

    /// The variables of every program, those that the experiment names, and the server's address and login.
    private var environment: [Environment.Key: String] {
        let wanted = Self.inherited.union(client.environment)
        var variables = ProcessInfo.processInfo.environment.filter { wanted.contains($0.key) }
        variables.merge([
            "AFTERSHOCK_HOST": server.host, "AFTERSHOCK_PORT": "\(server.port)", "AFTERSHOCK_USER": server.user,
            "AFTERSHOCK_PASSWORD": server.password.revealed, "AFTERSHOCK_DATABASE": server.database,
            "AFTERSHOCK_ENCRYPTION": "\(server.encryption)",
            "AFTERSHOCK_TRUST_SERVER_CERTIFICATE": server.certificateTrust == .any ? "yes" : "no",
        ]) { $1 }
        return Dictionary(uniqueKeysWithValues: variables.map { (Environment.Key(stringLiteral: $0.key), $0.value) })
    }
}

extension ClientFailed {
    fileprivate func adding(_ words: String) -> ClientFailed {
        words.isEmpty ? self : ClientFailed(kind: kind, message: "\(message); its last words: \(words.prefix(300))")
    }
}

extension TerminationStatus {
    fileprivate var words: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}

extension FileDescriptor {
    /// A pipe that no other program inherits.
    fileprivate static func closingPipe() throws -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        let ends = try FileDescriptor.pipe()
        for end in [ends.readEnd, ends.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        return ends
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ operation: () async throws -> Success) async {
        do {
            self = .success(try await operation())
        } catch {
            self = .failure(error)
        }
    }
}
