import ArgumentParser

struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write the reports of a stored run again, or merge those of several.",
        discussion: "'aftershock report FOLDER' judges the run in FOLDER from its journal. Needs no cluster. Exits as 'run' does.",
        subcommands: [JudgeCommand.self, MergeCommand.self], defaultSubcommand: JudgeCommand.self)
}
