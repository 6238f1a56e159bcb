import ArgumentParser
import Experiment
import Fault
import Foundation
import JSON
import Report

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print a JSON Schema (draft-07): of experiment files, of results.json, or of a line of journal.ndjson.",
        discussion: """
            Editors with the YAML language server use the schema of experiments if a file begins with
              # yaml-language-server: $schema=./experiment.schema.json
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case experiment, results, journal
    }

    @Argument(help: "The format to describe.")
    var kind = Kind.experiment

    func run() throws {
        switch kind {
        case .experiment:
            let schema = ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats)
            StandardStream.output.write(String(decoding: try schema.data(pretty: true), as: UTF8.self) + "\n")
        case .results: StandardStream.output.write(ReportSchema.results)
        case .journal: StandardStream.output.write(ReportSchema.journal)
        }
    }
}
