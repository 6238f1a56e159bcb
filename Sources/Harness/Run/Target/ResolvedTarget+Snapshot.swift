import Journal
import Kubernetes
import KubernetesAPI

extension TargetResolver {
    /// Returns the current state of the cluster's objects that the promise is about.
    ///
    /// - Parameter lostNode: the node that a fault has taken away. Its state and the volumes' attachments are included.
    func snapshot(_ moment: Snapshot.Moment, container: String?, lostNode: String? = nil) async throws -> Snapshot {
        let target = try await resolve()
        let volumes = try await volumes(of: target)
        let ingress = (target.service.status?.loadBalancer?.ingress ?? []).compactMap { $0.ip ?? $0.hostname }.sorted()
        var snapshot = Snapshot(
            moment: moment,
            service: Snapshot.Service(
                name: target.service.metadata.name, uid: target.service.metadata.uid ?? "", type: target.service.spec.type ?? "ClusterIP",
                clusterIP: target.service.spec.clusterIP ?? "", ingress: ingress),
            volumes: volumes,
            pods: target.pods.map { pod in
                let status = (container ?? pod.spec.containers.first?.name).flatMap(pod.containerStatus)
                return Snapshot.Pod(
                    name: pod.metadata.name, uid: pod.metadata.uid ?? "", node: pod.spec.nodeName ?? "",
                    containerID: status?.containerID ?? "", restartCount: status?.restartCount ?? 0, ready: pod.isReady,
                    terminating: pod.metadata.deletionTimestamp != nil, tolerationSeconds: pod.tolerationSeconds, image: status?.image,
                    imageID: status?.imageID)
            }.sorted { $0.name < $1.name },
            desiredReplicas: target.workload.desiredReplicas, readyReplicas: target.readyReplicas, address: target.address)
        guard let lostNode else { return snapshot }
        snapshot.attachments = try await attachments(of: volumes)
        snapshot.nodes = try await Self.ifAllowed { () async throws(KubernetesError) in
            try await [client.find(Node.self, lostNode)].compactMap(\.self)
        }?.map { node in
            Snapshot.Node(
                name: node.metadata.name, ready: node.readiness,
                taints: (node.spec?.taints ?? []).map { "\($0.key):\($0.effect)" }.sorted())
        }
        return snapshot
    }

    private func attachments(of volumes: [Snapshot.Volume]) async throws -> [Snapshot.Attachment]? {
        try await Self.ifAllowed { () async throws(KubernetesError) in try await client.list(VolumeAttachment.self, in: .all).items }?
            .compactMap { attachment in
                guard let name = attachment.spec.source.persistentVolumeName, volumes.contains(where: { $0.volume == name }) else {
                    return nil
                }
                return Snapshot.Attachment(
                    volume: name, node: attachment.spec.nodeName, attached: attachment.status?.attached ?? false)
            }.sorted { $0.node < $1.node }
    }

    /// A Role in one namespace cannot read cluster-wide objects; that part of the report then stays empty.
    static func ifAllowed<Value>(_ read: () async throws(KubernetesError) -> Value?) async throws(KubernetesError) -> Value? {
        do throws(KubernetesError) {
            return try await read()
        } catch {
            guard error.code == .forbidden else { throw error }
            return nil
        }
    }

    /// The claims that the workload's pods mount: those of a serving pod if there is one, as other pods may be left over.
    private func volumes(of target: ResolvedTarget) async throws -> [Snapshot.Volume] {
        let pods = target.servingPods.isEmpty ? target.pods : target.servingPods
        let claims = Set(pods.flatMap { $0.spec.volumes ?? [] }.compactMap { $0.persistentVolumeClaim?.claimName })
        var volumes: [Snapshot.Volume] = []
        for name in claims.sorted() {
            let claim = try await client.get(PersistentVolumeClaim.self, name, in: target.namespace)
            let volumeName = claim.spec.volumeName ?? ""
            // If PersistentVolumes may not be read, the claim's own identity is compared.
            var handle = ""
            if !volumeName.isEmpty {
                handle =
                    try await Self.ifAllowed { () async throws(KubernetesError) in
                        try await client.find(PersistentVolume.self, volumeName)?.handle
                    } ?? ""
            }
            volumes.append(
                Snapshot.Volume(
                    claim: name, claimUID: claim.metadata.uid ?? "", volume: volumeName, handle: handle,
                    storageClass: claim.spec.storageClassName))
        }
        return volumes
    }
}

extension Pod {
    /// The time that the pod stays on a lost node, by taint; unlimited for a toleration without a time.
    fileprivate var tolerationSeconds: [String: Int] {
        var seconds: [String: Int] = [:]
        for toleration in spec.tolerations ?? [] {
            guard let key = toleration.key, [TaintKey.unreachable, TaintKey.notReady].contains(key) else {
                continue
            }
            seconds[key] = toleration.tolerationSeconds
        }
        return seconds
    }
}
