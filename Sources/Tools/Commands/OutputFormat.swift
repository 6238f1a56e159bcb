import ArgumentParser
import JSON

/// The format of a command's output: text for people, or one JSON document for programs.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// The option `-o` of all commands with an output.
struct OutputOption: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "The output format: text for people, JSON for programs.")
    var format = OutputFormat.text

    /// Prints the requested one of both.
    func print(text: @autoclosure () throws -> String, json: @autoclosure () throws -> JSONValue) throws {
        switch format {
        case .text: standardOutput(try text(), terminator: "")
        case .json: StandardStream.output.write(String(decoding: try json().data(pretty: true), as: UTF8.self) + "\n")
        }
    }
}
