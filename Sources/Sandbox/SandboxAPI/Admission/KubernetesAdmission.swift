package import JSON
package import SandboxStore

/// The API server's work on objects before it stores them: defaults, address allocation and the checks that give 422.
///
/// The defaults are those of Kubernetes' `SetDefaults_*` functions and of the admission plugins DefaultTolerationSeconds, ServiceAccount,
/// DefaultStorageClass and StorageObjectInUseProtection.
package struct KubernetesAdmission: ObjectAdmission {
    package let profile: SandboxProfile
    package let addresses: ServiceAddresses
    /// The certificate authority that pods are given to trust the API server by.
    package var authority: String?

    package init(profile: SandboxProfile, addresses: ServiceAddresses, authority: String? = nil) {
        self.profile = profile
        self.addresses = addresses
        self.authority = authority
    }

    package func prepareCreate(_ object: inout JSONValue, _ definition: ResourceDefinition, in state: StoreState) throws(APIError) {
        complete(&object, definition)
        switch definition.type {
        case .pods:
            object["status"] = ["phase": "Pending"]
            LimitRanges.complete(&object, in: state)
            PodDefaults.completePod(&object, tolerationSeconds: profile.defaultTolerationSeconds)
            object[path: "status", "qosClass"] = .string(object.qualityOfService)
        case .services:
            object["status"] = ["loadBalancer": [:]]
            try addresses.allocate(for: &object, in: state)
        case .persistentVolumeClaims:
            object["status"] = ["phase": "Pending"]
            StorageDefaults.chooseDefaultClass(for: &object, in: state)
            StorageDefaults.protect(&object, with: "kubernetes.io/pvc-protection")
        case .persistentVolumes:
            object.fill("status", "phase", with: "Available")
            StorageDefaults.protect(&object, with: "kubernetes.io/pv-protection")
        case .namespaces:
            object.fill("metadata", "labels", "kubernetes.io/metadata.name", with: .string(object.name))
            object["spec"] = ["finalizers": ["kubernetes"]]
            object["status"] = ["phase": "Active"]
        case .deployments, .replicaSets, .statefulSets, .daemonSets, .podDisruptionBudgets:
            object["status"] = [:]
        default: break
        }
        try validate(object, definition, old: nil)
        if definition.type == .pods {
            mountToken(&object, in: state)
            try LimitRanges.check(object, in: state)
            try PodSecurity.enforce(object, in: state)
        }
        if definition.type == .persistentVolumeClaims { try LimitRanges.check(claim: object, in: state) }
        try checkQuota(object, old: nil, definition, in: state)
    }

    private func checkQuota(_ object: JSONValue, old: JSONValue?, _ definition: ResourceDefinition, in state: StoreState) throws(APIError) {
        guard definition.isNamespaced, definition.type != .events, state.count(.resourceQuotas) > 0 else { return }
        try ResourceQuotas(state: state, namespace: object.namespace).check(object, old: old, definition.type)
    }

    /// Gives a pod its account's token, the cluster's authority and its namespace, as files.
    private func mountToken(_ pod: inout JSONValue, in state: StoreState) {
        let account = state[
            ObjectKey(.serviceAccounts, namespace: pod.namespace, name: pod[path: "spec", "serviceAccountName"]?.string ?? "")]
        let isWanted = pod[path: "spec", "automountServiceAccountToken"]?.bool ?? account?["automountServiceAccountToken"]?.bool ?? true
        guard authority != nil, isWanted, account != nil else { return }
        let path = "/var/run/secrets/kubernetes.io/serviceaccount"
        let name = "kube-api-access-\(state.environment.makeNameSuffix())"
        let mount: JSONValue = ["name": .string(name), "mountPath": .string(path), "readOnly": true]
        for list in ["initContainers", "containers"] {
            pod.editEach("spec", list) { container in
                let mounts = container["volumeMounts"]?.array ?? []
                if mounts.contains(where: { $0["mountPath"]?.string == path }) { return }
                container["volumeMounts"] = .array(mounts + [mount])
            }
        }
        let sources: JSONValue = [
            ["serviceAccountToken": ["expirationSeconds": 3607, "path": "token"]],
            ["configMap": ["name": .string(StoreState.authorityMap), "items": [["key": "ca.crt", "path": "ca.crt"]]]],
            ["downwardAPI": ["items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]]],
        ]
        let volume: JSONValue = ["name": .string(name), "projected": ["defaultMode": 420, "sources": sources]]
        pod[path: "spec", "volumes"] = .array((pod[path: "spec", "volumes"]?.array ?? []) + [volume])
    }

    package func prepareUpdate(
        _ object: inout JSONValue, from old: JSONValue, _ definition: ResourceDefinition, in state: StoreState
    ) throws(APIError) {
        complete(&object, definition)
        if definition.type == .services { try addresses.reallocate(for: &object, from: old, in: state) }
        if definition.type == .pods {
            // Set by admission at creation, and not to be lost by a client that sends its manifest again.
            for member in ["nodeName", "serviceAccountName", "serviceAccount", "enableServiceLinks", "preemptionPolicy", "priority"] {
                if object[path: "spec", member] == nil { object[path: "spec", member] = old[path: "spec", member] }
            }
        }
        try validate(object, definition, old: old)
        try checkQuota(object, old: old, definition, in: state)
    }

    /// The defaults that hold for new and for changed objects alike.
    private func complete(_ object: inout JSONValue, _ definition: ResourceDefinition) {
        switch definition.type {
        case .pods: PodDefaults.completeSpec(&object)
        case .deployments, .replicaSets, .statefulSets, .daemonSets: WorkloadDefaults.complete(&object, definition.type)
        case .services: ServiceDefaults.complete(&object)
        case .persistentVolumeClaims: StorageDefaults.completeClaim(&object)
        case .persistentVolumes: StorageDefaults.completeVolume(&object)
        case .storageClasses: StorageDefaults.completeClass(&object)
        case .secrets: SecretDefaults.complete(&object)
        case .namespaces: object.fill("status", "phase", with: "Active")
        default: break
        }
    }

    private func validate(_ object: JSONValue, _ definition: ResourceDefinition, old: JSONValue?) throws(APIError) {
        try ObjectLimits.check(object)
        var problems = FieldProblems()
        MetadataValidation.check(object, definition.type, &problems)
        NumberValidation.check(object, &problems)
        switch definition.type {
        case .namespaces: PodSecurity.validate(object, &problems)
        case .pods: PodValidation.check(object, old: old, &problems)
        case .deployments, .replicaSets, .statefulSets, .daemonSets:
            WorkloadValidation.check(object, old: old, definition.type, &problems)
        case .services: ServiceValidation.check(object, old: old, &problems)
        case .persistentVolumeClaims: StorageValidation.checkClaim(object, old: old, &problems)
        case .podDisruptionBudgets: WorkloadValidation.checkBudget(object, &problems)
        case .secrets: SecretDefaults.check(object, old: old, &problems)
        case .roleBindings, .clusterRoleBindings:
            if object[path: "roleRef", "name"]?.string?.isEmpty ?? true { problems.required("roleRef.name") }
            if let old, old["roleRef"] != object["roleRef"] { problems.invalid("roleRef", object["roleRef"], "cannot change roleRef") }
        case .admissionPolicies: AdmissionPolicy.validate(object, &problems)
        case .endpoints, .endpointSlices: PortValidation.checkEndpoints(object, &problems)
        default: break
        }
        if !problems.causes.isEmpty { throw .invalid(definition, object.name, problems.causes) }
    }
}
