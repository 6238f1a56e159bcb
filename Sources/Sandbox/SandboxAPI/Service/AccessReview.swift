import JSON
import NIOHTTP1
import SandboxStore

/// The virtual resources of `authorization.k8s.io` and `authentication.k8s.io`.
struct AccessReview {
    static let user = "sandbox-admin"

    private static let kinds = [
        "authorization.k8s.io/selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "authorization.k8s.io/selfsubjectrulesreviews": "SelfSubjectRulesReview",
        "authorization.k8s.io/subjectaccessreviews": "SubjectAccessReview",
        "authorization.k8s.io/localsubjectaccessreviews": "LocalSubjectAccessReview",
        "authentication.k8s.io/selfsubjectreviews": "SelfSubjectReview", "authentication.k8s.io/tokenreviews": "TokenReview",
    ]

    let service: APIService
    let request: APIRequest

    /// Returns the answer to a review; `nil` when the path is none.
    func respond(group: String, version: String, _ rest: ArraySlice<String>) throws(APIError) -> APIResponse? {
        guard version == "v1", let resource = rest.last, let kind = Self.kinds["\(group)/\(resource)"] else { return nil }
        let isLocal = kind == "LocalSubjectAccessReview"
        guard rest.count == (isLocal ? 3 : 1) else { return nil }
        guard request.method == .POST else { throw .methodNotAllowed() }
        var review = try request.json()
        guard review.object != nil else { throw .badRequest("the request's body must be a JSON object") }
        review["apiVersion"] = .string("\(group)/\(version)")
        review["kind"] = .string(kind)
        review.fill("metadata", with: [:])
        review[path: "metadata", "creationTimestamp"] = .null
        if isLocal { review[path: "spec", "resourceAttributes", "namespace"] = .string(rest[rest.startIndex + 1]) }
        review["status"] = try status(kind, review)
        return .json(review, status: 201)
    }

    private func status(_ kind: String, _ review: JSONValue) throws(APIError) -> JSONValue {
        let authorizer = Authorizer(state: try service.store.read { $0 })
        let spec = review["spec"] ?? [:]
        switch kind {
        case "SelfSubjectReview": return ["userInfo": request.user.info]
        case "TokenReview":
            guard let user = service.user(ofToken: spec["token"]?.string ?? "") else {
                return ["authenticated": false, "error": "the token is not valid"]
            }
            return ["authenticated": true, "user": user.info, "audiences": [.string(TokenIssuer.issuer)]]
        case "SelfSubjectRulesReview":
            let rules = authorizer.rules(request.user, namespace: spec["namespace"]?.string ?? "")
            return [
                "resourceRules": .array(rules.filter { $0["nonResourceURLs"] == nil }),
                "nonResourceRules": .array(rules.filter { $0["nonResourceURLs"] != nil }), "incomplete": false,
            ]
        case "SelfSubjectAccessReview": return Self.answer(authorizer.decide(request.user, try AccessAttributes(review: spec)))
        default:
            let user = UserIdentity(
                name: spec["user"]?.string ?? "", uid: spec["uid"]?.string ?? "",
                groups: spec["groups"]?.array?.compactMap(\.string) ?? [])
            guard !user.name.isEmpty || !user.groups.isEmpty else {
                throw APIError(
                    422, "Invalid",
                    "\(kind).authorization.k8s.io \"\" is invalid: spec.user: Invalid value: \"\": at least one of user or group must be "
                        + "specified")
            }
            return Self.answer(authorizer.decide(user, try AccessAttributes(review: spec)))
        }
    }

    private static func answer(_ decision: Authorizer.Decision) -> JSONValue {
        var status: JSONValue = ["allowed": .bool(decision.isAllowed)]
        if !decision.reason.isEmpty { status["reason"] = .string(decision.reason) }
        return status
    }
}
