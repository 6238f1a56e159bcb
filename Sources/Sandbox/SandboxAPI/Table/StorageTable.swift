import JSON
import KubernetesAPI
import SandboxStore

enum StorageTable {
    static let claims: [TableColumn] = [
        .name, .text("Status", phase), .text("Volume") { $0[path: "spec", "volumeName"]?.string ?? "" },
        // A claim's capacity is known once it is bound.
        .text("Capacity") { $0[path: "spec", "volumeName"] == nil ? "" : $0[path: "status", "capacity", "storage"]?.string ?? "" },
        .text("Access Modes") { $0[path: "spec", "volumeName"] == nil ? "" : modes($0[path: "status", "accessModes"]) },
        .text("StorageClass") { $0[path: "spec", "storageClassName"]?.string ?? "" }, attributesClass, .age, volumeMode,
    ]

    static let volumes: [TableColumn] = [
        .name, .text("Capacity") { $0[path: "spec", "capacity", "storage"]?.string ?? "" },
        .text("Access Modes") { modes($0[path: "spec", "accessModes"]) },
        .text("Reclaim Policy") { $0[path: "spec", "persistentVolumeReclaimPolicy"]?.string ?? "" }, .text("Status", phase),
        .text("Claim") { volume in
            guard let claim = volume[path: "spec", "claimRef"] else { return "" }
            return "\(claim["namespace"]?.string ?? "")/\(claim["name"]?.string ?? "")"
        },
        .text("StorageClass") { $0[path: "spec", "storageClassName"]?.string ?? "" }, attributesClass,
        .text("Reason") { $0[path: "status", "reason"]?.string ?? "" }, .age, volumeMode,
    ]

    static let classes: [TableColumn] = [
        .text("Name") { $0.name + ($0.annotations[AnnotationKey.isDefaultClass] == "true" ? " (default)" : "") },
        .text("Provisioner") { $0["provisioner"]?.string ?? "" }, .text("ReclaimPolicy") { $0["reclaimPolicy"]?.string ?? "Delete" },
        .text("VolumeBindingMode") { $0["volumeBindingMode"]?.string ?? "Immediate" },
        .text("AllowVolumeExpansion") { String($0["allowVolumeExpansion"]?.bool ?? false) }, .age,
    ]

    static let attachments: [TableColumn] = [
        .name, .text("Attacher") { $0[path: "spec", "attacher"]?.string ?? "" },
        .text("PV") { $0[path: "spec", "source", "persistentVolumeName"]?.string ?? "" },
        .text("Node") { $0[path: "spec", "nodeName"]?.string ?? "" },
        .text("Attached") { String($0[path: "status", "attached"]?.bool ?? false) }, .age,
    ]

    private static let attributesClass = TableColumn.text("VolumeAttributesClass") {
        $0[path: "spec", "volumeAttributesClassName"]?.string ?? "<unset>"
    }

    private static let volumeMode = TableColumn.text("VolumeMode", wide: true) { $0[path: "spec", "volumeMode"]?.string ?? "<unset>" }

    private static func phase(_ object: JSONValue) -> String {
        object.isBeingDeleted ? "Terminating" : object[path: "status", "phase"]?.string ?? ""
    }

    private static func modes(_ modes: JSONValue?) -> String {
        let short = ["ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"]
        return (modes?.array ?? []).compactMap { $0.string.flatMap { short[$0] } }.joined(separator: ",")
    }
}
