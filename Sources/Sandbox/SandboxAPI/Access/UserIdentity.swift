import Foundation
import JSON
import NIOHTTP1
import SandboxStore

/// The user of a request, as authentication and impersonation found it.
package struct UserIdentity: Sendable, Hashable {
    package var name: String
    package var uid = ""
    var groups: [String]
    var extra: [String: [String]] = [:]

    static let mastersGroup = "system:masters"
    static let authenticatedGroup = "system:authenticated"
    /// The owner of the sandbox's kubeconfig.
    static let administrator = UserIdentity(name: AccessReview.user, groups: [mastersGroup, authenticatedGroup])

    private static let accountPrefix = "system:serviceaccount:"

    static func serviceAccount(_ name: String, namespace: String, uid: String) -> UserIdentity {
        UserIdentity(
            name: "\(accountPrefix)\(namespace):\(name)", uid: uid, groups: accountGroups(namespace) + [authenticatedGroup])
    }

    private static func accountGroups(_ namespace: String) -> [String] {
        ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"]
    }

    /// The namespace and name of the ServiceAccount that a user name stands for.
    package static func account(_ name: String) -> (namespace: String, name: String)? {
        guard name.hasPrefix(accountPrefix) else { return nil }
        let parts = name.dropFirst(accountPrefix.count).split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts.contains("") else { return nil }
        return (parts[0], parts[1])
    }

    var info: JSONValue {
        var info: JSONValue = ["username": .string(name), "groups": .array(groups.map(JSONValue.string))]
        if !uid.isEmpty { info["uid"] = .string(uid) }
        if !extra.isEmpty { info["extra"] = .object(extra.mapValues { .array($0.map(JSONValue.string)) }) }
        return info
    }
}

/// The user whom a request asks to be taken for
/// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation).
struct Impersonation: Sendable {
    private static let extraPrefix = "impersonate-extra-"

    let user: UserIdentity
    /// The permissions that it takes, each of verb `impersonate`.
    let needs: [AccessAttributes]

    /// `nil` for a request that asks for nobody else.
    init?(_ headers: HTTPHeaders) throws(APIError) {
        let name = headers.first(name: "Impersonate-User") ?? ""
        var groups = headers["Impersonate-Group"]
        let uid = headers.first(name: "Impersonate-Uid") ?? ""
        var extra: [String: [String]] = [:]
        for (header, value) in headers where header.lowercased().hasPrefix(Self.extraPrefix) {
            let key = header.lowercased().dropFirst(Self.extraPrefix.count)
            extra[key.removingPercentEncoding ?? String(key), default: []].append(value)
        }
        guard !name.isEmpty else {
            guard groups.isEmpty, uid.isEmpty, extra.isEmpty else {
                throw .badRequest("groups, a UID or extras are impersonated without a user: set Impersonate-User (kubectl --as) too")
            }
            return nil
        }
        func need(_ resource: String, _ name: String, group: String = "", namespace: String = "") -> AccessAttributes {
            AccessAttributes(verb: "impersonate", group: group, resource: resource, namespace: namespace, name: name)
        }
        var needs: [AccessAttributes] = []
        if let account = UserIdentity.account(name) {
            needs.append(need("serviceaccounts", account.name, namespace: account.namespace))
        } else {
            needs.append(need("users", name))
        }
        needs += groups.map { need("groups", $0) }
        if !uid.isEmpty { needs.append(need("uids", uid, group: "authentication.k8s.io")) }
        for (key, values) in extra {
            needs += values.map { value in
                var attributes = need("userextras", value, group: "authentication.k8s.io")
                attributes.subresource = key
                return attributes
            }
        }
        if groups.isEmpty, let account = UserIdentity.account(name) {
            groups = UserIdentity.serviceAccount(account.name, namespace: account.namespace, uid: "").groups
        }
        let common = name == "system:anonymous" ? "system:unauthenticated" : UserIdentity.authenticatedGroup
        if !groups.contains(common) { groups.append(common) }
        user = UserIdentity(name: name, uid: uid, groups: groups, extra: extra)
        self.needs = needs
    }
}
