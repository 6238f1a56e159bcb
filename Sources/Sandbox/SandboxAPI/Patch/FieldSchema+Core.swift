import SandboxStore

/// The types of the core group.
extension FieldSchema {
    static let metadata = FieldSchema.fields(
        """
        name generateName namespace selfLink uid resourceVersion generation creationTimestamp deletionTimestamp \
        deletionGracePeriodSeconds managedFields
        """,
        [
            "labels": .map, "annotations": .map, "finalizers": .list(.value, .set),
            "ownerReferences": .list(.fields("apiVersion kind name uid controller blockOwnerDeletion"), .byKey("uid")),
        ])

    static let labelSelector = FieldSchema.fields(
        "", ["matchLabels": .map, "matchExpressions": .list(.fields("key operator values"), .atomic)])

    static let conditions = FieldSchema.list(
        .fields("type status observedGeneration lastProbeTime lastHeartbeatTime lastUpdateTime lastTransitionTime reason message"),
        .byKey("type"))

    static let objectReference = FieldSchema.fields("kind namespace name uid apiVersion resourceVersion fieldPath")

    /// A whole object: its own members beside `apiVersion`, `kind` and `metadata`.
    static func root(_ plain: String = "", _ members: [String: FieldSchema] = [:]) -> FieldSchema {
        .fields("apiVersion kind \(plain)", members.merging(["metadata": .metadata]) { $1 })
    }

    static let pod = root("", ["spec": podSpec, "status": podStatus])

    static let podTemplate = FieldSchema.fields("", ["metadata": .metadata, "spec": podSpec])

    static let podSpec = FieldSchema.fields(
        """
        activeDeadlineSeconds automountServiceAccountToken dnsPolicy enableServiceLinks hostIPC hostNetwork hostPID hostUsers hostname \
        hostnameOverride nodeName preemptionPolicy priority priorityClassName restartPolicy runtimeClassName schedulerName serviceAccount \
        serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds affinity overhead os \
        resources workloadRef
        """,
        [
            "containers": .list(container, .byKey("name")), "initContainers": .list(container, .byKey("name")),
            "ephemeralContainers": .list(container, .byKey("name")), "volumes": .list(volume, .byKey("name")),
            "imagePullSecrets": .list(.fields("name"), .byKey("name")),
            "hostAliases": .list(.fields("ip", ["hostnames": .values]), .byKey("ip")),
            "tolerations": .list(.fields("key operator value effect tolerationSeconds"), .atomic),
            "topologySpreadConstraints": .list(
                .fields(
                    "maxSkew topologyKey whenUnsatisfiable minDomains nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys",
                    ["labelSelector": labelSelector]), .byKey("topologyKey")),
            "readinessGates": .list(.fields("conditionType"), .atomic),
            "resourceClaims": .list(.fields("name resourceClaimName resourceClaimTemplateName"), .byKey("name")),
            "schedulingGates": .list(.fields("name"), .byKey("name")), "nodeSelector": .map,
            "dnsConfig": .fields("", ["nameservers": .values, "searches": .values, "options": .list(.fields("name value"), .atomic)]),
            "securityContext": .fields(
                """
                runAsUser runAsGroup runAsNonRoot fsGroup fsGroupChangePolicy supplementalGroups supplementalGroupsPolicy seLinuxOptions \
                seLinuxChangePolicy seccompProfile appArmorProfile sysctls windowsOptions
                """),
        ])

    private static let podStatus = FieldSchema.fields(
        """
        phase message reason nominatedNodeName hostIP podIP startTime qosClass resize observedGeneration initContainerStatuses \
        containerStatuses ephemeralContainerStatuses resourceClaimStatuses
        """,
        ["conditions": conditions, "podIPs": .list(.fields("ip"), .byKey("ip")), "hostIPs": .list(.fields("ip"), .atomic)])

    private static let container = FieldSchema.fields(
        """
        name image imagePullPolicy restartPolicy restartPolicyRules stdin stdinOnce tty terminationMessagePath terminationMessagePolicy \
        workingDir targetContainerName
        """,
        [
            "command": .values, "args": .values,
            "env": .list(.fields("name value", ["valueFrom": environmentSource]), .byKey("name")),
            "envFrom": .list(
                .fields("prefix", ["configMapRef": .fields("name optional"), "secretRef": .fields("name optional")]), .atomic),
            "ports": .list(.fields("name containerPort hostPort hostIP protocol"), .byKey("containerPort")),
            "volumeMounts": .list(
                .fields("name mountPath subPath subPathExpr readOnly recursiveReadOnly mountPropagation"), .byKey("mountPath")),
            "volumeDevices": .list(.fields("name devicePath"), .byKey("devicePath")),
            "resources": .fields("", ["limits": .map, "requests": .map, "claims": .list(.fields("name request"), .byKey("name"))]),
            "resizePolicy": .list(.fields("resourceName restartPolicy"), .atomic),
            "livenessProbe": probe, "readinessProbe": probe, "startupProbe": probe,
            "lifecycle": .fields("stopSignal", ["postStart": handler("sleep"), "preStop": handler("sleep")]),
            "securityContext": .fields(
                """
                allowPrivilegeEscalation capabilities privileged procMount readOnlyRootFilesystem runAsGroup runAsNonRoot runAsUser \
                seLinuxOptions seccompProfile appArmorProfile windowsOptions
                """),
        ])

    private static let environmentSource = FieldSchema.fields(
        "fileKeyRef",
        [
            "fieldRef": .fields("apiVersion fieldPath"), "resourceFieldRef": .fields("containerName resource divisor"),
            "configMapKeyRef": .fields("name key optional"), "secretKeyRef": .fields("name key optional"),
        ])

    private static func handler(_ plain: String) -> FieldSchema {
        .fields(
            plain,
            [
                "exec": .fields("", ["command": .values]), "tcpSocket": .fields("host port"),
                "httpGet": .fields("host port path scheme", ["httpHeaders": .list(.fields("name value"), .atomic)]),
                "grpc": .fields("port service"),
            ])
    }

    private static let probe = handler(
        "initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold terminationGracePeriodSeconds")

    private static let keyItems = FieldSchema.list(.fields("key path mode"), .atomic)

    private static let volume = FieldSchema.fields(
        """
        name awsElasticBlockStore azureDisk azureFile cephfs cinder csi downwardAPI ephemeral fc flexVolume flocker gcePersistentDisk \
        gitRepo glusterfs image iscsi nfs photonPersistentDisk portworxVolume projected quobyte rbd scaleIO storageos vsphereVolume
        """,
        [
            "emptyDir": .fields("medium sizeLimit"), "hostPath": .fields("path type"),
            "persistentVolumeClaim": .fields("claimName readOnly"),
            "configMap": .fields("name optional defaultMode", ["items": keyItems]),
            "secret": .fields("secretName optional defaultMode", ["items": keyItems]),
        ], retainKeys: true)

    static let service = root(
        "",
        [
            "spec": .fields(
                """
                clusterIP clusterIPs type externalName externalTrafficPolicy internalTrafficPolicy healthCheckNodePort ipFamilies \
                ipFamilyPolicy loadBalancerClass loadBalancerIP publishNotReadyAddresses sessionAffinity sessionAffinityConfig \
                allocateLoadBalancerNodePorts trafficDistribution externalIPs loadBalancerSourceRanges
                """,
                ["selector": .map, "ports": .list(.fields("name protocol appProtocol port targetPort nodePort"), .byKey("port"))]),
            "status": .fields("", ["loadBalancer": .fields("ingress"), "conditions": conditions]),
        ])

    static let node = root(
        "",
        [
            "spec": .fields(
                "podCIDR providerID unschedulable configSource externalID",
                ["podCIDRs": .list(.value, .set), "taints": .list(.fields("key value effect timeAdded"), .atomic)]),
            "status": .fields(
                """
                allocatable capacity phase daemonEndpoints nodeInfo images volumesInUse volumesAttached config features runtimeHandlers \
                declaredFeatures
                """,
                ["conditions": conditions, "addresses": .list(.fields("type address"), .byKey("type"))]),
        ])

    static let namespace = root(
        "", ["spec": .fields("", ["finalizers": .values]), "status": .fields("phase", ["conditions": conditions])])

    static let persistentVolumeClaim = root(
        "",
        [
            "spec": .fields(
                "accessModes volumeName storageClassName volumeMode dataSource dataSourceRef volumeAttributesClassName",
                ["selector": labelSelector, "resources": .fields("", ["limits": .map, "requests": .map])]),
            "status": .fields(
                """
                phase accessModes capacity allocatedResources allocatedResourceStatuses currentVolumeAttributesClassName modifyVolumeStatus
                """, ["conditions": conditions]),
        ])

    static let event = root(
        """
        involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action related reportingComponent \
        reportingInstance
        """)
}
