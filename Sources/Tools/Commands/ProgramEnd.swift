import ArgumentParser
import Foundation
import Journal
import Verdict

/// The exit codes that are not verdicts, for the argument parser.
enum AftershockExit {
    static let preflight = RunExitCode.preflightFailed.rawValue
    static let notRestored = RunExitCode.notRestored.rawValue
    static let usage = RunExitCode.usage.rawValue
    static let `internal` = RunExitCode.internalError.rawValue
}

/// An error that ends a command without a verdict.
struct CommandError: Error, CustomStringConvertible {
    var code: Int32
    var description: String

    /// Creates the error of a wrong option, file or folder.
    static func usage(_ description: String) -> CommandError { CommandError(code: AftershockExit.usage, description: description) }

    /// Creates the error of the machine or the harness itself.
    static func `internal`(_ description: String) -> CommandError {
        CommandError(code: AftershockExit.internal, description: description)
    }

    /// Creates the error of a file or folder that cannot be read or written: a full disk is the machine's error, any other the user's.
    static func unusable(_ description: String) -> CommandError {
        [ENOSPC, EDQUOT].contains { description.hasSuffix(String(cString: strerror($0))) } ? .internal(description) : .usage(description)
    }
}

extension Aftershock {
    /// Parses the arguments, runs the command, and ends with the documented exit code.
    public static func start() async -> Never {
        StandardStream.secure()
        // Swift reads the arguments from /proc. Without them the parser would print the help and exit with 0, as if a run had passed.
        guard !CommandLine.arguments.isEmpty else {
            standardError("error: the arguments of this program cannot be read: mount /proc, and preload no library that hides it")
            end(with: AftershockExit.internal)
        }
        guard CommandLine.arguments.count > 1 else {
            standardError(helpMessage())
            standardError("error: no command is given")
            end(with: AftershockExit.usage)
        }
        do {
            var command = try parseAsRoot()
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
            end(with: 0)
        } catch let error as ArgumentParser.ExitCode {
            end(with: error.rawValue)
        } catch let error as CommandError {
            standardError("error: \(error)")
            end(with: error.code)
        } catch {
            // The parser prints help, versions and its own errors; the others are printed here.
            if exitCode(for: error) == .validationFailure {
                standardError(Misspelling.message(fullMessage(for: error), arguments: Array(CommandLine.arguments.dropFirst())))
                end(with: AftershockExit.usage)
            }
            guard exitCode(for: error) == .failure else { exit(withError: error) }
            standardError("error: \(words(for: error))")
            end(with: AftershockExit.internal)
        }
    }

    /// A result that could not be printed is no success.
    private static func end(with code: Int32) -> Never {
        if let failure = StandardStream.outputFailure {
            standardError("error: standard output could not be written: \(failure)")
            Foundation.exit(code == 0 ? AftershockExit.internal : code)
        }
        Foundation.exit(code)
    }
}
