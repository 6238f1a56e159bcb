import ArgumentParser
import Foundation
import Journal
import Verdict

/// The exit codes of ends that are not verdicts, as the parser of arguments takes them.
enum AftershockExit {
    static let preflight = RunExitCode.preflightFailed.rawValue
    static let notRestored = RunExitCode.notRestored.rawValue
    static let usage = RunExitCode.usage.rawValue
    static let `internal` = RunExitCode.internalError.rawValue
}

/// An end of a command that has nothing to do with a verdict, in our words.
struct CommandError: Error, CustomStringConvertible {
    var code: Int32
    var description: String

    /// An option, a file or a folder that the person gave is wrong.
    static func usage(_ description: String) -> CommandError { CommandError(code: AftershockExit.usage, description: description) }

    /// The machine, or the harness itself, cannot do it.
    static func `internal`(_ description: String) -> CommandError {
        CommandError(code: AftershockExit.internal, description: description)
    }

    /// A file or a folder cannot be read or written. A full disk is the machine's; all else is what the person gave.
    static func unusable(_ description: String) -> CommandError {
        [ENOSPC, EDQUOT].contains { description.hasSuffix(String(cString: strerror($0))) } ? .internal(description) : .usage(description)
    }
}

extension Aftershock {
    /// Runs the program: parses its arguments, runs the command, and ends with the code that the contract has for how it went.
    public static func start() async -> Never {
        StandardStream.secure()
        // Swift reads them from /proc. Without any, help would be asked for, and no run would have ended as a pass does.
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
            // Help, versions, and what is wrong with the arguments are the parser's; only of other errors does it know nothing.
            if exitCode(for: error) == .validationFailure {
                standardError(Misspelling.message(fullMessage(for: error), arguments: Array(CommandLine.arguments.dropFirst())))
                end(with: AftershockExit.usage)
            }
            guard exitCode(for: error) == .failure else { exit(withError: error) }
            standardError("error: \(words(for: error))")
            end(with: AftershockExit.internal)
        }
    }

    /// A result that did not reach its reader is no success.
    private static func end(with code: Int32) -> Never {
        if let failure = StandardStream.outputFailure {
            standardError("error: standard output could not be written: \(failure)")
            Foundation.exit(code == 0 ? AftershockExit.internal : code)
        }
        Foundation.exit(code)
    }
}
