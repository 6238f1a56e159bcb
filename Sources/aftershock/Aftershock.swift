import ArgumentParser

@main
struct Aftershock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "aftershock",
        abstract: "What do the clients of a SQL database feel, and what do they lose, when Kubernetes loses the instance under it?",
        subcommands: [
            ValidateCommand.self,
            SchemaCommand.self,
            ReportCommand.self,
        ]
    )
}
