import Experiment
import Journal
import Kubernetes

/// Runs any pair of commands, and a third one that shows whether the fault is in effect.
struct CommandFault: FaultInjection {
    static let kind = "command"
    static let summary = "Any command."
    static let fields: [Format.Field] = [
        .required("inject", .strings, "The command; {node}, {pod}, {namespace} and {workload} are replaced."),
        .optional("undo", .strings, "The command that restores it."),
        .required("probe", .strings, "Exits 0 when the fault is in effect."),
        .optional(
            "undoAfter", .positive,
            "The time from the injection to the undo, for a fault from which nothing recovers by itself. Default: after the recovery."),
        .optional("timeout", .positive, .duration(.seconds(60)), "The timeout of each command."),
    ]
    static let manual = [
        FaultManual(
            "`command`", happens: "a command of the experiment", proof: "a third one exits with 0",
            restored: "another command; the mark is on the Lease", restoredProof: "it exits with 0")
    ]
    static var undoActions: [any UndoAction.Type] { [RunCommand.self] }

    let commands: (inject: [String], undo: [String]?, probe: [String])
    let timeout: Duration
    let undoAfter: Duration?

    init(_ fields: FormatValue, options: FaultOptions) {
        commands = (fields.strings("inject") ?? [], fields.strings("undo"), fields.strings("probe") ?? [])
        timeout = fields.requiredDuration("timeout")
        undoAfter = fields.duration("undoAfter")
    }

    /// A command need not replace the instance.
    var sparesInstance: Bool { true }

    func plan(_ target: FaultTarget) -> [String] {
        var lines = [commands.inject, commands.probe].map { "run: \(HookCommand($0, target, timeout: timeout).text)" }
        if let undo = commands.undo { lines.append("run: \(HookCommand(undo, target, timeout: timeout).text)") }
        return lines
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] { [] }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        if let undo = commands.undo {
            let command = HookCommand(undo, target, timeout: timeout)
            let intent = try context.intend(RunCommand(command, namespace: target.namespace, lease: target.lease))
            try await context.mark(Lease.self, target.lease, in: target.namespace, with: intent)
        }
        return try await HookCommand(commands.inject, target, timeout: timeout).run(for: context.client)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let probe = HookCommand(commands.probe, target, timeout: self.timeout)
        do {
            return FaultEffect(proven: true, evidence: [try await probe.run(for: context.client)])
        } catch let error as FaultError {
            return FaultEffect(proven: false, evidence: [error.description])
        }
    }
}
