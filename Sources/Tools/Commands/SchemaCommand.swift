import ArgumentParser
import Experiment
import Fault
import Fleet
import Foundation
import JSON
import Report

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print a JSON Schema (draft-07): of experiment files, of fleet files, or of what a run or a command writes.",
        discussion: """
            Editors with the YAML language server use the schema of experiments if a file begins with
              # yaml-language-server: $schema=./experiment.schema.json
            """)

    /// A format that has a schema.
    enum Format: ExpressibleByArgument {
        case experiment, fleet
        case report(ReportSchema)

        private static let experimentName = "experiment"
        private static let fleetName = "fleet"

        init?(argument: String) {
            if argument == Self.experimentName {
                self = .experiment
            } else if argument == Self.fleetName {
                self = .fleet
            } else if let schema = ReportSchema(rawValue: argument) {
                self = .report(schema)
            } else {
                return nil
            }
        }

        static var allValueStrings: [String] { [experimentName, fleetName] + ReportSchema.allCases.map(\.rawValue) }
        var defaultValueDescription: String { Self.experimentName }
    }

    @Argument(help: "The format to describe.")
    var format = Format.experiment

    func run() throws {
        switch format {
        case .experiment:
            let schema = ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats)
            StandardStream.output.write(String(decoding: try schema.data(pretty: true), as: UTF8.self) + "\n")
        case .fleet: StandardStream.output.write(String(decoding: try FleetFile.jsonSchema.data(pretty: true), as: UTF8.self) + "\n")
        case .report(let schema): StandardStream.output.write(schema.text)
        }
    }
}
