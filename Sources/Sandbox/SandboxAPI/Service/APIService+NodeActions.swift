import JSON
import NIOHTTP1
import SandboxStore

/// `POST /apis/sandbox.aftershock/v1/nodes/NAME/ACTION`: power cuts and the like, for the harness's fault hooks.
extension APIService {
    func operateNode(_ request: APIRequest) async throws(APIError) -> APIResponse {
        guard request.path.count == 6, let action = NodeAction(rawValue: request.path[5]) else {
            let known = NodeAction.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(404, "NotFound", "a node's path is /apis/sandbox.aftershock/v1/nodes/NAME/ACTION with one of \(known)")
        }
        guard request.method == .POST else { throw .methodNotAllowed() }
        try await runtime.operate(action, node: request.path[4])
        return .success(status: 200)
    }
}
