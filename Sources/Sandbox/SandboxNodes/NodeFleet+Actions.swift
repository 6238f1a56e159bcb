import JSON
package import SandboxStore

extension NodeFleet {
    package func operate(_ action: NodeAction, node name: String) async throws(APIError) {
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
