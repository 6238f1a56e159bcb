import ArgumentParser
import Experiment
import Run

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check experiment files, without a cluster.",
        discussion: """
            Prints every error with file:line:column, the line, and a correction.
            Exit code: 0 if every file is valid, 64 if one is not.
            """)

    @OptionGroup var experiments: ExperimentPaths

    func run() throws {
        for file in try experiments.load() {
            for experiment in file.experiments {
                standardOutput("\(file.file): \(experiment.name): \(experiment.fault.kind), valid")
            }
        }
    }
}
