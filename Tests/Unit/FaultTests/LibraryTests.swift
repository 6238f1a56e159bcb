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
