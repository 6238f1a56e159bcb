import ArgumentParser

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write the reports of a stored run again, merge those of several runs, or send a run on.",
        discussion:
            "'aftershock report FOLDER' judges the run in FOLDER from its journal. It needs no cluster. The exit codes are those of 'run'.",
        subcommands: [JudgeCommand.self, MergeCommand.self, PushCommand.self, UploadCommand.self], defaultSubcommand: JudgeCommand.self)
}
