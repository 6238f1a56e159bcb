import Checkout
import Experiment
import Foundation
import JSON
import Testing

@testable import Fault

/// The experiment library of this repository.
@Suite struct LibraryTests {
    private let folder = Checkout.root.appendingPathComponent("experiments")

    @Test func everyExperimentIsValid() throws {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
        #expect(!files.isEmpty)
        for file in files {
            let experiments = try ExperimentFile.parse(
                String(contentsOf: file, encoding: .utf8), file: file.lastPathComponent, faults: FaultCatalog.standard.formats)
            #expect(experiments.map(\.name) == [file.deletingPathExtension().lastPathComponent])
        }
    }

    @Test func theSchemaForEditorsIsTheOneThatValidates() throws {
        let stored = try Data(contentsOf: folder.appendingPathComponent("experiment.schema.json"))
        #expect(
            try JSONValue(parsing: stored) == ExperimentFile.jsonSchema(faults: FaultCatalog.standard.formats),
            "run: aftershock schema > experiments/experiment.schema.json")
    }

    /// The recipes that drive other tools, by scripts that lie beside them.
    @Test func everyRecipeIsValid() throws {
        let recipes = folder.appendingPathComponent("recipes")
        let files = try FileManager.default.contentsOfDirectory(at: recipes, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
        #expect(files.count >= 3)
        for file in files {
            let experiments = try ExperimentFile.parse(
                String(contentsOf: file, encoding: .utf8), file: file.lastPathComponent, faults: FaultCatalog.standard.formats)
            #expect(experiments.map(\.name) == [file.deletingPathExtension().lastPathComponent])
            let experiment = try #require(experiments.first)
            let fault = try #require(FaultCatalog.standard.injection(experiment.fault, options: FaultOptions()) as? CommandFault)
            for command in [fault.commands.inject, fault.commands.probe, fault.commands.undo ?? []] {
                let script = recipes.appendingPathComponent(command.first ?? "?")
                #expect(FileManager.default.isExecutableFile(atPath: script.path), "\(file.lastPathComponent): \(script.path)")
            }
        }
    }

    /// A kind that the library has no experiment for is one that nobody tries.
    @Test func everyFaultHasAnExperiment() throws {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
        let used = try files.flatMap {
            try ExperimentFile.parse(String(contentsOf: $0, encoding: .utf8), file: "x", faults: FaultCatalog.standard.formats)
        }.map(\.fault.kind)
        #expect(Set(used) == Set(FaultCatalog.standard.kinds.map { $0.kind }))
    }

    @Test func theManualHasTheTableOfTheFaults() throws {
        let manual = try String(contentsOf: Checkout.root.appendingPathComponent("docs/faults.md"), encoding: .utf8)
        #expect(manual.contains(FaultCatalog.standard.manual), "put this into docs/faults.md:\n\(FaultCatalog.standard.manual)")
    }
}
