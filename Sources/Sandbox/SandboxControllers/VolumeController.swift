import JSON
package import SandboxStore

/// Binds claims to volumes, makes volumes for claims, and takes both away when nobody uses them any more
/// (https://kubernetes.io/docs/concepts/storage/persistent-volumes/). A volume is a folder of the sandbox, named by its handle.
package struct VolumeController: Reconciler {
    package init() {}

    package static let watched: [ResourceType] = [.persistentVolumeClaims, .persistentVolumes, .pods, .storageClasses, .volumeAttachments]

    /// The scheduler's choice for a claim that waits for its first consumer.
    static let selectedNode = "volume.kubernetes.io/selected-node"
    private static let claimProtection = "kubernetes.io/pvc-protection"
    private static let volumeProtection = "kubernetes.io/pv-protection"
    private static let component = "persistentvolume-controller"

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        for claim in state.list(.persistentVolumeClaims) {
            if claim.isBeingDeleted { release(claim, &state) } else if claim.phase != "Bound" { bind(claim, &state) }
        }
        for volume in state.list(.persistentVolumes) { settle(volume, &state) }
        return nil
    }

    static func waitsForConsumer(_ claim: JSONValue, _ state: StoreState) -> Bool {
        storageClass(claim, state)?["volumeBindingMode"]?.string == "WaitForFirstConsumer"
    }

    private static func storageClass(_ claim: JSONValue, _ state: StoreState) -> JSONValue? {
        guard let name = claim[path: "spec", "storageClassName"]?.string, !name.isEmpty else { return nil }
        return state[ObjectKey(.storageClasses, name: name)]
    }

    private static func key(_ claim: JSONValue) -> ObjectKey {
        ObjectKey(.persistentVolumeClaims, namespace: claim.namespace, name: claim.name)
    }

    // MARK: Claims

    private func bind(_ claim: JSONValue, _ state: inout StoreState) {
        if let volume = Self.match(claim, state) { return complete(claim, with: volume, &state) }
        guard claim[path: "spec", "volumeName"] == nil, let storageClass = Self.storageClass(claim, state),
            storageClass["provisioner"]?.string == FolderVolume.provisioner
        else { return }
        if Self.waitsForConsumer(claim, state), claim.annotations[Self.selectedNode] == nil {
            let text = "waiting for first consumer to be created before binding"
            if !Self.hasEvent(claim, "WaitForFirstConsumer", state) {
                state.recordEvent(claim, .normal, "WaitForFirstConsumer", text, from: Self.component)
            }
            return
        }
        let name = "pvc-\(claim.uid)"
        let volume: JSONValue = [
            "metadata": [
                "name": .string(name), "annotations": ["pv.kubernetes.io/provisioned-by": .string(FolderVolume.provisioner)],
            ],
            "spec": [
                "accessModes": claim[path: "spec", "accessModes"] ?? ["ReadWriteOnce"],
                "capacity": ["storage": claim[path: "spec", "resources", "requests", "storage"] ?? "1Gi"],
                "csi": ["driver": .string(FolderVolume.driver), "volumeHandle": .string(name), "fsType": "ext4"],
                "persistentVolumeReclaimPolicy": storageClass["reclaimPolicy"] ?? "Delete", "storageClassName": .string(storageClass.name),
                "volumeMode": "Filesystem", "claimRef": Self.reference(claim),
            ],
        ]
        guard let made = try? state.create(.persistentVolumes, volume) else { return }
        state.recordEvent(
            claim, .normal, "ProvisioningSucceeded", "Successfully provisioned volume \(name)", from: FolderVolume.provisioner)
        complete(claim, with: made, &state)
    }

    private static func hasEvent(_ object: JSONValue, _ reason: String, _ state: StoreState) -> Bool {
        state.list(.events, ObjectFilter(namespace: object.namespace)).contains {
            $0[path: "involvedObject", "uid"]?.string == object.uid && $0["reason"]?.string == reason
        }
    }

    private static func reference(_ claim: JSONValue) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": .string(claim.name), "namespace": .string(claim.namespace),
            "uid": .string(claim.uid), "resourceVersion": .string(claim.resourceVersion),
        ]
    }

    /// The volume that the claim names or that was made for it, or else the smallest free one that would do.
    private static func match(_ claim: JSONValue, _ state: StoreState) -> JSONValue? {
        let volumes = state.list(.persistentVolumes)
        if let volume = volumes.first(where: { $0[path: "spec", "claimRef", "uid"]?.string == claim.uid }) { return volume }
        if let name = claim[path: "spec", "volumeName"]?.string {
            return volumes.first { $0.name == name && $0[path: "spec", "claimRef", "uid"] == nil }
        }
        let modes = Set(claim[path: "spec", "accessModes"]?.array ?? [])
        let size = Quantity(claim[path: "spec", "resources", "requests", "storage"]) ?? .zero
        func capacity(_ volume: JSONValue) -> Quantity { Quantity(volume[path: "spec", "capacity", "storage"]) ?? .zero }
        return volumes.filter { volume in
            guard !volume.isBeingDeleted, volume.phase == "Available", capacity(volume) >= size else { return false }
            let reserved = volume[path: "spec", "claimRef"]
            if let reserved, reserved["name"]?.string != claim.name || reserved["namespace"]?.string != claim.namespace { return false }
            return (volume[path: "spec", "storageClassName"]?.string ?? "") == (claim[path: "spec", "storageClassName"]?.string ?? "")
                && modes.isSubset(of: volume[path: "spec", "accessModes"]?.array ?? [])
        }.min { capacity($0) < capacity($1) }
    }

    private func complete(_ claim: JSONValue, with volume: JSONValue, _ state: inout StoreState) {
        _ = try? state.modify(ObjectKey(.persistentVolumes, name: volume.name)) {
            $0[path: "spec", "claimRef"] = Self.reference(claim)
            $0[path: "status", "phase"] = "Bound"
        }
        _ = try? state.modify(Self.key(claim)) { claim in
            claim[path: "spec", "volumeName"] = .string(volume.name)
            claim[path: "metadata", "annotations", "pv.kubernetes.io/bind-completed"] = "yes"
            claim[path: "metadata", "annotations", "pv.kubernetes.io/bound-by-controller"] = "yes"
            claim["status"] = [
                "phase": "Bound", "accessModes": volume[path: "spec", "accessModes"] ?? [],
                "capacity": volume[path: "spec", "capacity"] ?? [:],
            ]
        }
    }

    /// Lets a deleted claim go once no pod uses it.
    private func release(_ claim: JSONValue, _ state: inout StoreState) {
        guard claim.finalizers.contains(Self.claimProtection) else { return }
        let isUsed = state.list(.pods, ObjectFilter(namespace: claim.namespace)).contains {
            !$0.isFinished && !$0.nodeName.isEmpty && $0.claimNames.contains(claim.name)
        }
        guard !isUsed else { return }
        _ = try? state.modify(Self.key(claim)) { $0.finalizers.removeAll { $0 == Self.claimProtection } }
    }

    // MARK: Volumes

    private func settle(_ volume: JSONValue, _ state: inout StoreState) {
        let key = ObjectKey(.persistentVolumes, name: volume.name)
        let isClaimed = volume[path: "spec", "claimRef", "uid"]?.string.map { state.object(uid: $0) != nil }
        if isClaimed == false, volume.phase == "Bound" || volume.phase == "Available" {
            _ = try? state.modify(key) { $0[path: "status", "phase"] = "Released" }
        }
        let isAttached = state.list(.volumeAttachments).contains {
            $0[path: "spec", "source", "persistentVolumeName"]?.string == volume.name
        }
        guard isClaimed != true, !isAttached else { return }
        let isReclaimed = isClaimed == false && volume[path: "spec", "persistentVolumeReclaimPolicy"]?.string == "Delete"
        if isReclaimed, !volume.isBeingDeleted { _ = try? state.delete(key) }
        if isReclaimed || volume.isBeingDeleted {
            _ = try? state.modify(key) { $0.finalizers.removeAll { $0 == Self.volumeProtection } }
        }
    }
}
