import JSON
import KubernetesAPI
package import SandboxStore

/// Attaches volumes to the nodes whose pods need them, and a ReadWriteOnce one to one node only
/// (Kubernetes: pkg/controller/volume/attachdetach).
package struct AttachDetachController: Reconciler {
    package static let watched: [ResourceType] = [.pods, .nodes, .volumeAttachments, .persistentVolumes, .persistentVolumeClaims]

    private struct Place: Hashable, Sendable {
        let volume: String
        let node: String
    }

    package let timings: SandboxTimings
    /// Since when each attachment has been wanted no more.
    private var detaching: [Place: Duration] = [:]
    /// The pods that have been told of a Multi-Attach error.
    private var told: Set<String> = []

    package init(timings: SandboxTimings) { self.timings = timings }

    package mutating func reconcile(_ state: inout StoreState, at now: Duration) -> Duration? {
        let wanted = wantedPlaces(state)
        let deadlines = detach(except: Set(wanted.map(\.place)), &state, now)
        attach(wanted, &state)
        reportAttached(&state)
        return deadlines.min()
    }

    /// A volume stays where a pod is that may still be using it: also a terminating one, until its containers have ended.
    private func wantedPlaces(_ state: StoreState) -> [(place: Place, pod: JSONValue)] {
        state.list(.pods).filter { !$0.nodeName.isEmpty && !Self.hasEnded($0) }.flatMap { pod in
            pod.claimNames.compactMap { name in
                let claim = state[ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: name)]
                guard let volume = claim?[path: "spec", "volumeName"]?.string, claim?.phase == "Bound" else { return nil }
                return (Place(volume: volume, node: pod.nodeName), pod)
            }
        }
    }

    private static func hasEnded(_ pod: JSONValue) -> Bool {
        if pod.isFinished { return true }
        let statuses = pod[path: "status", "containerStatuses"]?.array ?? []
        return pod.isBeingDeleted && !statuses.isEmpty && statuses.allSatisfy { $0[path: "state", "terminated"] != nil }
    }

    private static func place(_ attachment: JSONValue) -> Place {
        Place(volume: attachment[path: "spec", "source", "persistentVolumeName"]?.string ?? "", node: attachment.nodeName)
    }

    private mutating func detach(except wanted: Set<Place>, _ state: inout StoreState, _ now: Duration) -> [Duration] {
        var deadlines: [Duration] = []
        var still: [Place: Duration] = [:]
        for attachment in state.list(.volumeAttachments) {
            let place = Self.place(attachment)
            guard !wanted.contains(place) else { continue }
            if let node = state[ObjectKey(.nodes, name: place.node)], Self.isInUse(place.volume, node),
                !Taints.has(node, TaintKey.outOfService)
            {
                // The node has not said that it has unmounted the volume. It is taken from it in the end, but only if it is not well.
                let since = detaching[place] ?? now
                still[place] = since
                let due = since + timings.forceDetachAfter
                guard due <= now, !node.isReady else {
                    if due > now { deadlines.append(due) }
                    continue
                }
            }
            _ = try? state.delete(ObjectKey(.volumeAttachments, name: attachment.name))
        }
        detaching = still
        return deadlines
    }

    private static func isInUse(_ volume: String, _ node: JSONValue) -> Bool {
        (node[path: "status", "volumesInUse"]?.array ?? []).contains(.string(FolderVolume.uniqueName(volume)))
    }

    private mutating func attach(_ wanted: [(place: Place, pod: JSONValue)], _ state: inout StoreState) {
        told.formIntersection(wanted.map(\.pod.uid))
        for (place, pod) in wanted where !pod.isBeingDeleted {
            let attachments = state.list(.volumeAttachments).filter { Self.place($0).volume == place.volume }
            if attachments.contains(where: { Self.place($0).node == place.node }) { continue }
            guard let volume = state[ObjectKey(.persistentVolumes, name: place.volume)] else { continue }
            let modes = volume[path: "spec", "accessModes"]?.array?.compactMap(\.string) ?? []
            let isShared = modes.contains("ReadWriteMany") || modes.contains("ReadOnlyMany")
            if !isShared, let other = attachments.first {
                refuse(pod, place.volume, Self.place(other).node, wanted, &state)
                continue
            }
            let attachment: JSONValue = [
                "metadata": ["name": .string("csi-\(StableHash.hexadecimal("\(place.volume) \(place.node)"))")],
                "spec": [
                    "attacher": .string(FolderVolume.driver), "nodeName": .string(place.node),
                    "source": ["persistentVolumeName": .string(place.volume)],
                ],
                "status": ["attached": true],
            ]
            guard (try? state.create(.volumeAttachments, attachment)) != nil else { continue }
            state.recordEvent(
                pod, .normal, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"\(place.volume)\" ",
                from: "attachdetach-controller")
        }
    }

    private mutating func refuse(
        _ pod: JSONValue, _ volume: String, _ node: String, _ wanted: [(place: Place, pod: JSONValue)], _ state: inout StoreState
    ) {
        guard told.insert(pod.uid).inserted else { return }
        let users = wanted.filter { $0.place == Place(volume: volume, node: node) }.map(\.pod.name)
        let reason =
            users.isEmpty
            ? "Volume is already exclusively attached to one node and can't be attached to another"
            : "Volume is already used by pod(s) \(users.joined(separator: ", "))"
        state.recordEvent(
            pod, .warning, "FailedAttachVolume", "Multi-Attach error for volume \"\(volume)\" \(reason)", from: "attachdetach-controller")
    }

    private func reportAttached(_ state: inout StoreState) {
        let attachments = state.list(.volumeAttachments)
        for node in state.list(.nodes) {
            let here = attachments.filter { $0.nodeName == node.name }.map { attachment -> JSONValue in
                ["name": .string(FolderVolume.uniqueName(Self.place(attachment).volume)), "devicePath": ""]
            }
            _ = try? state.modify(ObjectKey(.nodes, name: node.name), part: .status) {
                $0[path: "status", "volumesAttached"] = here.isEmpty ? nil : .array(here)
            }
        }
    }
}
