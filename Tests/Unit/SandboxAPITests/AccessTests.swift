import Foundation
import JSON
import NIOHTTP1
import SandboxFixtures
import Testing

@testable import SandboxAPI
@testable import SandboxStore

@Suite struct AccessTests {
    private static let pods = "/api/v1/namespaces/default/pods"

    private func send(
        _ api: TestAPI, _ method: HTTPMethod, _ uri: String, as user: String, groups: [String] = [], _ body: JSONValue? = nil
    ) async throws -> (status: Int, message: String, body: JSONValue) {
        let answer = try await api.send(
            method, uri, body, headers: [("Impersonate-User", user)] + groups.map { ("Impersonate-Group", $0) })
        return (answer.status, answer.body["message"]?.string ?? "", answer.body)
    }

    private func grant(
        _ api: TestAPI, _ rules: [JSONValue], to subject: JSONValue, inNamespace: Bool = true, name: String = "r"
    ) throws {
        let (role, binding): (ResourceType, ResourceType) =
            inNamespace ? (.roles, .roleBindings) : (.clusterRoles, .clusterRoleBindings)
        let namespace = inNamespace ? "default" : ""
        try api.store.create(role, ["metadata": ["name": .string(name)], "rules": .array(rules)], namespace: namespace)
        try api.store.create(
            binding,
            [
                "metadata": ["name": .string(name)], "subjects": [subject],
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": inNamespace ? "Role" : "ClusterRole", "name": .string(name),
                ],
            ], namespace: namespace)
    }

    private let jane: JSONValue = ["kind": "User", "name": "jane"]

    @Test func aStrangerIsRefusedInKubernetesWords() async throws {
        let api = try TestAPI()
        for (method, uri, message) in [
            (
                HTTPMethod.GET, Self.pods,
                #"pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default""#
            ),
            (
                .GET, "\(Self.pods)/a",
                #"pods "a" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default""#
            ),
            (.GET, "/api/v1/nodes", #"nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope"#),
            (
                .POST, "\(Self.pods)/a/eviction",
                #"pods "a" is forbidden: User "jane" cannot create resource "pods/eviction" in API group "" in the namespace "default""#
            ),
            (
                .PATCH, "/apis/apps/v1/namespaces/default/deployments/a",
                #"deployments.apps "a" is forbidden: User "jane" cannot patch resource "deployments" in API group "apps" in the namespace "default""#
            ),
            (.GET, "/metrics", #"forbidden: User "jane" cannot get path "/metrics""#),
        ] {
            let answer = try await send(api, method, uri, as: "jane", method == .GET ? nil : [:])
            #expect(answer.status == 403 && answer.message == message, "\(answer.message)")
        }
    }

    @Test func aRoleGivesWhatItSaysAndNoMore() async throws {
        let api = try TestAPI()
        try api.store.createPod("a")
        try api.store.createPod("b")
        try grant(
            api,
            [
                ["apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": ["a"]],
                ["apiGroups": [""], "resources": ["pods/log"], "verbs": ["*"]],
                ["apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["patch"]],
            ], to: jane)
        #expect(try await send(api, .GET, "\(Self.pods)/a", as: "jane").status == 200)
        for (method, uri) in [
            (HTTPMethod.GET, "\(Self.pods)/b"), (.DELETE, "\(Self.pods)/a"), (.GET, Self.pods),
            (.GET, "/api/v1/namespaces/kube-system/pods/a"), (.GET, "/api/v1/pods"),
        ] {
            #expect(try await send(api, method, uri, as: "jane").status == 403)
        }
        #expect(try await send(api, .GET, "\(Self.pods)/a", as: "john").status == 403)
        // Allowed, and then not found.
        #expect(try await send(api, .PATCH, "/apis/apps/v1/namespaces/default/deployments/x/scale", as: "jane", [:]).status != 403)
    }

    @Test func subjectsAreUsersGroupsAndAccounts() async throws {
        let api = try TestAPI()
        let rules: [JSONValue] = [["apiGroups": [""], "resources": ["pods"], "verbs": ["list"]]]
        try grant(api, rules, to: ["kind": "Group", "name": "team"], inNamespace: false, name: "g")
        try grant(api, rules, to: ["kind": "ServiceAccount", "name": "runner"], name: "s")
        #expect(try await send(api, .GET, "/api/v1/pods", as: "x", groups: ["team"]).status == 200)
        #expect(try await send(api, .GET, "/api/v1/pods", as: "x", groups: ["other"]).status == 403)
        #expect(try await send(api, .GET, Self.pods, as: "system:serviceaccount:default:runner").status == 200)
        #expect(try await send(api, .GET, "/api/v1/pods", as: "system:serviceaccount:default:runner").status == 403)
        #expect(try await send(api, .GET, Self.pods, as: "system:serviceaccount:other:runner").status == 403)
    }

    @Test func aMissingRoleIsNamed() async throws {
        let api = try TestAPI()
        try grant(api, [], to: jane)
        try api.store.delete(ObjectKey(.roles, namespace: "default", name: "r"))
        let answer = try await send(api, .GET, Self.pods, as: "jane")
        #expect(answer.message.hasSuffix(#": RBAC: roles.rbac.authorization.k8s.io "r" not found"#), "\(answer.message)")
    }

    @Test func nobodyGivesMoreThanTheyHave() async throws {
        let api = try TestAPI()
        let rbac = "rbac.authorization.k8s.io"
        try grant(
            api,
            [
                ["apiGroups": [.string(rbac)], "resources": ["roles", "rolebindings"], "verbs": ["create"]],
                ["apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]],
            ], to: jane)
        func role(_ name: String, _ verbs: [JSONValue], _ resource: JSONValue) -> JSONValue {
            ["metadata": ["name": .string(name)], "rules": [["apiGroups": [""], "resources": [resource], "verbs": .array(verbs)]]]
        }
        let roles = "/apis/\(rbac)/v1/namespaces/default/roles"
        #expect(try await send(api, .POST, roles, as: "jane", role("mine", ["get"], "pods")).status == 201)
        let refused = try await send(api, .POST, roles, as: "jane", role("more", ["get", "delete"], "pods"))
        #expect(refused.status == 403)
        #expect(
            refused.message == """
                roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["system:authenticated"]) is attempting to grant \
                RBAC permissions not currently held:
                {APIGroups:[""], Resources:["pods"], Verbs:["delete"]}
                """, "\(refused.message)")
        #expect(api.store[ObjectKey(.roles, namespace: "default", name: "more")] == nil)
        try api.store.create(.roles, role("secret", ["get"], "secrets"), namespace: "default")
        let binding: JSONValue = [
            "metadata": ["name": "b"], "subjects": [jane], "roleRef": ["apiGroup": .string(rbac), "kind": "Role", "name": "secret"],
        ]
        #expect(try await send(api, .POST, "/apis/\(rbac)/v1/namespaces/default/rolebindings", as: "jane", binding).status == 403)
    }

    @Test func toActAsAnotherIsAPermissionToo() async throws {
        let api = try TestAPI()
        let account = UserIdentity(name: "jane", groups: ["system:authenticated"])
        try grant(
            api, [["apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": ["john"]]], to: jane,
            inNamespace: false)
        func status(_ name: String, _ group: String? = nil) async -> APIResponse {
            var request = APIRequest(
                method: .GET, uri: "/version",
                headers: HTTPHeaders([("Impersonate-User", name)] + (group.map { [("Impersonate-Group", $0)] } ?? [])))
            request.user = account
            return await api.service.respond(to: request)
        }
        #expect(await status("john").status == 200)
        #expect(await status("root").status == 403)
        #expect(await status("john", "system:masters").status == 403)
    }

    @Test func reviewsTellTheTruth() async throws {
        let api = try TestAPI()
        try grant(api, [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]], to: jane)
        try grant(
            api, DefaultRoles.rules.first { $0.name == "system:basic-user" }?.rules ?? [],
            to: ["kind": "Group", "name": "system:authenticated"], inNamespace: false, name: "basic")
        let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        for (verb, isAllowed) in [("get", true), ("delete", false)] {
            let attributes: JSONValue = ["namespace": "default", "verb": .string(verb), "resource": "pods"]
            let answer = try await send(api, .POST, review, as: "jane", ["spec": ["resourceAttributes": attributes]])
            #expect(answer.body[path: "status", "allowed"] == .bool(isAllowed))
        }
        let rules = try await send(
            api, .POST, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", as: "jane", ["spec": ["namespace": "default"]])
        #expect(rules.body[path: "status", "resourceRules"]?.array?.contains { $0["resources"] == ["pods"] } == true)
        let own = try await send(api, .POST, "/apis/authentication.k8s.io/v1/selfsubjectreviews", as: "jane", [:])
        #expect(own.body[path: "status", "userInfo", "username"] == "jane")
    }

    @Test func aTokenIsItsAccountAndEndsWithIt() async throws {
        let time = ManualTime()
        let store = try ObjectStore.testing(time)
        let service = APIService(store: store, runtime: FakeRuntime())
        let account = try store.get(ObjectKey(.serviceAccounts, namespace: "default", name: "default"))
        let token = service.tokens.token(for: account, lifetime: 600, at: time.now)
        #expect(service.user(ofToken: token)?.name == "system:serviceaccount:default:default")
        #expect(service.user(ofToken: token)?.groups.contains("system:serviceaccounts:default") == true)
        #expect(service.user(ofToken: token + "x") == nil)
        #expect(service.user(ofToken: "a.b.c") == nil)
        #expect(TokenIssuer().user(of: token, in: try store.read { $0 }, at: time.now) == nil)
        time.advance(by: 601)
        #expect(service.user(ofToken: token) == nil)
        let fresh = service.tokens.token(for: account, lifetime: 600, at: time.now)
        try store.delete(ObjectKey(.serviceAccounts, namespace: "default", name: "default"))
        try store.create(.serviceAccounts, ["metadata": ["name": "default"]], namespace: "default")
        #expect(service.user(ofToken: fresh) == nil)
    }
}
