import Journal
import Kubernetes

extension TargetResolver {
    /// What the promise says about the cluster, as it is now.
    func snapshot(_ moment: Snapshot.Moment, container: String?) async throws -> Snapshot {
        let target = try await resolve()
        let ingress = (target.service.status?.loadBalancer?.ingress ?? []).compactMap { $0.ip ?? $0.hostname }.sorted()
        return Snapshot(
            moment: moment,
            service: Snapshot.Service(
                name: target.service.metadata.name, uid: target.service.metadata.uid ?? "", type: target.service.spec.type ?? "ClusterIP",
                clusterIP: target.service.spec.clusterIP ?? "", ingress: ingress),
            volumes: try await volumes(of: target),
            pods: target.pods.map { pod in
                let status = (container ?? pod.spec.containers.first?.name).flatMap(pod.containerStatus)
                return Snapshot.Pod(
                    name: pod.metadata.name, uid: pod.metadata.uid ?? "", node: pod.spec.nodeName ?? "",
                    containerID: status?.containerID ?? "", restartCount: status?.restartCount ?? 0, ready: pod.isReady,
                    terminating: pod.metadata.deletionTimestamp != nil)
            }.sorted { $0.name < $1.name },
            desiredReplicas: target.desiredReplicas, readyReplicas: target.readyReplicas, address: target.address)
    }

    /// The claims that the workload's pods mount. Those of a serving pod where there is one, for others may be left over.
    private func volumes(of target: ResolvedTarget) async throws -> [Snapshot.Volume] {
        let pods = target.servingPods.isEmpty ? target.pods : target.servingPods
        let claims = Set(pods.flatMap { $0.spec.volumes ?? [] }.compactMap { $0.persistentVolumeClaim?.claimName })
        var volumes: [Snapshot.Volume] = []
        for name in claims.sorted() {
            let claim = try await client.get(PersistentVolumeClaim.self, name, in: target.namespace)
            let volumeName = claim.spec.volumeName ?? ""
            // A Role in one namespace cannot read PersistentVolumes; then the claim's own identity is what is compared.
            var handle = ""
            if !volumeName.isEmpty {
                do throws(KubernetesError) {
                    handle = try await client.find(PersistentVolume.self, volumeName)?.handle ?? ""
                } catch {
                    guard error.code == .forbidden else { throw error }
                }
            }
            volumes.append(
                Snapshot.Volume(claim: name, claimUID: claim.metadata.uid ?? "", volume: volumeName, handle: handle))
        }
        return volumes
    }
}
