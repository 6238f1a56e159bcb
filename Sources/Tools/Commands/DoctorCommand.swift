import ArgumentParser
import Experiment
import Foundation
import JSON
import Journal
import Kubernetes
import NIOPosix
import Run

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check that the cluster answers and that the given experiments could run.",
        discussion: """
            Changes nothing, and prints every problem that it finds. Exit code: 0 if every check passed, 5 if one failed, 64 if the
            kubeconfig or an experiment file is not valid.
            """)

    @Argument(
        help: ArgumentHelp("Experiment files or folders to check the cluster for.", valueName: "file or folder"),
        completion: .file(extensions: ["yaml", "yml"]))
    var experiments: [String] = []

    @OptionGroup var kubernetes: KubernetesFlags
    @OptionGroup var output: OutputOption

    @OptionGroup var confirmedContext: ConfirmedContext

    /// A group of checks: of the cluster, of the files, or of one experiment.
    private struct Section {
        var name: String
        var checks: [PreflightCheck]

        var isWell: Bool { !checks.contains { $0.status == .failed } }
    }

    func run() async throws {
        var cluster = Section(name: "kubernetes", checks: [])
        var client: KubernetesClient?
        do {
            let made = try kubernetes.configuredClient()
            cluster.checks = await Self.checks(made)
            client = made
        } catch {
            let lines = "\(error)".split(separator: "\n", maxSplits: 1)
            cluster.checks = [
                PreflightCheck(
                    name: "kubeconfig", status: .failed, message: String(lines.first ?? ""),
                    hint: lines.dropFirst().first.map { $0.trimmingCharacters(in: .whitespaces) })
            ]
        }
        var sections = [cluster]
        let (files, problems) = ExperimentPaths.read(experiments, namespace: client?.namespace ?? "default")
        if !problems.isEmpty {
            sections.append(
                Section(
                    name: "files",
                    checks: problems.map { PreflightCheck(name: "file", status: .failed, message: $0.description, hint: $0.hint) }))
        }
        if let client, cluster.isWell {
            let options = RunOptions(folder: "", runID: "", version: Aftershock.version, seed: 0, confirmedContext: confirmedContext.name)
            let planner = Planner(client: client, options: options, eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            for experiment in files.flatMap(\.experiments) {
                sections.append(Section(name: experiment.name, checks: await planner.plan(experiment).checks))
            }
        }
        try output.print(
            text: sections.map { section in ([section.name] + section.checks.map(\.line)).joined(separator: "\n") + "\n" }.joined(),
            json: [
                "schema": "aftershock.doctor/v1", "passed": .bool(sections.allSatisfy(\.isWell)),
                "sections": .array(sections.map { ["name": .string($0.name), "checks": .array($0.checks.map(\.json))] }),
            ])
        if client == nil || !problems.isEmpty { throw ExitCode(AftershockExit.usage) }
        if !sections.allSatisfy(\.isWell) { throw ExitCode(AftershockExit.preflight) }
    }

    private static func checks(_ client: KubernetesClient) async -> [PreflightCheck] {
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
                    name: "nodes", status: ready == nodes.count ? .passed : .warning,
                    message: "\(ready) of \(counted(nodes.count, "node is", "nodes are")) ready",
                    hint: ready == nodes.count ? nil : "see 'kubectl get nodes'"))
        } catch {
            // A user who may not list nodes can still run experiments on pods.
            let status: PreflightCheck.Status = error.code == .forbidden ? .warning : .failed
            checks.append(PreflightCheck(name: "api", status: status, message: error.message, hint: error.hint))
        }
        return checks
    }
}
