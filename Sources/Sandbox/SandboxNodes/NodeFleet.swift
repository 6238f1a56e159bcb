import JSON
package import SandboxStore
import Synchronization

/// The nodes of a sandbox, as the API server reaches into their pods.
package final class NodeFleet: PodRuntime {
    private let nodes: [String: SandboxNode]
    private let time: any SandboxTime
    private let dialTimeout: Duration

    package init(_ nodes: [SandboxNode], time: any SandboxTime, dialTimeout: Duration) {
        self.nodes = Dictionary(nodes.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.time = time
        self.dialTimeout = dialTimeout
    }

    package subscript(name: String) -> SandboxNode? { nodes[name] }

    package var all: [SandboxNode] { nodes.values.sorted { $0.name < $1.name } }

    package func logs(of container: ContainerReference, _ options: LogOptions) async throws(APIError) -> any ByteSequence {
        try await worker(container).logs(container.container, options)
    }

    package func exec(in container: ContainerReference, _ request: ExecRequest) async throws(APIError) -> any ExecSession {
        try await worker(container).exec(container.container, request)
    }

    private func worker(_ container: ContainerReference) async throws(APIError) -> PodWorker {
        guard let node = nodes[container.nodeName] else { throw .notFound(.nodes, container.nodeName) }
        do {
            guard let worker = try await node.reach().worker(container.uid) else {
                throw APIError.badRequest(
                    "container \"\(container.container)\" in pod \"\(container.pod)\" is waiting to start: ContainerCreating")
            }
            return worker
        } catch let problem as NodeProblem {
            if problem.isSilent { try? await time.sleep(for: dialTimeout) }
            throw APIError(500, "InternalError", "error dialing backend: \(problem.text)")
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError(500, "InternalError", "\(error)")
        }
    }
}
