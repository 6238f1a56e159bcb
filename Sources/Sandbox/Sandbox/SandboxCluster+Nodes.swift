import JSON

/// The actions on a node of a sandbox, by its path under `/apis/sandbox.aftershock/v1/nodes/NAME/`.
public enum NodeAction: String, Sendable, CaseIterable {
    /// A power cut: every process on it ends at once and its connections fall silent.
    case powerOff = "poweroff"
    /// Power comes back.
    case start
    /// The network is lost; what runs goes on running.
    case cut
    /// The network comes back.
    case heal
    case stopKubelet = "stop-kubelet"
    case startKubelet = "start-kubelet"
}

extension SandboxCluster {
    /// Starts a cluster with its nodes.
    ///
    /// - Throws: ``IsolationError`` when this machine does not let processes be isolated, ``SandboxError`` for anything else.
    public static func start(_ options: SandboxOptions = SandboxOptions()) async throws -> SandboxCluster {
        // First of all: without descriptors the network library ends the process.
        try OpenFileLimit.ensure(nodes: options.nodes)
        return try await start(options) { foundation in try await NodeMachinery.start(foundation) }
    }

    /// The nodes, for a cluster that was started with them.
    var fleet: NodeFleet? { (machinery as? NodeMachinery)?.fleet }

    /// One of the nodes, `worker-1` and on.
    public func node(_ name: String) -> SandboxNode? { fleet?[name] }
}

extension NodeFleet {
    func operate(_ action: NodeAction, node name: String) async throws(APIError) {
        guard let node = self[name] else { throw .notFound(.nodes, name) }
        do {
            switch action {
            case .powerOff: await node.powerOff()
            case .start: try await node.start()
            case .cut: await node.cut()
            case .heal: await node.heal()
            case .stopKubelet: await node.stopKubelet()
            case .startKubelet: await node.startKubelet()
            }
        } catch {
            throw APIError(500, "InternalError", "node \(name): \(error)")
        }
    }
}
