import ArgumentParser
import Foundation
import Journal
import Sandbox
import SandboxStore

struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Run a Kubernetes-compatible cluster on this machine until Ctrl-C.",
        discussion: """
            Serves the Kubernetes API on loopback. The pods are real processes on this machine, in namespaces of their own. kubectl works:

              aftershock sandbox --apply experiments/targets/azure-sql-edge.yaml
              export KUBECONFIG=...       (the line that it prints, in another terminal)
              kubectl get pods -n sql -o wide

            Prints that line on standard output when the cluster answers. Everything else goes to standard error.
            """,
        subcommands: [SandboxNodeCommand.self])

    enum Profile: String, ExpressibleByArgument, CaseIterable {
        case fast, kubernetes

        var timings: SandboxProfile {
            switch self {
            case .fast: .fast
            case .kubernetes: .kubernetes
            }
        }
    }

    @Option(help: "The number of nodes.")
    var nodes = 3

    @Option(help: "The timeouts of the control plane: fast (a second or two), or kubernetes (the real defaults, minutes).")
    var profile = Profile.fast

    @Option(help: ArgumentHelp("The file to write the kubeconfig to.", valueName: "file"), completion: .file())
    var kubeconfigOut: String?

    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Manifests to apply when the cluster has started.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var apply: [String] = []

    @Option(help: ArgumentHelp("A folder for the volumes. Without it, the sandbox removes them when it ends.", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("Make the control plane misbehave, to see that the harness notices.", valueName: "name"))
    var flaw: [SandboxFlaw] = []

    @Option(
        help: ArgumentHelp("Make the database misbehave: a flaw of sandbox-sql, such as ack-before-commit.", valueName: "name[=value]"),
        transform: databaseFlawArgument)
    var databaseFlaw: [String] = []

    func validate() throws {
        guard (1...20).contains(nodes) else { throw ValidationError("--nodes must be between 1 and 20, not \(nodes)") }
    }

    func run() async throws {
        let (stops, stop) = AsyncStream.makeStream(of: TerminationSignals.Received.self)
        let signals = TerminationSignals(
            first: { stop.yield($0) },
            again: { _ in standardError("aftershock: ended without cleaning up") })
        defer { signals.stop() }

        // Read before anything is started: a wrong path should cost nothing.
        let manifests = try apply.map { (path: $0, yaml: try SandboxManifest.read($0)) }
        standardError("starting \(counted(nodes, "node"))")
        var options = SandboxOptions(
            nodes: nodes, profile: profile.timings, kubeconfigPath: kubeconfigOut.map(Self.absolute), dataDirectory: data)
        options.flaws = Set(flaw)
        options.databaseFlaws = databaseFlaw
        let cluster = try await SandboxCluster.started(options)
        let applying = Task {
            for manifest in manifests {
                try cluster.applied(manifest.yaml, manifest.path)
                standardError("applied \(manifest.path)")
            }
        }
        // A large manifest must not keep a signal waiting.
        let ending = Task {
            for await received in stops {
                standardError("\(received.name): stopping")
                break
            }
            applying.cancel()
        }
        do {
            try await applying.value
            standardError("the API answers at \(cluster.server); Ctrl-C ends the cluster")
            StandardStream.output.write("export KUBECONFIG=\(Self.quoted(cluster.kubeconfigPath))\n")
        } catch is CancellationError {
            // The signal has been told of already.
        } catch {
            ending.cancel()
            await cluster.stop()
            throw error
        }
        await ending.value
        await cluster.stop()
        standardError("stopped")
    }

    /// Other terminals have other working directories.
    private static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

    /// A word as a shell reads it back unchanged.
    private static func quoted(_ text: String) -> String {
        let plain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return plain ? text : "'\(text.replacing("'", with: #"'\''"#))'"
    }
}
