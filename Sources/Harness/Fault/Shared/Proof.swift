import Experiment
import Journal
import Kubernetes

/// Finds evidence in the cluster that a fault took effect. The answer to the fault's own request is none.
struct Proof: Sendable {
    let context: FaultContext
    let target: FaultTarget
    let timeout: Duration

    /// Returns evidence that the old pod is gone or terminating, or that the workload has another pod.
    func podReplaced() async throws -> FaultEffect {
        try await observed { pod in
            guard let pod else { return "pod \(target.pod) (uid \(target.podUID)) is gone" }
            guard pod.metadata.uid == target.podUID else {
                return "pod \(target.pod) has uid \(pod.metadata.uid ?? "?"), before it was \(target.podUID)"
            }
            return pod.metadata.deletionTimestamp.map { _ in terminating(pod.metadata) }
        }
    }

    /// Adds the time of the request: the deletion timestamp is the end of the grace period, which is in the future.
    private func terminating(_ pod: ObjectMeta) -> String {
        let grace = pod.deletionGracePeriodSeconds.map { ", with a grace period of \(Duration.seconds($0).text)" } ?? ""
        let request = pod.deletionRequested.map { " since the request of \($0)\(grace)" } ?? ""
        return "pod \(target.pod) (uid \(target.podUID)) is terminating\(request)"
    }

    /// Returns evidence that the target's container has ended: another ID, or a higher restart count.
    func containerRestarted() async throws -> FaultEffect {
        try await observed { pod in
            guard let pod, pod.metadata.uid == target.podUID, let status = pod.containerStatus(target.container) else { return nil }
            let ended = status.state?.terminated ?? status.lastState?.terminated
            let how = ended.map { ", last state: exit code \($0.exitCode), \($0.reason ?? "no reason")" } ?? ""
            if status.restartCount > target.restartCount {
                return "container \(target.container): restart count \(target.restartCount) → \(status.restartCount)\(how)"
            }
            if status.state?.terminated != nil {
                return "container \(target.container) has ended\(how)"
            }
            if let id = status.containerID, id != target.containerID {
                return "container \(target.container): \(target.containerID) → \(id)\(how)"
            }
            return nil
        }
    }

    /// Watches the target's pod, which is `nil` once it is gone, until `evidence` returns some or the time is over.
    private func observed(_ evidence: @escaping @Sendable (Pod?) -> String?) async throws -> FaultEffect {
        let found = try await firstResult(within: timeout) { () async throws -> String? in
            try await context.client.firstState(Pod.self, target.pod, in: target.namespace, evidence)
        }
        guard let found else {
            return FaultEffect(proven: false, evidence: ["no effect on pod \(target.namespace)/\(target.pod) within \(timeout.text)"])
        }
        return FaultEffect(proven: true, evidence: [found])
    }
}
