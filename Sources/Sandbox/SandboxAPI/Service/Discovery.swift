import JSON
import SandboxStore

/// The list of served resources, as `kubectl api-resources` and every client's REST mapper read it.
enum Discovery {
    static let version: JSONValue = [
        "major": "1", "minor": "34", "gitVersion": .string(APIService.version + "+aftershock"), "gitCommit": "", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "swift", "platform": "linux/amd64",
    ]

    static let coreVersions: JSONValue = [
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"]],
    ]

    /// Resources that are answered but not stored.
    private static let reviews: [String: [JSONValue]] = [
        "authorization.k8s.io": [
            review("selfsubjectaccessreviews", "SelfSubjectAccessReview"), review("selfsubjectrulesreviews", "SelfSubjectRulesReview"),
            review("subjectaccessreviews", "SubjectAccessReview"),
            review("localsubjectaccessreviews", "LocalSubjectAccessReview", isNamespaced: true),
        ],
        "authentication.k8s.io": [review("selfsubjectreviews", "SelfSubjectReview"), review("tokenreviews", "TokenReview")],
    ]

    private static func review(_ name: String, _ kind: String, isNamespaced: Bool = false) -> JSONValue {
        [
            "name": .string(name), "singularName": .string(kind.lowercased()), "namespaced": .bool(isNamespaced), "kind": .string(kind),
            "verbs": ["create"],
        ]
    }

    private static func groupNames(_ registry: ResourceRegistry) -> [String] {
        var names = Set(registry.definitions.map(\.type.group)).union(reviews.keys).union(["events.k8s.io"])
        names.remove("")
        return names.sorted()
    }

    static func groups(_ registry: ResourceRegistry) -> JSONValue {
        let groups = groupNames(registry).compactMap { name -> JSONValue? in
            var group = self.group(name, registry)
            group?["kind"] = nil
            group?["apiVersion"] = nil
            return group
        }
        return ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups)]
    }

    static func group(_ name: String, _ registry: ResourceRegistry) -> JSONValue? {
        guard groupNames(registry).contains(name) else { return nil }
        let version: JSONValue = ["groupVersion": .string("\(name)/v1"), "version": "v1"]
        return [
            "kind": "APIGroup", "apiVersion": "v1", "name": .string(name), "versions": [version], "preferredVersion": version,
        ]
    }

    static func resources(group: String, version: String, _ registry: ResourceRegistry) -> JSONValue? {
        guard version == "v1" else { return nil }
        let stored = registry.definitions.filter { definition in
            definition.type.group == group || group == "events.k8s.io" && definition.type == .events
        }
        let resources = stored.flatMap(entries) + (reviews[group] ?? [])
        guard !resources.isEmpty else { return nil }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"),
            "resources": .array(resources),
        ]
    }

    private static func entries(_ definition: ResourceDefinition) -> [JSONValue] {
        var entry: JSONValue = [
            "name": .string(definition.type.resource), "singularName": .string(definition.singular),
            "namespaced": .bool(definition.isNamespaced), "kind": .string(definition.kind),
            "verbs": .array(definition.verbs.map(JSONValue.string)),
        ]
        if !definition.shortNames.isEmpty { entry["shortNames"] = .array(definition.shortNames.map(JSONValue.string)) }
        if !definition.categories.isEmpty { entry["categories"] = .array(definition.categories.map(JSONValue.string)) }
        let subresources = definition.subresources.map { sub -> JSONValue in
            var value: JSONValue = [
                "name": .string("\(definition.type.resource)/\(sub.name)"), "singularName": "",
                "namespaced": .bool(definition.isNamespaced), "kind": .string(sub.kind),
                "verbs": .array(sub.verbs.map(JSONValue.string)),
            ]
            if sub.group != definition.type.group {
                value["group"] = .string(sub.group)
                value["version"] = .string(sub.version)
            }
            return value
        }
        return [entry] + subresources
    }
}
