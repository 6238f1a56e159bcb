import ArgumentParser
import JSON

/// The form of a command's answer on standard output: for people, or one JSON document for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The option `-o`, which every command that answers has.
struct OutputOption: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "The output format: text for people, JSON for programs.")
    var format = OutputFormat.text

    /// Prints the one of both that is asked for.
    func print(text: @autoclosure () throws -> String, json: @autoclosure () throws -> JSONValue) throws {
        switch format {
        case .text: standardOutput(try text(), terminator: "")
        case .json: StandardStream.output.write(String(decoding: try json().data(pretty: true), as: UTF8.self) + "\n")
        }
    }
}
