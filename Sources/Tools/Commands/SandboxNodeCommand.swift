import ArgumentParser
import Foundation
import Kubernetes
import Sandbox

/// Faults of a sandbox's nodes that Kubernetes has no verb for: what an experiment's node failure calls by its hooks.
struct SandboxNodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Switch a sandbox's node off or on, cut it off or heal it, stop or start its kubelet.",
        discussion: """
              aftershock sandbox node poweroff worker-2 --kubeconfig FILE

            poweroff        every process on it ends at once, its connections fall silent
            start           power comes back; also what ends a poweroff
            cut, heal       the network goes and comes back; what runs goes on running
            stop-kubelet, start-kubelet   containers go on running and serving without their kubelet
            """)

    @Argument(
        help: ArgumentHelp(
            "What to do: \(NodeAction.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "action"),
        transform: { text in
            guard let action = NodeAction(rawValue: text) else { throw ValidationError("'\(text)' is no action") }
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
                error.code == .notFound ? " (only a cluster that 'aftershock sandbox' or 'run --sandbox' has started knows this)" : ""
            standardError("error: \(error)\(hint)")
            throw ExitCode(1)
        }
    }
}
