public import ArgumentParser

/// The command `aftershock` with all its subcommands.
public struct Aftershock: AsyncParsableCommand {
    static let version = "0.1.0"

    public static let configuration = CommandConfiguration(
        commandName: "aftershock",
        abstract: "What do the clients of a SQL database feel, and what do they lose, when Kubernetes loses the instance under it?",
        version: version,
        subcommands: [
            RunCommand.self,
            SandboxCommand.self,
            PlanCommand.self,
            DoctorCommand.self,
            RestoreCommand.self,
            ValidateCommand.self,
            RBACCommand.self,
            SchemaCommand.self,
            InitCommand.self,
            CompletionCommand.self,
            ReportCommand.self,
            CompareCommand.self,
            HistoryCommand.self,
            FleetCommand.self,
            ReferenceCommand.self,
            ProbeCommand.self,
            CalibrateCommand.self,
        ]
    )

    public init() {}
}
