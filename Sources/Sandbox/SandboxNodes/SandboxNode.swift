import JSON
import SandboxStore

/// One node of the sandbox: its power, its network and its kubelet.
package actor SandboxNode {
    package nonisolated let name: String
    package nonisolated let address: String
    private let makeServices: @Sendable (NodeNamespace, Gate, Gate) -> KubeletServices
    private let machine: IsolatedMachine
    private let network: any NetworkFaults
    private let link = Gate()
    private let agent = Gate()
    private var running: (namespace: NodeNamespace, kubelet: Kubelet, task: Task<Void, Never>)?

    package init(
        name: String, address: String, machine: IsolatedMachine, network: any NetworkFaults,
        makeServices: @escaping @Sendable (NodeNamespace, Gate, Gate) -> KubeletServices
    ) {
        self.name = name
        self.address = address
        self.machine = machine
        self.network = network
        self.makeServices = makeServices
    }

    /// Switches the node on; nothing happens when it is on.
    package func start() async throws {
        guard running == nil else { return }
        let namespace = try await machine.startNode(name)
        link.open()
        agent.open()
        let kubelet = Kubelet(makeServices(namespace, link, agent))
        running = (namespace, kubelet, Task { await kubelet.run() })
        await network.restore(name)
    }

    /// A power cut: every process of the node ends at once and its connections fall silent. Its data stays.
    package func powerOff() async {
        guard let running else { return }
        self.running = nil
        // Silence first: a dying process would close its connections, which a machine without power does not.
        await network.silence(name)
        running.task.cancel()
        await running.namespace.powerOff()
        await running.task.value
    }

    /// Takes the node off the network; what runs on it goes on running.
    package func cut() async {
        link.close()
        await network.silence(name)
    }

    /// Puts the node back on the network.
    package func heal() async {
        link.open()
        await network.restore(name)
    }

    /// The kubelet stops; containers go on running and serving.
    package func stopKubelet() { agent.close() }

    package func startKubelet() { agent.open() }

    /// Ends the node for good.
    package func stop() async {
        guard let running else { return }
        self.running = nil
        running.task.cancel()
        await running.namespace.powerOff()
        await running.task.value
    }

    /// The kubelet, if the API server can reach it; otherwise why not and after how long it says so.
    func reach() throws(NodeProblem) -> Kubelet {
        guard let running, link.isOpen else { throw NodeProblem(isSilent: true, text: "dial tcp \(address):10250: i/o timeout") }
        guard agent.isOpen else { throw NodeProblem(isSilent: false, text: "dial tcp \(address):10250: connect: connection refused") }
        return running.kubelet
    }
}

struct NodeProblem: Error {
    let isSilent: Bool
    let text: String
}

/// The Service proxy's treatment of nodes that are off the network.
package protocol NetworkFaults: Sendable {
    /// Packets to and from the node's pods are lost. Returns once that is so.
    func silence(_ node: String) async
    func restore(_ node: String) async
}
