import JSON
package import SandboxNodes
import SandboxStore

extension SandboxCluster {
    /// Starts a cluster with its nodes.
    ///
    /// - Throws: ``IsolationError`` when this machine does not let processes be isolated, ``SandboxError`` for anything else.
    package static func start(_ options: SandboxOptions = SandboxOptions()) async throws -> SandboxCluster {
        // First of all: without descriptors the network library ends the process.
        try OpenFileLimit.ensure(nodes: options.nodes)
        return try await start(options) { context in try await NodeBackend.start(context) }
    }

    /// The nodes, for a cluster that was started with them.
    var fleet: NodeFleet? { (backend as? NodeBackend)?.fleet }

    /// One of the nodes, `worker-1` and on.
    package func node(_ name: String) -> SandboxNode? { fleet?[name] }
}
