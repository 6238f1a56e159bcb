import ArgumentParser
import Experiment
import Fault
import Foundation
import JSON

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema (draft-07) of experiment files.",
        discussion: """
            Editors with the YAML language server use it when a file begins with
              # yaml-language-server: $schema=./experiment.schema.json
            """)

    func run() throws {
        StandardStream.output.write(
            String(decoding: try ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats).data(pretty: true), as: UTF8.self) + "\n")
    }
}
