import JSON
import SandboxStore

/// Keeps people from giving permissions that they do not have themselves
/// (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping).
struct Escalation {
    let user: UserIdentity
    let authorizer: Authorizer

    func check(_ object: JSONValue, old: JSONValue?, _ definition: ResourceDefinition) throws(APIError) {
        guard !user.groups.contains(UserIdentity.mastersGroup) else { return }
        switch definition.type {
        case .roles, .clusterRoles:
            guard object["rules"] != old?["rules"] || object["aggregationRule"] != old?["aggregationRule"] else { return }
            if may("escalate", definition.type, object.name, object.namespace) { return }
            try checkHeld(object["rules"]?.array ?? [], definition.type, object)
        case .roleBindings, .clusterRoleBindings:
            guard object["subjects"] != old?["subjects"] || object["roleRef"] != old?["roleRef"] else { return }
            let reference = object["roleRef"] ?? [:]
            let role: ResourceType = reference["kind"]?.string == "Role" ? .roles : .clusterRoles
            if may("bind", role, reference["name"]?.string ?? "", object.namespace) { return }
            try checkHeld(try authorizer.rules(of: reference, namespace: object.namespace), definition.type, object)
        default: break
        }
    }

    private func may(_ verb: String, _ type: ResourceType, _ name: String, _ namespace: String) -> Bool {
        let attributes = AccessAttributes(verb: verb, group: type.group, resource: type.resource, namespace: namespace, name: name)
        return authorizer.decide(user, attributes).isAllowed
    }

    private func checkHeld(_ rules: [JSONValue], _ type: ResourceType, _ object: JSONValue) throws(APIError) {
        let owned = authorizer.rules(user, namespace: object.namespace)
        let missing = rules.flatMap { Authorizer.missing($0, from: owned) }
        guard !missing.isEmpty else { return }
        let groups = user.groups.map { "\"\($0)\"" }.joined(separator: " ")
        throw .forbidden(
            type, object.name,
            "user \"\(user.name)\" (groups=[\(groups)]) is attempting to grant RBAC permissions not currently held:\n"
                + missing.map(Self.text).joined(separator: "\n"))
    }

    private static func text(_ rule: JSONValue) -> String {
        let members = [
            ("APIGroups", "apiGroups"), ("Resources", "resources"), ("ResourceNames", "resourceNames"),
            ("NonResourceURLs", "nonResourceURLs"), ("Verbs", "verbs"),
        ]
        let parts = members.compactMap { title, member -> String? in
            guard let values = rule[member]?.array?.compactMap(\.string) else { return nil }
            return "\(title):[\(values.map { "\"\($0)\"" }.joined(separator: " "))]"
        }
        return "{\(parts.joined(separator: ", "))}"
    }
}
