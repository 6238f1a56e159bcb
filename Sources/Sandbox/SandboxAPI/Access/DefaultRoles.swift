import JSON
import SandboxStore

/// The roles that every cluster begins with (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings).
enum DefaultRoles {
    private static let everything: [JSONValue] = [
        ["apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]], ["nonResourceURLs": ["*"], "verbs": ["*"]],
    ]
    private static let reading: JSONValue = ["get", "list", "watch"]
    private static let writing: JSONValue = ["create", "delete", "deletecollection", "patch", "update"]
    private static let workloads: [JSONValue] = [
        "daemonsets", "deployments", "deployments/scale", "replicasets", "replicasets/scale", "statefulsets", "statefulsets/scale",
    ]
    private static let plain: [JSONValue] = [
        "configmaps", "events", "persistentvolumeclaims", "pods", "serviceaccounts", "services",
    ]

    private static let view: [JSONValue] = [
        [
            "apiGroups": [""],
            "resources": .array(
                plain + ["endpoints", "limitranges", "namespaces", "pods/log", "pods/status", "resourcequotas", "services/status"]),
            "verbs": reading,
        ],
        ["apiGroups": ["apps"], "resources": .array(workloads + ["controllerrevisions"]), "verbs": reading],
        ["apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": reading],
        ["apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": reading],
    ]
    private static let edit: [JSONValue] =
        view + [
            ["apiGroups": [""], "resources": .array(plain + ["secrets"]), "verbs": writing],
            ["apiGroups": [""], "resources": ["secrets", "pods/exec", "pods/attach", "pods/portforward"], "verbs": reading],
            [
                "apiGroups": [""], "resources": ["pods/exec", "pods/attach", "pods/eviction", "pods/portforward", "serviceaccounts/token"],
                "verbs": ["create"],
            ],
            ["apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]],
            ["apiGroups": ["apps"], "resources": .array(workloads), "verbs": writing],
            ["apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": writing],
            ["apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "list", "watch"]],
            ["apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": writing],
        ]
    private static let admin: [JSONValue] =
        edit + [
            ["apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": reading],
            ["apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": writing],
            ["apiGroups": ["authorization.k8s.io"], "resources": ["localsubjectaccessreviews"], "verbs": ["create"]],
        ]
    private static let own: [JSONValue] = [
        [
            "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
            "verbs": ["create"],
        ],
        ["apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]],
    ]
    private static let discovery: [JSONValue] = [
        [
            "nonResourceURLs": [
                "/", "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
                "/version/",
            ], "verbs": ["get"],
        ]
    ]

    static let rules: [(name: String, rules: [JSONValue])] = [
        ("cluster-admin", everything), ("admin", admin), ("edit", edit), ("view", view), ("system:basic-user", own),
        ("system:discovery", discovery),
    ]

    static let bindings: [(name: String, role: String, group: String)] = [
        ("cluster-admin", "cluster-admin", UserIdentity.mastersGroup),
        ("system:basic-user", "system:basic-user", UserIdentity.authenticatedGroup),
        ("system:discovery", "system:discovery", UserIdentity.authenticatedGroup),
    ]

    static func metadata(_ name: String) -> JSONValue {
        ["name": .string(name), "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]]
    }
}
