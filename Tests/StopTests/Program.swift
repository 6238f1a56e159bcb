import Foundation
import Glibc
import Subprocess
import SystemPackage
import Testing

/// The built `aftershock`, run as its users run it.
enum Program {
    static let path = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent("aftershock").path

    struct Ended: Sendable {
        /// `nil` when a signal ended it.
        var code: Int32?
        var output: String
        var errors: String
    }

    static func run(_ arguments: [String]) async throws -> Ended {
        let result = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), input: .none, output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        return Ended(code: result.terminationStatus.code, output: result.standardOutput, errors: result.standardError)
    }

    /// Runs it with its standard error in the file `log`, and meanwhile `body` with its process ID.
    static func run<Result: Sendable>(
        _ arguments: [String], log: String, _ body: @Sendable @escaping (pid_t) async throws -> Result
    ) async throws -> (code: Int32?, result: Result) {
        let file = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        let outcome = try await Subprocess.run(
            .path(FilePath(path)), arguments: Arguments(arguments), input: .none, output: .discarded,
            error: .fileDescriptor(file, closeAfterSpawningProcess: true)
        ) { execution in
            try await body(execution.processIdentifier.value)
        }
        return (outcome.terminationStatus.code, outcome.closureResult)
    }
}

extension TerminationStatus {
    fileprivate var code: Int32? {
        if case .exited(let code) = self { return code }
        return nil
    }
}
