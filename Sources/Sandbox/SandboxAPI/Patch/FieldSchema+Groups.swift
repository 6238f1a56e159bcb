import SandboxStore

/// The types of the other groups, and which type each resource has.
extension FieldSchema {
    private static let deployment = root(
        "",
        [
            "spec": .fields(
                "replicas minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds",
                [
                    "selector": labelSelector, "template": podTemplate,
                    "strategy": .fields("type", ["rollingUpdate": .fields("maxUnavailable maxSurge")], retainKeys: true),
                ]),
            "status": .fields(
                """
                observedGeneration replicas updatedReplicas readyReplicas availableReplicas unavailableReplicas collisionCount \
                terminatingReplicas
                """, ["conditions": conditions]),
        ])

    private static let replicaSet = root(
        "",
        [
            "spec": .fields("replicas minReadySeconds", ["selector": labelSelector, "template": podTemplate]),
            "status": .fields(
                "replicas fullyLabeledReplicas readyReplicas availableReplicas observedGeneration terminatingReplicas",
                ["conditions": conditions]),
        ])

    private static let statefulSet = root(
        "",
        [
            "spec": .fields(
                "replicas serviceName podManagementPolicy revisionHistoryLimit minReadySeconds ordinals",
                [
                    "selector": labelSelector, "template": podTemplate,
                    "volumeClaimTemplates": .list(persistentVolumeClaim, .atomic),
                    "updateStrategy": .fields("type", ["rollingUpdate": .fields("partition maxUnavailable")]),
                    "persistentVolumeClaimRetentionPolicy": .fields("whenDeleted whenScaled"),
                ]),
            "status": .fields(
                """
                observedGeneration replicas readyReplicas currentReplicas updatedReplicas currentRevision updateRevision collisionCount \
                availableReplicas
                """, ["conditions": conditions]),
        ])

    private static let daemonSet = root(
        "",
        [
            "spec": .fields(
                "minReadySeconds revisionHistoryLimit",
                [
                    "selector": labelSelector, "template": podTemplate,
                    "updateStrategy": .fields("type", ["rollingUpdate": .fields("maxUnavailable maxSurge")]),
                ]),
            "status": .fields(
                """
                currentNumberScheduled numberMisscheduled desiredNumberScheduled numberReady observedGeneration updatedNumberScheduled \
                numberAvailable numberUnavailable collisionCount
                """, ["conditions": conditions]),
        ])

    private static let podDisruptionBudget = root(
        "",
        [
            "spec": .fields("minAvailable maxUnavailable unhealthyPodEvictionPolicy", ["selector": labelSelector]),
            "status": .fields(
                "observedGeneration disruptedPods disruptionsAllowed currentHealthy desiredHealthy expectedPods",
                ["conditions": conditions]),
        ])

    /// The schema of a resource's objects; `nil` where the sandbox takes them as they are.
    static func of(_ type: ResourceType) -> FieldSchema? {
        switch type {
        case .pods: pod
        case .services: service
        case .nodes: node
        case .namespaces: namespace
        case .persistentVolumeClaims: persistentVolumeClaim
        case .events: event
        case .secrets: root("type immutable", ["data": .map, "stringData": .map])
        case .configMaps: root("immutable", ["data": .map, "binaryData": .map])
        case .serviceAccounts:
            root("automountServiceAccountToken imagePullSecrets", ["secrets": .list(objectReference, .byKey("name"))])
        case .endpoints: root("subsets")
        case .persistentVolumes: root("", ["spec": .value, "status": .fields("phase message reason lastPhaseTransitionTime")])
        case .deployments: deployment
        case .replicaSets: replicaSet
        case .statefulSets: statefulSet
        case .daemonSets: daemonSet
        case .controllerRevisions: root("data revision")
        case .podDisruptionBudgets: podDisruptionBudget
        case .endpointSlices: root("addressType endpoints ports")
        case .storageClasses:
            root("provisioner parameters reclaimPolicy mountOptions allowVolumeExpansion volumeBindingMode allowedTopologies")
        case .volumeAttachments: root("spec status")
        case .resourceQuotas, .limitRanges: root("spec status")
        case .leases: root("spec")
        case .roles, .clusterRoles: root("rules aggregationRule")
        case .roleBindings, .clusterRoleBindings: root("subjects roleRef")
        default: nil
        }
    }
}
