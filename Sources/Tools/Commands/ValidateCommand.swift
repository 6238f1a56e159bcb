import ArgumentParser
import Experiment
import JSON
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
    @OptionGroup var output: OutputOption

    func run() throws {
        let (loaded, problems) = ExperimentPaths.read(experiments.paths)
        if output.format == .text, !problems.isEmpty { ExperimentPaths.report(problems) }
        let valid = loaded.flatMap { file in file.experiments.map { (path: file.file, experiment: $0) } }
        try output.print(
            text: valid.map { "\($0.path): \($0.experiment.name): \($0.experiment.fault.kind), valid\n" }.joined(),
            json: [
                "schema": "aftershock.validation/v1", "valid": .bool(problems.isEmpty),
                "experiments": .array(
                    valid.map {
                        ["file": .string($0.path), "name": .string($0.experiment.name), "fault": .string($0.experiment.fault.kind)]
                    }),
                "problems": .array(problems.map(\.json)),
            ])
        if !problems.isEmpty { throw ExitCode(AftershockExit.usage) }
    }
}
