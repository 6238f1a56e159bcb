import Experiment
import Journal
import Kubernetes

/// Rolls the workload back to its earlier image.
struct RestoreImage: UndoAction {
    static let kind = "restoreImage"

    var namespace: String
    var workload: String
    var container: String
    /// The earlier image, and the fault's image.
    var before: String
    var image: String
    var lease: String
    /// The time within which a pod with the earlier image must be ready.
    var readyWithin: DurationText

    var summary: String { "roll container \(container) of \(namespace)/\(workload) back to image \(before)" }
    /// The mark is on the Lease, as a Deployment copies its annotations to its ReplicaSets, and `kubectl rollout undo` copies them back.
    var object: MarkedObject { .lease(lease, in: namespace) }
    var consent: String? { "a workload is given an image that a mark names only with --run-commands" }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let client = undo.client
        let found = try await RollingWorkload(workload, in: namespace, client).images[container]
        // Any other image comes from a later rollout by somebody else.
        if found == image {
            try await RollingWorkload.change(workload, in: namespace, template: RollingWorkload.template(container, image: before), client)
        }
        let isOther = found != image && found != before
        if !isOther { try await awaitReady(client) }
        try await undo.unmarkLease(lease, in: namespace, of: intent)
        return isOther
            ? "container \(container) of \(workload) has the image \(found ?? "?") by now, which is not this run's: it is left"
            : "container \(container) of \(workload) has the image \(before) again, and a pod with it is ready"
    }

    private func awaitReady(_ client: KubernetesClient) async throws {
        let within = readyWithin.duration
        let ready = try await firstResult(within: within) { () async throws -> Bool? in
            for try await event in client.watch(Pod.self, in: .namespace(namespace)) {
                switch event.change {
                case .added(let pod), .modified(let pod):
                    let own = pod.spec.containers.first { $0.name == container }
                    if pod.isReady, own?.image == before, isOurs(pod) { return true }
                case .deleted, .synced, .blind, .sighted: continue
                }
            }
            return nil
        }
        guard ready == true else {
            throw FaultError(
                .notInjected, "no pod of \(namespace)/\(workload) with the image \(before) was ready within \(within.text)",
                hint: "see 'kubectl rollout status \(workload)'")
        }
    }

    /// A Deployment's pods belong to a ReplicaSet that has its name and a hash.
    private func isOurs(_ pod: Pod) -> Bool {
        let (_, name) = RollingWorkload.parts(workload)
        guard let owner = pod.metadata.controller else { return false }
        return owner.name == name || owner.kind == ReplicaSet.kind && owner.name.hasPrefix(name + "-")
    }
}
