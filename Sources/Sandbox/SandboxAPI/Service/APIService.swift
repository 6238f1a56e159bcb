import Foundation
import JSON
import NIOCore
import NIOHTTP1
package import SandboxStore

/// The Kubernetes API over an ``ObjectStore``: requests in, answers out. It knows nothing of sockets.
package struct APIService: Sendable {
    package let store: ObjectStore
    package let runtime: any PodRuntime
    /// Signs the tokens of ServiceAccounts.
    package let tokens: TokenIssuer
    package let flaws: Set<SandboxFlaw>
    /// The version that `/version` reports: the one whose behaviour is modelled.
    static let version = "v1.34.0"

    package init(store: ObjectStore, runtime: any PodRuntime, tokens: TokenIssuer = TokenIssuer(), flaws: Set<SandboxFlaw> = []) {
        self.store = store
        self.runtime = runtime
        self.tokens = tokens
        self.flaws = flaws
    }

    /// Answers one request of an authenticated client.
    package func respond(to request: APIRequest) async -> APIResponse {
        do {
            return try await route(try authorized(request))
        } catch {
            return .failure(error)
        }
    }

    /// The paths that anybody may ask (the `system:public-info-viewer` role).
    static func isPublic(_ request: APIRequest) -> Bool {
        ["version", "healthz", "livez", "readyz"].contains(request.path.first ?? "")
    }

    static let unauthorized = APIError(401, "Unauthorized", "Unauthorized")

    private static var unknownPath: APIError { APIError(404, "NotFound", "the server could not find the requested resource") }

    /// The answer to requests for kinds that Kubernetes has and the sandbox has not.
    private static func unknownResource(_ path: ArraySlice<String>, in version: String) -> APIError {
        let inner = path.first == "namespaces" && path.count > 2 ? path.dropFirst(2) : path
        return APIError(
            404, "NotFound",
            "the server could not find the requested resource: the sandbox has no \(inner.first ?? "resource") in \(version) "
                + "(kubectl api-resources lists what it has)")
    }

    private func route(_ request: APIRequest) async throws(APIError) -> APIResponse {
        let path = request.path[...]
        switch path.first {
        case "version": return .json(Discovery.version)
        case "healthz", "livez", "readyz": return .text("ok")
        case "openapi": return try OpenAPI.respond(to: path.dropFirst(), store.registry)
        case "api" where path.count == 1: return .json(Discovery.coreVersions)
        case "apis" where path.count == 1: return .json(Discovery.groups(store.registry))
        case "apis" where path.count == 2:
            guard let group = Discovery.group(path[1], store.registry) else { throw Self.unknownPath }
            return .json(group)
        case "api" where path.count == 2: return .json(try resources(group: "", version: path[1]))
        case "apis" where path.count == 3: return .json(try resources(group: path[1], version: path[2]))
        case "api": return try await resource(request, group: "", version: path[1], path.dropFirst(2))
        case "apis" where path.starts(with: ["apis", "sandbox.aftershock", "v1", "nodes"]): return try await operateNode(request)
        case "apis" where path.count > 3: return try await resource(request, group: path[1], version: path[2], path.dropFirst(3))
        case nil: return .json(["paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]])
        default: throw Self.unknownPath
        }
    }

    private func resources(group: String, version: String) throws(APIError) -> JSONValue {
        guard let list = Discovery.resources(group: group, version: version, store.registry) else { throw Self.unknownPath }
        return list
    }

    private func resource(
        _ request: APIRequest, group: String, version: String, _ rest: ArraySlice<String>
    ) async throws(APIError) -> APIResponse {
        if let review = try AccessReview(service: self, request: request).respond(group: group, version: version, rest) { return review }
        guard let path = ResourcePath(group: group, version: version, rest, in: store.registry) else {
            throw Self.unknownResource(rest, in: group.isEmpty ? version : "\(group)/\(version)")
        }
        let form = try AcceptedForm(request.headers)
        let call = ResourceCall(request: request, path: path, form: form, isEventsGroup: group == "events.k8s.io")
        if let subresource = path.subresource { return try await self.subresource(subresource, call) }
        switch (request.method, path.key) {
        case (.GET, let key?) where !request.query.flag("watch"): return try get(key, call)
        case (.GET, _):
            return request.query.flag("watch") ? try watch(call) : try list(call)
        case (.POST, nil): return try create(call)
        case (.PUT, let key?): return try replace(key, call)
        case (.PATCH, let key?): return try patch(key, call)
        case (.DELETE, let key?): return try delete(key, call)
        case (.DELETE, nil): return try deleteCollection(call)
        default: throw .methodNotAllowed()
        }
    }
}

/// One request for a resource, with what has been found out about it.
package struct ResourceCall: Sendable {
    package let request: APIRequest
    package let path: ResourcePath
    let form: AcceptedForm
    /// Is `true` when the request came by way of `events.k8s.io`, which names the fields of an event otherwise.
    let isEventsGroup: Bool

    var definition: ResourceDefinition { path.definition }

    /// The object in the form that the client asked for.
    func presented(_ object: JSONValue, at now: Date) -> JSONValue {
        switch form {
        case .object: return isEventsGroup ? EventForm.regarding(object) : object
        case .table:
            return TableForm(definition.type).table([object], includeObject: request.query["includeObject"], at: now)
        case .metadata: return TableForm.partialMetadata(object)
        }
    }
}
