import ArgumentParser
import Foundation
import JSON
import Journal
import Kubernetes
import NIOPosix
import Report
import Run
import Secrets
import Verdict

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Show what a run would change, without changing it.",
        discussion: """
            Makes the checks that precede every run, and prints each action of the run and the permissions that it needs.
            Exit code: 0 if the run could start, 5 if a check has failed.
            """)

    @OptionGroup var experiments: ExperimentPaths
    @OptionGroup var kubernetes: KubernetesFlags

    @OptionGroup var confirmedContext: ConfirmedContext

    @Option(help: "The image of helper pods, instead of the experiments' own.")
    var helperImage: String?

    @OptionGroup var output: OutputOption

    func run() async throws {
        let client = try kubernetes.client()
        let files = try experiments.load(namespace: client.namespace)
        var options = RunOptions(
            folder: "", runID: "", version: Aftershock.version, seed: 0, confirmedContext: confirmedContext.name, helperImage: helperImage,
            ownNode: ProcessInfo.processInfo.environment["AFTERSHOCK_NODE_NAME"])
        options.earlierShutdowns = EarlierShutdown.seen(in: ["reports/latest"], context: client.configuration.contextName)
        let planner = Planner(client: client, options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
        var plans: [RunPlan] = []
        for experiment in files.flatMap(\.experiments) {
            plans.append(await planner.plan(experiment))
        }
        try output.print(text: plans.map { Self.text($0) + "\n" }.joined(), json: .array(plans.map(Self.json)))
        if plans.contains(where: { !$0.passed }) { throw ExitCode(AftershockExit.preflight) }
    }

    private static func text(_ plan: RunPlan) -> String {
        var lines = [plan.experiment, "  checks"]
        lines += plan.checks.map(\.line)
        lines.append("  would do")
        lines +=
            plan.actions.isEmpty
            ? ["    (a failed check hides it)"] : plan.actions.enumerated().map { "    \($0.offset + 1). \($0.element)" }
        lines.append("  with these permissions")
        lines += plan.permissions.required.map { "    \($0)" }
        return lines.joined(separator: "\n")
    }

    private static func json(_ plan: RunPlan) -> JSONValue {
        [
            "experiment": .string(plan.experiment), "passed": .bool(plan.passed),
            "checks": .array(plan.checks.map(\.json)),
            "actions": .array(plan.actions.map(JSONValue.string)),
            "permissions": .array(plan.permissions.required.map { .string($0.description) }),
        ]
    }
}

extension PreflightCheck {
    /// The line `√ name: message` with the hint below it, as in `linkerd check`.
    var line: String {
        let sign =
            switch status {
            case .passed: "√"
            case .warning: "‼"
            case .failed: "×"
            }
        return "    \(sign) \(name): \(message)" + (hint.map { "\n        → \($0)" } ?? "")
    }

    var json: JSONValue {
        [
            "name": .string(name), "status": .string(status.rawValue), "message": .string(message.withoutSecrets),
            "hint": hint.map { .string($0.withoutSecrets) } ?? .null,
        ]
    }
}
