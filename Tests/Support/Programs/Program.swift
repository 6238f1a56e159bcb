import Foundation
public import Subprocess
import SystemPackage

/// The programs of this package, as they were built beside the tests.
public enum Program {
    /// The end of a program, and its output.
    public struct Outcome: Sendable {
        public var exitCode: Int32
        public var output: String
        public var errors: String
    }

    public static func executable(_ name: String) -> Executable { .path(FilePath(path(name))) }

    private static func path(_ name: String) -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name).path
    }

    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - environment: beside this process's own.
    ///   - input: what it reads on standard input.
    ///   - launcher: another program of the system that starts it, and that one's arguments.
    public static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
        launcher: [String] = []
    ) async throws -> Outcome {
        let command = launcher.isEmpty ? arguments : launcher.dropFirst() + [path(name)] + arguments
        return try await outcome(of: launcher.first ?? path(name), command, environment, input)
    }

    /// Runs a program of the system to its end.
    ///
    /// - Parameter name: is looked up in `PATH` unless it is a path.
    public static func runSystem(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> Outcome {
        try await outcome(of: name, arguments, environment, input)
    }

    private static func outcome(
        of name: String, _ arguments: [String], _ environment: [String: String], _ input: String
    ) async throws -> Outcome {
        let added = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), Optional($1)) })
        let record = try await Subprocess.run(
            name.contains("/") ? .path(FilePath(name)) : .name(name), arguments: Arguments(arguments),
            environment: .inherit.updating(added), input: .string(input),
            output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        guard case .exited(let code) = record.terminationStatus else { throw ProgramError("\(name) ended by \(record.terminationStatus)") }
        return Outcome(exitCode: code, output: record.standardOutput, errors: record.standardError)
    }

    /// Runs a program with its standard error in the file `log`, and meanwhile `body` with its process ID.
    ///
    /// - Returns: the exit code, `nil` when a signal ended it, and what `body` returned.
    public static func run<Result: Sendable>(
        _ name: String, _ arguments: [String], log: String, launcher: [String] = [],
        _ body: @Sendable @escaping (pid_t) async throws -> Result
    ) async throws -> (exitCode: Int32?, result: Result) {
        let file = try FileDescriptor.open(
            FilePath(log), .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: [.ownerReadWrite])
        let outcome = try await Subprocess.run(
            launcher.first.map { .name($0) } ?? executable(name),
            arguments: Arguments(launcher.isEmpty ? arguments : launcher.dropFirst() + [path(name)] + arguments), input: .none,
            output: .discarded,
            error: .fileDescriptor(file, closeAfterSpawningProcess: true)
        ) { execution in
            try await body(execution.processIdentifier.value)
        }
        guard case .exited(let code) = outcome.terminationStatus else { return (nil, outcome.closureResult) }
        return (code, outcome.closureResult)
    }
}

public struct ProgramError: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) {
        self.description = description
    }
}
