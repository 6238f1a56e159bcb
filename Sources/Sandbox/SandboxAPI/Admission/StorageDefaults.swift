import Foundation
import JSON
import KubernetesAPI
import SandboxStore

/// The defaults of claims, volumes and storage classes.
enum StorageDefaults {
    static func completeClaim(_ claim: inout JSONValue) {
        claim.edit("spec") { $0.fill("volumeMode", with: "Filesystem") }
    }

    static func completeVolume(_ volume: inout JSONValue) {
        volume.edit("spec") { spec in
            spec.fill("volumeMode", with: "Filesystem")
            spec.fill("persistentVolumeReclaimPolicy", with: "Retain")
        }
    }

    static func completeClass(_ storageClass: inout JSONValue) {
        storageClass.fill("reclaimPolicy", with: "Delete")
        storageClass.fill("volumeBindingMode", with: "Immediate")
    }

    /// A claim that names no class gets the default one; one that names "" means none.
    static func chooseDefaultClass(for claim: inout JSONValue, in state: StoreState) {
        guard claim[path: "spec", "storageClassName"] == nil else { return }
        let standard = state.list(.storageClasses).first { $0.annotations[AnnotationKey.isDefaultClass] == "true" }
        if let standard { claim[path: "spec", "storageClassName"] = .string(standard.name) }
    }

    static func protect(_ object: inout JSONValue, with finalizer: String) {
        if !object.finalizers.contains(finalizer) { object.finalizers.append(finalizer) }
    }
}

enum StorageValidation {
    static func checkClaim(_ claim: JSONValue, old: JSONValue?, _ problems: inout FieldProblems) {
        let modes = claim[path: "spec", "accessModes"]?.array?.compactMap(\.string) ?? []
        let known = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"]
        if modes.isEmpty { problems.required("spec.accessModes", "at least 1 access mode is required") }
        for mode in modes where !known.contains(mode) { problems.unsupported("spec.accessModes", mode, known) }
        if claim[path: "spec", "resources", "requests", "storage"] == nil { problems.required("spec.resources[storage]") }
        guard let old else { return }
        if fixed(claim) != fixed(old) {
            problems.forbidden(
                "spec", "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")
        }
    }

    private static func fixed(_ claim: JSONValue) -> JSONValue {
        var spec = claim["spec"] ?? .null
        // The binding controller sets the volume once.
        spec["volumeName"] = nil
        spec["resources"] = nil
        spec["storageClassName"] = spec["storageClassName"] ?? ""
        return spec
    }
}

enum SecretDefaults {
    /// Moves `stringData` into `data`, as the API server does at every write.
    static func complete(_ secret: inout JSONValue) {
        secret.fill("type", with: "Opaque")
        for (key, value) in secret["stringData"]?.strings ?? [:] {
            secret[path: "data", key] = .string(Data(value.utf8).base64EncodedString())
        }
        secret["stringData"] = nil
    }

    static func check(_ secret: JSONValue, old: JSONValue?, _ problems: inout FieldProblems) {
        for (key, value) in secret["data"]?.object ?? [:] where value.string.flatMap({ Data(base64Encoded: $0) }) == nil {
            // The value stays out of the message: it is a secret even when it is not base64.
            problems.invalid("data[\(key)]", "<hidden>", "must be base64; use stringData for plain text")
        }
        guard let old else { return }
        if old["type"] != secret["type"] { problems.invalid("type", secret["type"], "field is immutable") }
        if old["immutable"]?.bool == true, old["data"] != secret["data"] {
            problems.forbidden("data", "field is immutable when `immutable` is set")
        }
    }
}
