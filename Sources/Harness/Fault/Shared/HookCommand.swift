import Experiment
import Foundation
import Kubernetes
import Secrets
import Subprocess
import SystemPackage

/// A command of the experiment: an argument vector without a shell, its `{node}`, `{pod}`, `{namespace}` and `{workload}` filled in.
///
/// The program `aftershock` is this very one, wherever it lies.
struct HookCommand: Sendable {
    let arguments: [String]
    let timeout: Duration

    init(_ template: [String], _ target: FaultTarget, timeout: Duration) {
        let values = [
            "{node}": target.node, "{pod}": target.pod, "{namespace}": target.namespace, "{workload}": target.workload,
        ]
        arguments = template.map { argument in
            values.reduce(argument) { $0.replacing($1.key, with: $1.value) }
        }
        self.timeout = timeout
    }

    init(arguments: [String], timeout: Duration) {
        self.arguments = arguments
        self.timeout = timeout
    }

    var text: String { arguments.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " ") }

    /// Runs it to its end and returns what it wrote, standard error included.
    ///
    /// - Parameter kubeconfig: the file that this run was given, which the command then finds in `KUBECONFIG`.
    /// - Throws: ``FaultError`` when it cannot be started, exits with another code than 0, or takes longer than its timeout.
    func run(kubeconfig: String? = nil) async throws -> String {
        guard let outcome = try await outcome(kubeconfig: kubeconfig) else {
            throw FaultError(.notInjected, "'\(text)' took longer than \(timeout.text)")
        }
        guard outcome.status.isSuccess else {
            throw FaultError(.notInjected, "'\(text)' ended with \(outcome.status): \(outcome.output)")
        }
        return outcome.output
    }

    /// Runs it to its end; returns `nil` if it takes longer than its timeout.
    private func outcome(kubeconfig: String?) async throws -> (status: TerminationStatus, output: String)? {
        guard let program = arguments.first else { throw FaultError(.notInjected, "the command is empty") }
        return try await firstResult(within: timeout) { () async throws -> (status: TerminationStatus, output: String)? in
            let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
            do {
                result = try await Subprocess.run(
                    Self.executable(program), arguments: Arguments(Array(arguments.dropFirst())),
                    environment: .inherit.updating(Self.environment(kubeconfig)), output: .string(limit: 65_536),
                    error: .string(limit: 65_536))
            } catch let error as SubprocessError {
                throw FaultError(.notInjected, "'\(text)' could not be run: \(error.description)")
            }
            let output = [result.standardOutput, result.standardError].compactMap { $0 }.joined(separator: "\n")
            return (result.terminationStatus, output.split(separator: "\n").joined(separator: "; "))
        }
    }

    private static func environment(_ kubeconfig: String?) -> [Environment.Key: String?] {
        var changes: [Environment.Key: String?] = kubeconfig.map { ["KUBECONFIG": $0] } ?? [:]
        for name in KnownSecrets.variables { changes[Environment.Key(stringLiteral: name)] = .some(nil) }
        return changes
    }

    /// Runs it with the kubeconfig of `client`, and returns a sentence about its end and its output.
    func run(for client: KubernetesClient) async throws -> String {
        let output = try await run(kubeconfig: client.configuration.namedKubeconfig)
        return "'\(text)' ended with 0\(output.isEmpty ? "" : ": \(output)")"
    }

    /// Runs it as ``run(for:)`` does, but returns `nil` if the command exits with another code than 0, or takes too long.
    func agrees(for client: KubernetesClient) async throws -> String? {
        guard let outcome = try await outcome(kubeconfig: client.configuration.namedKubeconfig), outcome.status.isSuccess else {
            return nil
        }
        return "'\(text)' ended with 0\(outcome.output.isEmpty ? "" : ": \(outcome.output)")"
    }

    private static func executable(_ program: String) -> Executable {
        if program == "aftershock", let own = Bundle.main.executablePath { return .path(FilePath(own)) }
        return program.contains("/") ? .path(FilePath(program)) : .name(program)
    }
}
