import JSON
import NIOHTTP1

/// The virtual resources of `authorization.k8s.io` and `authentication.k8s.io`. The holder of the kubeconfig may do everything.
enum AccessReview {
    static let user = "sandbox-admin"

    private static let kinds = [
        "selfsubjectaccessreviews": "SelfSubjectAccessReview", "selfsubjectrulesreviews": "SelfSubjectRulesReview",
        "subjectaccessreviews": "SubjectAccessReview",
    ]

    /// The answer to a review; `nil` when the path is none.
    static func respond(
        to request: APIRequest, group: String, version: String, _ rest: ArraySlice<String>
    ) throws(APIError) -> APIResponse? {
        guard version == "v1", rest.count == 1, let resource = rest.first else { return nil }
        let kind: String
        switch group {
        case "authorization.k8s.io":
            guard let found = kinds[resource] else { return nil }
            kind = found
        case "authentication.k8s.io" where resource == "selfsubjectreviews": kind = "SelfSubjectReview"
        default: return nil
        }
        guard request.method == .POST else { throw .methodNotAllowed() }
        var review = try request.json()
        guard review.object != nil else { throw .badRequest("the request's body must be a JSON object") }
        review["apiVersion"] = .string("\(group)/\(version)")
        review["kind"] = .string(kind)
        review.fill("metadata", with: [:])
        review["metadata"]?["creationTimestamp"] = .null
        review["status"] = try status(kind, review)
        return .json(review, status: 201)
    }

    private static func status(_ kind: String, _ review: JSONValue) throws(APIError) -> JSONValue {
        switch kind {
        case "SelfSubjectRulesReview":
            return [
                "resourceRules": [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]],
                "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]], "incomplete": false,
            ]
        case "SelfSubjectReview": return ["userInfo": ["username": .string(user), "groups": ["system:masters", "system:authenticated"]]]
        default:
            guard review[path: "spec", "resourceAttributes"] != nil || review[path: "spec", "nonResourceAttributes"] != nil else {
                throw APIError(
                    422, "Invalid",
                    "\(kind).authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: "
                        + "exactly one of nonResourceAttributes or resourceAttributes must be specified")
            }
            return ["allowed": true, "reason": "the sandbox's administrator may do everything"]
        }
    }
}
