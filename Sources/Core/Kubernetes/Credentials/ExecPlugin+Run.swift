import Foundation
import JSON
import Secrets
import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

extension ExecPlugin {
    private static let timeout = Duration.seconds(60)
    /// Where a person may have to do something, such as log in.
    private static let timeoutAtTerminal = Duration.seconds(600)

    /// Runs the plugin once.
    ///
    /// At a terminal its standard error is shown while it runs: it can be a prompt, such as a device's code, and then waits for a person.
    /// Otherwise it goes into the error message when the plugin fails. Its standard output never does.
    ///
    /// - Parameter timeout: `nil` is a minute, or ten where a person may have to do something.
    func run(timeout given: Duration? = nil) async throws(KubernetesError) -> ExecCredential {
        let isInteractive = interactiveMode != .never && isatty(STDIN_FILENO) == 1
        let timeout = given ?? (isatty(STDERR_FILENO) == 1 ? Self.timeoutAtTerminal : Self.timeout)
        if interactiveMode == .always, !isInteractive {
            throw failed("needs a terminal (interactiveMode: Always), and standard input is not one")
        }
        let outcome: Outcome?
        do {
            let info = String(decoding: try info(isInteractive: isInteractive).data(), as: UTF8.self)
            outcome = try await firstResult(within: timeout) { try await execute(info: info, isInteractive: isInteractive) }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw notFound()
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            throw KubernetesError(.pluginBadOutput, "the credential plugin '\(command)' of \(file) printed more than 1 MiB")
        } catch is SubprocessError {
            // A path instead of a name is not looked up by the library: it fails at the start only.
            guard FileManager.default.isExecutableFile(atPath: command) else { throw notFound() }
            throw failed("could not be started")
        } catch is CancellationError {
            throw KubernetesError(.cancelled, "cancelled")
        } catch {
            throw failed("could not be run")
        }
        guard let outcome else {
            throw KubernetesError(
                .pluginTimeout, "the credential plugin '\(command)' of \(file) did not finish within \(timeout)",
                hint: "It may be waiting for a login. Run it by hand once.")
        }
        guard outcome.status.isSuccess else {
            throw failed("failed (\(outcome.status))\(outcome.errors.isEmpty ? "" : ": \(outcome.errors)")")
        }
        return try ExecCredential(output: outcome.output, of: self)
    }

    private struct Outcome: Sendable {
        var status: TerminationStatus
        var output: [UInt8]
        var errors: String
    }

    private func execute(info: String, isInteractive: Bool) async throws -> Outcome {
        var variables: [Environment.Key: String] = [:]
        // Which variables hold a password is known only when the experiments are.
        let inherited = surroundings.filter { !KnownSecrets.variables.contains($0.key) }
        for (name, value) in inherited.merging(environment, uniquingKeysWith: { $1 }) {
            if let key = Environment.Key(rawValue: name) { variables[key] = value }
        }
        if let key = Environment.Key(rawValue: "KUBERNETES_EXEC_INFO") { variables[key] = info }
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        let configuration = Configuration(
            executable: command.contains("/") ? .path(FilePath(command)) : .name(command), arguments: Arguments(arguments),
            environment: .custom(variables), platformOptions: options)
        if isInteractive {
            return try await execute(configuration, input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false))
        }
        return try await execute(configuration, input: .none)
    }

    private func execute(_ configuration: Configuration, input: some InputProtocol) async throws -> Outcome {
        let output = BytesOutput.bytes(limit: 1 << 20)
        if isatty(STDERR_FILENO) == 1 {
            let result = try await Subprocess.run(
                configuration, input: input, output: output,
                error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
            return Outcome(status: result.terminationStatus, output: result.standardOutput, errors: "")
        }
        let result = try await Subprocess.run(configuration, input: input, output: output, error: .string(limit: 1 << 16))
        return Outcome(status: result.terminationStatus, output: result.standardOutput, errors: trimmed(result.standardError))
    }

    private func trimmed(_ text: String?) -> String {
        String((text ?? "").withoutSecrets.trimmingCharacters(in: .whitespacesAndNewlines).prefix(500))
    }

    private func failed(_ problem: String) -> KubernetesError {
        KubernetesError(
            .pluginFailed, "the credential plugin '\(command)' of \(file) \(problem)",
            hint: "Run it by hand, and log in again if it asks you to.")
    }

    private func notFound() -> KubernetesError {
        KubernetesError(
            .pluginNotFound, "the credential plugin '\(command)' of \(file) is not installed",
            hint: installHint ?? "Install it, or correct users.user.exec.command.")
    }
}
