import JSON

/// The API server's work on objects before it stores them: defaults, address allocation and the checks that give 422.
///
/// The defaults are those of Kubernetes' `SetDefaults_*` functions and of the admission plugins DefaultTolerationSeconds, ServiceAccount,
/// DefaultStorageClass and StorageObjectInUseProtection.
struct KubernetesAdmission: ObjectAdmission {
    let profile: SandboxProfile
    let addresses: ServiceAddresses

    func prepareCreate(_ object: inout JSONValue, _ definition: ResourceDefinition, in state: StoreState) throws(APIError) {
        complete(&object, definition)
        switch definition.type {
        case .pods:
            object["status"] = ["phase": "Pending"]
            PodDefaults.completePod(&object, tolerationSeconds: profile.defaultTolerationSeconds)
            object[path: "status", "qosClass"] = .string(PodDefaults.qualityOfService(object))
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
    }

    func prepareUpdate(
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
        case .pods: PodValidation.check(object, old: old, &problems)
        case .deployments, .replicaSets, .statefulSets, .daemonSets:
            WorkloadValidation.check(object, old: old, definition.type, &problems)
        case .services: ServiceValidation.check(object, old: old, &problems)
        case .persistentVolumeClaims: StorageValidation.checkClaim(object, old: old, &problems)
        case .podDisruptionBudgets: WorkloadValidation.checkBudget(object, &problems)
        case .secrets: SecretDefaults.check(object, old: old, &problems)
        case .endpoints, .endpointSlices: PortValidation.checkEndpoints(object, &problems)
        default: break
        }
        if !problems.causes.isEmpty { throw .invalid(definition, object.name, problems.causes) }
    }
}
