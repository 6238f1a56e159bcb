import ArgumentParser
import Foundation
import Kubernetes
import SandboxStore

/// Faults of a sandbox's nodes that Kubernetes has no verb for: what an experiment's node failure calls by its hooks.
struct SandboxNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Power a node of the sandbox off or on, cut or heal its network, stop or start its kubelet.",
        discussion: """
              aftershock sandbox node poweroff worker-2 --kubeconfig FILE

            poweroff        kills every process on the node; its connections fall silent
            start           powers the node on again
            cut, heal       takes the node's network away, and gives it back; its processes keep running
            stop-kubelet, start-kubelet   stops and starts the kubelet; containers keep running and serving
            """)

    @Argument(
        help: ArgumentHelp(
            "What to do: \(NodeAction.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "action"),
        transform: { text in
            guard let action = NodeAction(rawValue: text) else { throw ValidationError("'\(text)' is not an action") }
            return action
        })
    var action: NodeAction

    @Argument(help: "The node's name.")
    var name: String

    @OptionGroup var flags: KubernetesFlags

    func run() async throws {
        let client = try flags.client()
        do {
            try await client.post("/apis/sandbox.aftershock/v1/nodes/\(name)/\(action.rawValue)")
        } catch {
            let hint =
                error.code == .notFound ? " (only a cluster of 'aftershock sandbox' or 'run --sandbox' can do this)" : ""
            standardError("error: \(error)\(hint)")
            throw ExitCode(1)
        }
    }
}
