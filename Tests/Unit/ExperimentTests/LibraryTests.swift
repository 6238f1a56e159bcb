import Checkout
import Foundation
import JSON
import Testing

@testable import Experiment

/// The experiment library of this repository.
@Suite struct LibraryTests {
    private let folder = Checkout.root.appendingPathComponent("experiments")

    @Test func everyExperimentIsValid() throws {
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "yaml" }
        #expect(!files.isEmpty)
        for file in files {
            let experiments = try ExperimentFile.parse(String(contentsOf: file, encoding: .utf8), file: file.lastPathComponent)
            #expect(experiments.map(\.name) == [file.deletingPathExtension().lastPathComponent])
        }
    }

    @Test func theSchemaForEditorsIsTheOneThatValidates() throws {
        let stored = try Data(contentsOf: folder.appendingPathComponent("experiment.schema.json"))
        #expect(try JSONValue(parsing: stored) == ExperimentFile.jsonSchema, "run: aftershock schema > experiments/experiment.schema.json")
    }
}
