import JSON
import NIOHTTP1
import SandboxStore

/// Authentication and authorization of requests.
extension APIService {
    /// The user that a connection's certificate or a request's bearer token proves; `nil` for nobody.
    func authenticated(_ headers: HTTPHeaders, hasCertificate: Bool, _ credentials: ClusterCredentials) -> UserIdentity? {
        let authorization = headers.first(name: "Authorization")
        if hasCertificate || credentials.accepts(authorization: authorization) { return .administrator }
        guard let authorization, authorization.lowercased().hasPrefix("bearer ") else { return nil }
        return user(ofToken: String(authorization.dropFirst(7)))
    }

    package func user(ofToken token: String) -> UserIdentity? {
        guard let state = try? store.read({ $0 }) else { return nil }
        return tokens.user(of: token, in: state, at: store.environment.now())
    }

    /// The request with the user that it asks to act as, once RBAC allows both.
    func authorized(_ request: APIRequest) throws(APIError) -> APIRequest {
        var request = request
        let authorizer = Authorizer(state: try store.read { $0 })
        if let impersonation = try Impersonation(request.headers) {
            for need in impersonation.needs { try authorizer.check(request.user, need) }
            request.user = impersonation.user
        }
        if !Self.isPublic(request) { try authorizer.check(request.user, AccessAttributes(request)) }
        return request
    }

    func createToken(_ key: ObjectKey, _ call: ResourceCall) throws(APIError) -> APIResponse {
        let state = try store.read { $0 }
        let body = try call.request.json()
        return .json(
            try tokens.answer(body, for: try state.get(key), in: state, at: store.environment.now()), status: 201)
    }
}
