import ArgumentParser
import Experiment
import Run

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check experiment files, without a cluster.",
        discussion: """
            Says everything that is wrong, each with file:line:column, the line and what to write instead.
            Exits 0 when every file is valid and 64 when one is not.
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
