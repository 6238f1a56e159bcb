import Foundation
import Journal
import Kubernetes

/// The reason why a workload has no ready pod, from its pods and the cluster's events about them.
struct Obstacle: Sendable {
    let client: KubernetesClient
    let namespace: String
    let workload: Workload

    /// Returns one sentence without a full stop; `nil` if no reason is known.
    ///
    /// The sentence is only added to a message, so that objects which cannot be read are left out.
    func sentence() async -> String? {
        guard let all = try? await client.list(Pod.self, in: .namespace(namespace), labels: workload.pods.labels).items else { return nil }
        let pods = all.filter { workload.pods.contains($0) }
        let events = (try? await client.list(ClusterEvent.self, in: .namespace(namespace)).items) ?? []
        let sentence = Self.sentence(pods: pods, events: events, workload: workload.lockName)
        return sentence.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
    }

    /// The reasons of events about pods that are not created or do not start.
    private static let reasons: Set<String> = [
        "FailedCreate", "FailedScheduling", "FailedAttachVolume", "FailedMount", "FailedMapVolume", "FailedCreatePodSandBox",
        "FailedBinding", "ProvisioningFailed", "NodeAffinity", "Failed",
    ]

    static func sentence(pods: [Pod], events: [ClusterEvent], workload: String) -> String? {
        let pods = pods.sorted {
            ($0.metadata.creationTimestamp?.date ?? .distantPast) > ($1.metadata.creationTimestamp?.date ?? .distantPast)
        }
        for pod in pods where pod.metadata.deletionTimestamp == nil {
            if let obstacle = pod.obstacle { return obstacle }
            guard !pod.isReady else { continue }
            if let event = last(of: events, where: { $0.involvedObject.uid == pod.metadata.uid }) {
                return "pod \(pod.metadata.name): \(event)"
            }
            if let unready = pod.unreadyContainer { return unready }
        }
        if let pod = pods.first(where: { $0.metadata.deletionTimestamp != nil }) {
            let finalizers = pod.metadata.finalizers.isEmpty ? "" : ", held by \(pod.metadata.finalizers.joined(separator: ", "))"
            return "the old pod \(pod.metadata.name) on node \(pod.spec.nodeName ?? "?") is still terminating\(finalizers)"
        }
        guard pods.allSatisfy(\.isReady) else { return nil }
        return last(of: events) { event in
            event.involvedObject.kind != Pod.kind
                && (event.involvedObject.name == workload || event.involvedObject.name?.hasPrefix("\(workload)-") == true)
        }
    }

    private static func last(of events: [ClusterEvent], where isMeant: (ClusterEvent) -> Bool) -> String? {
        let told = events.filter { isMeant($0) && reasons.contains($0.reason ?? "") }
        func time(_ event: ClusterEvent) -> KubernetesTime? { event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp }
        let last = told.max { (time($0)?.date ?? .distantPast) < (time($1)?.date ?? .distantPast) }
        return last.map { "\($0.reason ?? ""): \($0.message ?? "")" }
    }
}

extension Pod {
    /// The reason in the pod's own status why it is not ready; `nil` if the status has none.
    var obstacle: String? {
        let name = metadata.name
        if let scheduled = status?.conditions?["PodScheduled"], scheduled.status == "False" {
            return "pod \(name) cannot be scheduled: \(scheduled.message ?? scheduled.reason ?? "no reason given")"
        }
        if status?.phase == "Failed" {
            return "pod \(name) failed: \([status?.reason, status?.message].compactMap(\.self).joined(separator: ": "))"
        }
        for container in (status?.initContainerStatuses ?? []) + (status?.containerStatuses ?? []) {
            let before = (container.state?.terminated ?? container.lastState?.terminated).map {
                "exit code \($0.exitCode)\($0.reason.map { ", \($0)" } ?? "")"
            }
            if let waiting = container.state?.waiting, let reason = waiting.reason, !Self.usualWaits.contains(reason) {
                let ended = before.map { " (it ended with \($0))" } ?? ""
                return "container \(container.name) of pod \(name): \(reason)\(ended)\(waiting.message.map { ": \($0)" } ?? "")"
            }
            if container.state?.terminated?.exitCode ?? 0 != 0, let before {
                return "container \(container.name) of pod \(name) ended with \(before)"
            }
            if let before, container.isStartedAgainAndAgain {
                return
                    "container \(container.name) of pod \(name) ends again and again (\(counted(container.restartCount, "restart")), the last after \(before))"
            }
        }
        return nil
    }

    /// The sentence about a container that runs and is not ready.
    var unreadyContainer: String? {
        let unready = (status?.containerStatuses ?? []).first { !$0.ready && $0.state?.running != nil }
        return unready.map { container in
            let restarts = container.restartCount > 0 ? " after \(counted(container.restartCount, "restart"))" : ""
            return "container \(container.name) of pod \(metadata.name) runs\(restarts), but is not ready"
        }
    }

    private static let usualWaits: Set<String> = ["ContainerCreating", "PodInitializing"]
}

extension ContainerStatus {
    /// Between two failures, a container without a readiness probe is ready for as long as it runs.
    fileprivate var isStartedAgainAndAgain: Bool {
        guard restartCount > 1, lastState?.terminated?.exitCode ?? 0 != 0, let ended = lastState?.terminated else { return false }
        guard let began = ended.startedAt?.date, let end = ended.finishedAt?.date else { return false }
        return end.timeIntervalSince(began) < 10
    }
}
