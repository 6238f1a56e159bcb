import ArgumentParser
import Foundation
import Journal
import Kubernetes
import NIOPosix
import Run

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check that the cluster answers and that the given experiments could run.",
        discussion: "Changes nothing. Exit code: 0 if every check passed, 5 if one failed.")

    @Argument(
        help: ArgumentHelp("Experiment files or folders to check the cluster for.", valueName: "file or folder"),
        completion: .file(extensions: ["yaml", "yml"]))
    var experiments: [String] = []

    @OptionGroup var kubernetes: KubernetesFlags

    @Option(help: ArgumentHelp("The name of the context that you expect the cluster to be.", valueName: "context"))
    var confirmContext: String?

    func run() async throws {
        let client = try kubernetes.client()
        var failed = false
        standardOutput("kubernetes")
        for check in await Self.cluster(client) {
            standardOutput(check.line)
            failed = failed || check.status == .failed
        }
        if !failed, !experiments.isEmpty {
            let options = RunOptions(folder: "", runID: "", version: Aftershock.version, seed: 0, confirmedContext: confirmContext)
            let planner = Planner(client: client, options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            for experiment in try ExperimentPaths.load(experiments, namespace: client.namespace).flatMap(\.experiments) {
                let plan = await planner.plan(experiment)
                standardOutput(plan.experiment)
                for check in plan.checks { standardOutput(check.line) }
                failed = failed || !plan.passed
            }
        }
        if failed { throw ExitCode(AftershockExit.preflight) }
    }

    private static func cluster(_ client: KubernetesClient) async -> [PreflightCheck] {
        let configuration = client.configuration
        var checks = [
            PreflightCheck(
                name: "kubeconfig", status: .passed,
                message: "context \(configuration.contextName), server \(configuration.server)")
        ]
        do throws(KubernetesError) {
            checks.append(
                PreflightCheck(name: "api", status: .passed, message: "Kubernetes \(try await client.version().gitVersion) answers"))
            let nodes = try await client.list(Node.self, in: .all).items
            let ready = nodes.filter(\.isReady).count
            checks.append(
                PreflightCheck(
                    name: "nodes", status: ready == nodes.count ? .passed : .warning, message: "\(ready) of \(nodes.count) nodes are ready",
                    hint: ready == nodes.count ? nil : "see 'kubectl get nodes'"))
        } catch {
            // A user who may not list nodes can still run experiments on pods.
            let status: PreflightCheck.Status = error.code == .forbidden ? .warning : .failed
            checks.append(PreflightCheck(name: "api", status: status, message: error.message, hint: error.hint))
        }
        return checks
    }
}
