import Journal
import Kubernetes

/// Removes the file that fills a volume, by exec in the workload's container that has the volume now.
struct RemoveFill: UndoAction {
    static let kind = "removeFill"

    var namespace: String
    var lease: String
    var container: String
    var claim: String
    var runID: String

    var summary: String { "remove the file that fills the claim \(namespace)/\(claim)" }
    var object: MarkedObject { .lease(lease, in: namespace) }

    var file: String { "aftershock-fill-\(runID)" }
    /// The mark of the processes that fill the volume.
    var processes: String { "disk-\(runID)" }

    /// Writes a file of 4 KiB, and removes it.
    ///
    /// Not every `head` reports a failed write in its exit code, so the size of the file is checked.
    static let writeScript =
        #"f="$1/aftershock-write-test"; LC_ALL=C head -c 4096 /dev/zero >"$f"; n=$(wc -c <"$f"); rm -f "$f"; [ "$n" -eq 4096 ]"#

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard runID.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" }) else {
            throw FaultError(.refused, "'\(runID)' is not the name of a run")
        }
        // A server without a free block may be between two restarts.
        return try await undo.retrying {
            let evidence = try await remove(undo.client)
            try await undo.unmarkLease(lease, in: namespace, of: intent)
            return evidence
        }
    }

    private func remove(_ client: KubernetesClient) async throws -> String {
        let pods = try await client.list(Pod.self, in: .namespace(namespace)).items
        let running = pods.compactMap { pod -> (Pod, String)? in
            guard pod.containerStatus(container)?.state?.running != nil else { return nil }
            return Self.claims(of: pod, container).first { $0.claim == claim }.map { (pod, $0.path) }
        }
        guard let (pod, path) = running.first else {
            throw FaultError(
                .notInjected,
                "no running container \(container) mounts the claim \(namespace)/\(claim): the file \(file) cannot be removed from it",
                hint: "when one runs again: aftershock restore; or mount the claim in a pod of yours and remove the file")
        }
        let shell = ContainerShell(client, namespace: namespace, pod: pod.metadata.name, container: container)
        try await shell.killMarked(processes)
        _ = try await shell.run(#"rm -f "$1" && [ ! -e "$1" ]"#, ["\(path)/\(file)"], deadline: .seconds(60))
        _ = try await shell.run(Self.writeScript, [path])
        let free = try await DiskFullFault.freeKiB(of: path, shell)
        return "\(path)/\(file) is gone from pod \(pod.metadata.name); \(free) KiB are free, and a write works"
    }

    /// Returns the claims that a container mounts, and their paths.
    static func claims(of pod: Pod, _ container: String) -> [(claim: String, path: String)] {
        let mounts = pod.spec.containers.first { $0.name == container }?.volumeMounts ?? []
        return (pod.spec.volumes ?? []).compactMap { volume in
            guard let claim = volume.persistentVolumeClaim, let mount = mounts.first(where: { $0.name == volume.name }) else { return nil }
            return (claim.claimName, mount.mountPath)
        }
    }
}
