import JSON
import NIOHTTP1
import SandboxStore

/// The action that a request needs permission for (Kubernetes: apiserver pkg/endpoints/request `RequestInfo`).
struct AccessAttributes: Sendable, Hashable {
    var verb: String
    var group = ""
    var resource = ""
    var subresource = ""
    var namespace = ""
    var name = ""
    /// The path of a request that is for no resource.
    var path: String?

    init(verb: String, group: String, resource: String, subresource: String = "", namespace: String = "", name: String = "") {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
    }

    init(verb: String, path: String) {
        self.verb = verb
        self.path = path
    }

    init(_ request: APIRequest) {
        let path = request.path
        let prefix = path.first == "api" ? 2 : path.first == "apis" ? 3 : Int.max
        guard path.count > prefix else {
            self.init(verb: request.method.rawValue.lowercased(), path: "/" + path.joined(separator: "/"))
            return
        }
        var rest = path.dropFirst(prefix)
        var namespace = ""
        if rest.first == "namespaces", rest.count > 1 {
            namespace = rest[rest.startIndex + 1]
            if rest.count > 2, !["status", "finalize"].contains(rest[rest.startIndex + 2]) { rest = rest.dropFirst(2) }
        }
        let resource = rest.popFirst() ?? ""
        let name = rest.popFirst() ?? ""
        let verb = Self.verb(request, isCollection: name.isEmpty)
        self.init(
            verb: verb, group: prefix == 3 ? path[1] : "", resource: resource, subresource: rest.popFirst() ?? "", namespace: namespace,
            name: name.isEmpty && verb != "create" ? Self.selectedName(request) : name)
    }

    private static func verb(_ request: APIRequest, isCollection: Bool) -> String {
        switch request.method {
        case .POST: "create"
        case .PUT: "update"
        case .PATCH: "patch"
        case .DELETE: isCollection ? "deletecollection" : "delete"
        default: request.query.flag("watch") ? "watch" : isCollection ? "list" : "get"
        }
    }

    /// The one object that a list or watch is narrowed to: `resourceNames` then applies to it.
    private static func selectedName(_ request: APIRequest) -> String {
        let terms = (request.query["fieldSelector"] ?? "").split(separator: ",").map { $0.replacing("==", with: "=") }
        guard let term = terms.first(where: { $0.hasPrefix("metadata.name=") }) else { return "" }
        return String(term.dropFirst("metadata.name=".count))
    }

    /// The `resourceAttributes` or `nonResourceAttributes` of an access review.
    init(review spec: JSONValue) throws(APIError) {
        if let attributes = spec["resourceAttributes"], attributes.object != nil {
            func text(_ member: String) -> String { attributes[member]?.string ?? "" }
            self.init(
                verb: text("verb"), group: text("group"), resource: text("resource"), subresource: text("subresource"),
                namespace: text("namespace"), name: text("name"))
        } else if let attributes = spec["nonResourceAttributes"], attributes.object != nil {
            self.init(verb: attributes["verb"]?.string ?? "", path: attributes["path"]?.string ?? "")
        } else {
            throw APIError(
                422, "Invalid",
                "AccessReview.authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: "
                    + "exactly one of nonResourceAttributes or resourceAttributes must be specified")
        }
    }

    private var type: ResourceType { ResourceType(group, resource) }

    /// The refusal in Kubernetes' words.
    func forbidden(_ user: UserIdentity, _ reason: String) -> APIError {
        let suffix = reason.isEmpty ? "" : ": \(reason)"
        if let path { return APIError(403, "Forbidden", "forbidden: User \"\(user.name)\" cannot \(verb) path \"\(path)\"\(suffix)") }
        let full = subresource.isEmpty ? resource : "\(resource)/\(subresource)"
        let place = namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(namespace)\""
        let subject = name.isEmpty ? "\(type)" : "\(type) \"\(name)\""
        return APIError(
            403, "Forbidden",
            "\(subject) is forbidden: User \"\(user.name)\" cannot \(verb) resource \"\(full)\" in API group \"\(group)\" \(place)\(suffix)"
        ).about(type, name)
    }
}
