public import Experiment
import JSON
public import Journal

extension RunStarted.Source {
    /// The experiments with the settings of the run.
    public func experiments() throws -> [Experiment] {
        guard let effective else { return try ExperimentFile.parse(text, file: file, faults: .any) }
        return try effective.flatMap {
            try ExperimentFile.parse(String(decoding: $0.data(), as: UTF8.self), file: file, faults: .any)
        }
    }
}
