import SandboxStore

/// The fields of one of Kubernetes' protobuf messages, as far as `kubectl create` and `kubectl auth` send them
/// (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding; field numbers from the API's `generated.proto` files).
///
/// kubectl has sent protobuf from these commands since 1.32, and does not fall back to JSON.
struct ProtobufMessage: Sendable {
    /// The form of a field in JSON. Fields that are not pointers in Go are always sent, so their zero means "not set".
    indirect enum Field: Sendable {
        case string
        case bytes
        case integer
        /// A pointer to a number: zero is a value.
        case integerPointer
        case bool
        case boolPointer
        case time
        case quantity
        case integerOrString
        /// A status: sent empty, and never taken from the client that creates an object.
        case ignored
        case message(ProtobufMessage)
        case list(Field)
        case map(Field)
    }

    private let fields: [Int: (name: String, field: Field)]

    private static func fields(_ fields: [Int: (name: String, field: Field)]) -> ProtobufMessage { ProtobufMessage(fields: fields) }

    subscript(number: Int) -> (name: String, field: Field)? { fields[number] }
}

extension ProtobufMessage {
    /// The message of a kind, with the `apiVersion` it is sent under.
    static func of(apiVersion: String, kind: String) -> ProtobufMessage? {
        switch (apiVersion, kind) {
        case ("v1", "Namespace"): object([2: ("spec", .message(.fields([1: ("finalizers", .list(.string))]))), 3: ("status", .ignored)])
        case ("v1", "Secret"):
            object([2: ("data", .map(.bytes)), 3: ("type", .string), 4: ("stringData", .map(.string)), 5: ("immutable", .boolPointer)])
        case ("v1", "ConfigMap"):
            object([2: ("data", .map(.string)), 3: ("binaryData", .map(.bytes)), 4: ("immutable", .boolPointer)])
        case ("v1", "ServiceAccount"): object([:])
        case ("v1", "Service"): object([2: ("spec", .message(serviceSpec)), 3: ("status", .ignored)])
        case ("apps/v1", "Deployment"): object([2: ("spec", .message(deploymentSpec)), 3: ("status", .ignored)])
        case ("policy/v1", "PodDisruptionBudget"): object([2: ("spec", .message(budgetSpec)), 3: ("status", .ignored)])
        case ("policy/v1", "Eviction"): object([2: ("deleteOptions", .message(deleteOptions))])
        case ("authorization.k8s.io/v1", "SelfSubjectAccessReview"):
            object([2: ("spec", .message(accessReviewSpec)), 3: ("status", .ignored)])
        case ("authorization.k8s.io/v1", "SelfSubjectRulesReview"):
            object([2: ("spec", .message(.fields([1: ("namespace", .string)]))), 3: ("status", .ignored)])
        case ("authentication.k8s.io/v1", "SelfSubjectReview"): object([2: ("status", .ignored)])
        case ("rbac.authorization.k8s.io/v1", "Role"): object([2: ("rules", .list(.message(policyRule)))])
        case ("rbac.authorization.k8s.io/v1", "ClusterRole"):
            object([
                2: ("rules", .list(.message(policyRule))),
                3: ("aggregationRule", .message(.fields([1: ("clusterRoleSelectors", .list(.message(labelSelector)))]))),
            ])
        case ("rbac.authorization.k8s.io/v1", "RoleBinding"), ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"): object(binding)
        case ("v1", "ResourceQuota"): object([2: ("spec", .message(quotaSpec)), 3: ("status", .ignored)])
        case ("authentication.k8s.io/v1", "TokenRequest"): object([2: ("spec", .message(tokenSpec)), 3: ("status", .ignored)])
        case (_, "DeleteOptions"): deleteOptions
        default: nil
        }
    }

    private static func object(_ others: [Int: (name: String, field: Field)]) -> ProtobufMessage {
        .fields(others.merging([1: ("metadata", .message(metadata))]) { $1 })
    }

    private static let metadata = ProtobufMessage.fields([
        1: ("name", .string), 2: ("generateName", .string), 3: ("namespace", .string), 4: ("selfLink", .string), 5: ("uid", .string),
        6: ("resourceVersion", .string), 7: ("generation", .integer), 8: ("creationTimestamp", .time), 9: ("deletionTimestamp", .time),
        10: ("deletionGracePeriodSeconds", .integerPointer), 11: ("labels", .map(.string)), 12: ("annotations", .map(.string)),
        14: ("finalizers", .list(.string)),
    ])

    private static let deleteOptions = ProtobufMessage.fields([
        1: ("gracePeriodSeconds", .integerPointer),
        2: ("preconditions", .message(.fields([1: ("uid", .string), 2: ("resourceVersion", .string)]))),
        3: ("orphanDependents", .boolPointer), 4: ("propagationPolicy", .string), 5: ("dryRun", .list(.string)),
    ])

    private static let labelSelector = ProtobufMessage.fields([
        1: ("matchLabels", .map(.string)),
        2: (
            "matchExpressions",
            .list(.message(.fields([1: ("key", .string), 2: ("operator", .string), 3: ("values", .list(.string))])))
        ),
    ])

    private static let budgetSpec = ProtobufMessage.fields([
        1: ("minAvailable", .integerOrString), 2: ("selector", .message(labelSelector)), 3: ("maxUnavailable", .integerOrString),
        4: ("unhealthyPodEvictionPolicy", .string),
    ])

    private static let accessReviewSpec = ProtobufMessage.fields([
        1: (
            "resourceAttributes",
            .message(
                .fields([
                    1: ("namespace", .string), 2: ("verb", .string), 3: ("group", .string), 4: ("version", .string),
                    5: ("resource", .string), 6: ("subresource", .string), 7: ("name", .string),
                ]))
        ),
        2: ("nonResourceAttributes", .message(.fields([1: ("path", .string), 2: ("verb", .string)]))),
    ])

    private static let policyRule = ProtobufMessage.fields([
        1: ("verbs", .list(.string)), 2: ("apiGroups", .list(.string)), 3: ("resources", .list(.string)),
        4: ("resourceNames", .list(.string)), 5: ("nonResourceURLs", .list(.string)),
    ])

    private static let binding: [Int: (name: String, field: Field)] = [
        2: (
            "subjects",
            .list(.message(.fields([1: ("kind", .string), 2: ("apiGroup", .string), 3: ("name", .string), 4: ("namespace", .string)])))
        ),
        3: ("roleRef", .message(.fields([1: ("apiGroup", .string), 2: ("kind", .string), 3: ("name", .string)]))),
    ]

    private static let quotaSpec = ProtobufMessage.fields([
        1: ("hard", .map(.quantity)), 2: ("scopes", .list(.string)),
        3: (
            "scopeSelector",
            .message(
                .fields([
                    1: (
                        "matchExpressions",
                        .list(.message(.fields([1: ("scopeName", .string), 2: ("operator", .string), 3: ("values", .list(.string))])))
                    )
                ]))
        ),
    ])

    private static let tokenSpec = ProtobufMessage.fields([
        1: ("audiences", .list(.string)), 4: ("expirationSeconds", .integerPointer),
        3: (
            "boundObjectRef",
            .message(.fields([1: ("kind", .string), 2: ("apiVersion", .string), 3: ("name", .string), 4: ("uid", .string)]))
        ),
    ])

    private static let serviceSpec = ProtobufMessage.fields([
        1: (
            "ports",
            .list(
                .message(
                    .fields([
                        1: ("name", .string), 2: ("protocol", .string), 3: ("port", .integer), 4: ("targetPort", .integerOrString),
                        5: ("nodePort", .integer), 6: ("appProtocol", .string),
                    ])))
        ),
        2: ("selector", .map(.string)), 3: ("clusterIP", .string), 4: ("type", .string), 5: ("externalIPs", .list(.string)),
        7: ("sessionAffinity", .string), 8: ("loadBalancerIP", .string), 9: ("loadBalancerSourceRanges", .list(.string)),
        10: ("externalName", .string), 11: ("externalTrafficPolicy", .string), 12: ("healthCheckNodePort", .integer),
        13: ("publishNotReadyAddresses", .bool), 17: ("ipFamilyPolicy", .string), 18: ("clusterIPs", .list(.string)),
        19: ("ipFamilies", .list(.string)), 20: ("allocateLoadBalancerNodePorts", .boolPointer), 21: ("loadBalancerClass", .string),
        22: ("internalTrafficPolicy", .string),
    ])

    private static let deploymentSpec = ProtobufMessage.fields([
        1: ("replicas", .integerPointer), 2: ("selector", .message(labelSelector)),
        3: ("template", .message(.fields([1: ("metadata", .message(metadata)), 2: ("spec", .message(podSpec))]))),
        4: ("strategy", .message(.fields([1: ("type", .string)]))), 5: ("minReadySeconds", .integer),
        6: ("revisionHistoryLimit", .integerPointer), 7: ("paused", .bool), 9: ("progressDeadlineSeconds", .integerPointer),
    ])

    private static let podSpec = ProtobufMessage.fields([
        2: ("containers", .list(.message(container))), 3: ("restartPolicy", .string),
        4: ("terminationGracePeriodSeconds", .integerPointer), 6: ("dnsPolicy", .string), 7: ("nodeSelector", .map(.string)),
        8: ("serviceAccountName", .string), 9: ("serviceAccount", .string), 10: ("nodeName", .string), 11: ("hostNetwork", .bool),
        12: ("hostPID", .bool), 13: ("hostIPC", .bool), 16: ("hostname", .string), 17: ("subdomain", .string),
        19: ("schedulerName", .string), 24: ("priorityClassName", .string),
    ])

    private static let container = ProtobufMessage.fields([
        1: ("name", .string), 2: ("image", .string), 3: ("command", .list(.string)), 4: ("args", .list(.string)),
        5: ("workingDir", .string),
        6: (
            "ports",
            .list(
                .message(
                    .fields([
                        1: ("name", .string), 2: ("hostPort", .integer), 3: ("containerPort", .integer), 4: ("protocol", .string),
                        5: ("hostIP", .string),
                    ])))
        ),
        7: ("env", .list(.message(.fields([1: ("name", .string), 2: ("value", .string)])))),
        8: ("resources", .message(.fields([1: ("limits", .map(.quantity)), 2: ("requests", .map(.quantity))]))),
        13: ("terminationMessagePath", .string), 14: ("imagePullPolicy", .string), 16: ("stdin", .bool), 17: ("stdinOnce", .bool),
        18: ("tty", .bool), 20: ("terminationMessagePolicy", .string),
    ])
}
