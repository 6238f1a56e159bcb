import ArgumentParser
import Experiment

/// Finds the command that a misspelt name may mean.
enum Misspelling {
    /// Returns the parser's message, with the command that may have been meant.
    static func message(_ parsers: String, arguments: [String]) -> String {
        let text = parsers.hasPrefix("Error: ") ? "error: " + parsers.dropFirst("Error: ".count) : parsers
        guard let meant = suggestion(arguments, in: Aftershock.self) else { return text }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        lines[0] += ". Did you mean '\(meant)'?"
        return lines.joined(separator: "\n")
    }

    /// Returns the command below `parent` that is closest to the first unknown argument.
    static func suggestion(_ arguments: [String], in parent: any ParsableCommand.Type) -> String? {
        let known = parent.configuration.subcommands
        guard !known.isEmpty, let word = arguments.first, !word.hasPrefix("-") else { return nil }
        if let next = known.first(where: { $0.configuration.commandName == word }) {
            return suggestion(Array(arguments.dropFirst()), in: next)
        }
        return closest(to: word, among: known.compactMap { $0.configuration.commandName })
    }
}
