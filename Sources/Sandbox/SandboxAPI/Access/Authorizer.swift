import JSON
import SandboxStore

/// Role-based access control (https://kubernetes.io/docs/reference/access-authn-authz/rbac/): decides from the Roles and bindings of one
/// state of the cluster.
struct Authorizer: Sendable {
    struct Decision: Sendable {
        var isAllowed: Bool
        /// The binding that allows it, or the problems that were met on the way.
        var reason: String
    }

    /// A rule with the binding that gives it.
    private struct Grant {
        let rule: JSONValue
        let origin: String
    }

    let state: StoreState

    func decide(_ user: UserIdentity, _ attributes: AccessAttributes) -> Decision {
        // Kubernetes' superusers pass before RBAC is asked.
        if user.groups.contains(UserIdentity.mastersGroup) { return Decision(isAllowed: true, reason: "") }
        var problems: [String] = []
        let grants = grants(user, namespace: attributes.namespace, &problems)
        if let grant = grants.first(where: { Self.allows($0.rule, attributes) }) {
            return Decision(isAllowed: true, reason: "RBAC: allowed by \(grant.origin)")
        }
        let list = problems.count > 1 ? "[\(problems.joined(separator: ", "))]" : problems.first ?? ""
        return Decision(isAllowed: false, reason: list.isEmpty ? "" : "RBAC: \(list)")
    }

    func check(_ user: UserIdentity, _ attributes: AccessAttributes) throws(APIError) {
        let decision = decide(user, attributes)
        if !decision.isAllowed { throw attributes.forbidden(user, decision.reason) }
    }

    /// Everything that a user may do in a namespace, cluster-wide rules included.
    func rules(_ user: UserIdentity, namespace: String) -> [JSONValue] {
        if user.groups.contains(UserIdentity.mastersGroup) {
            return [
                ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]], ["verbs": ["*"], "nonResourceURLs": ["*"]],
            ]
        }
        var problems: [String] = []
        return grants(user, namespace: namespace, &problems).map(\.rule)
    }

    // MARK: Bindings

    private func grants(_ user: UserIdentity, namespace: String, _ problems: inout [String]) -> [Grant] {
        var result: [Grant] = []
        for binding in state.list(.clusterRoleBindings) {
            guard let subject = Self.subject(of: binding, user, namespace: "") else { continue }
            add(binding, "ClusterRoleBinding \"\(binding.name)\"", subject, namespace: "", &result, &problems)
        }
        guard !namespace.isEmpty else { return result }
        for binding in state.list(.roleBindings, ObjectFilter(namespace: namespace)) {
            guard let subject = Self.subject(of: binding, user, namespace: namespace) else { continue }
            add(binding, "RoleBinding \"\(binding.name)/\(namespace)\"", subject, namespace: namespace, &result, &problems)
        }
        return result
    }

    private func add(
        _ binding: JSONValue, _ title: String, _ subject: String, namespace: String, _ grants: inout [Grant], _ problems: inout [String]
    ) {
        let reference = binding["roleRef"] ?? [:]
        do throws(APIError) {
            let origin = "\(title) of \(reference["kind"]?.string ?? "") \"\(reference["name"]?.string ?? "")\" to \(subject)"
            grants += try rules(of: reference, namespace: namespace).map { Grant(rule: $0, origin: origin) }
        } catch {
            problems.append(error.message)
        }
    }

    private static func subject(of binding: JSONValue, _ user: UserIdentity, namespace: String) -> String? {
        for subject in binding["subjects"]?.array ?? [] {
            let name = subject["name"]?.string ?? ""
            switch subject["kind"]?.string {
            case "User" where name == user.name: return "User \"\(name)\""
            case "Group" where user.groups.contains(name): return "Group \"\(name)\""
            case "ServiceAccount":
                let place = subject["namespace"]?.string ?? namespace
                if let account = UserIdentity.account(user.name), account.name == name, account.namespace == place {
                    return "ServiceAccount \"\(name)/\(place)\""
                }
            default: break
            }
        }
        return nil
    }

    /// The rules of the role that a binding refers to.
    func rules(of reference: JSONValue, namespace: String) throws(APIError) -> [JSONValue] {
        let name = reference["name"]?.string ?? ""
        if reference["kind"]?.string == "Role" {
            return try state.get(ObjectKey(.roles, namespace: namespace, name: name))["rules"]?.array ?? []
        }
        return rules(ofClusterRole: try state.get(ObjectKey(.clusterRoles, name: name)))
    }

    /// A role that is put together from others has theirs (`aggregationRule`).
    private func rules(ofClusterRole role: JSONValue) -> [JSONValue] {
        guard let selectors = role[path: "aggregationRule", "clusterRoleSelectors"]?.array else { return role["rules"]?.array ?? [] }
        let labels = selectors.compactMap { try? LabelSelector(object: $0) }
        return state.list(.clusterRoles).filter { other in
            other.name != role.name && other["aggregationRule"] == nil && labels.contains { $0.matches(other.labels) }
        }.flatMap { $0["rules"]?.array ?? [] }
    }

    // MARK: Rules

    private static func values(_ rule: JSONValue, _ member: String) -> [String] { rule[member]?.array?.compactMap(\.string) ?? [] }

    private static func has(_ rule: JSONValue, _ member: String, _ value: String) -> Bool {
        let values = values(rule, member)
        return values.contains(value) || values.contains("*")
    }

    static func allows(_ rule: JSONValue, _ attributes: AccessAttributes) -> Bool {
        guard has(rule, "verbs", attributes.verb) else { return false }
        if let path = attributes.path {
            return values(rule, "nonResourceURLs").contains { url in
                url == path || url == "*" || url.hasSuffix("*") && path.hasPrefix(url.dropLast())
            }
        }
        let names = values(rule, "resourceNames")
        return has(rule, "apiGroups", attributes.group) && hasResource(rule, attributes.resource, attributes.subresource)
            && (names.isEmpty || names.contains(attributes.name))
    }

    private static func hasResource(_ rule: JSONValue, _ resource: String, _ subresource: String) -> Bool {
        let values = values(rule, "resources")
        if values.contains("*") { return true }
        return subresource.isEmpty
            ? values.contains(resource) : values.contains("\(resource)/\(subresource)") || values.contains("*/\(subresource)")
    }

    /// The parts of a rule that the owner's rules do not have, each with all of its verbs.
    static func missing(_ rule: JSONValue, from owned: [JSONValue]) -> [JSONValue] {
        let verbs = values(rule, "verbs")
        func lacking(_ isOwned: (JSONValue, String) -> Bool) -> JSONValue? {
            let lacking = verbs.filter { verb in !owned.contains { has($0, "verbs", verb) && isOwned($0, verb) } }
            return lacking.isEmpty ? nil : .array(lacking.map(JSONValue.string))
        }
        var result: [JSONValue] = []
        for url in values(rule, "nonResourceURLs") {
            let verbs = lacking { owner, _ in
                values(owner, "nonResourceURLs").contains { $0 == url || $0.hasSuffix("*") && url.hasPrefix($0.dropLast()) }
            }
            if let verbs { result.append(["nonResourceURLs": [.string(url)], "verbs": verbs]) }
        }
        let names = values(rule, "resourceNames")
        for group in values(rule, "apiGroups") {
            for resource in values(rule, "resources") {
                let parts = resource.split(separator: "/", maxSplits: 1).map(String.init)
                let verbs = lacking { owner, _ in
                    let own = values(owner, "resourceNames")
                    return has(owner, "apiGroups", group) && hasResource(owner, parts.first ?? "", parts.count == 2 ? parts[1] : "")
                        && (own.isEmpty || !names.isEmpty && Set(names).isSubset(of: own))
                }
                guard let verbs else { continue }
                var part: JSONValue = ["apiGroups": [.string(group)], "resources": [.string(resource)], "verbs": verbs]
                if !names.isEmpty { part["resourceNames"] = .array(names.map(JSONValue.string)) }
                result.append(part)
            }
        }
        return result
    }
}
