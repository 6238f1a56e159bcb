import ArgumentParser

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write the reports of a stored run again, or merge the reports of several runs.",
        discussion:
            "'aftershock report FOLDER' judges the run in FOLDER from its journal. It needs no cluster. The exit codes are those of 'run'.",
        subcommands: [JudgeCommand.self, MergeCommand.self], defaultSubcommand: JudgeCommand.self)
}
