import Journal
import Kubernetes

/// Turns the states of pods from a watch into the changes that delimit the phases of a downtime.
struct PodTracker {
    private static let backOff = "CrashLoopBackOff"

    private var known: [String: Pod] = [:]
    /// Objects that existed before the watch are no change.
    private var isSynced = false

    mutating func take(_ change: WatchEvent<Pod>.Change) -> [ClusterObservation] {
        switch change {
        case .added(let pod), .modified(let pod):
            guard let uid = pod.metadata.uid else { return [] }
            let before = known.updateValue(pod, forKey: uid)
            return isSynced || before != nil ? changes(from: before, to: pod, uid) : []
        case .deleted(let pod):
            guard let uid = pod.metadata.uid, let before = known.removeValue(forKey: uid) else { return [] }
            // The deletion carries the pod's last state, which may be the first to show how its containers ended.
            return exits(from: before, to: pod, uid) + [observation(.podGone, pod, uid)]
        case .synced:
            isSynced = true
            return []
        case .blind, .sighted:
            return []
        }
    }

    private func changes(from before: Pod?, to pod: Pod, _ uid: String) -> [ClusterObservation] {
        var found: [ClusterObservation] = []
        if before == nil {
            found.append(observation(.podCreated, pod, uid, time: pod.metadata.creationTimestamp))
        }
        if before?.spec.nodeName == nil, let node = pod.spec.nodeName {
            found.append(observation(.podScheduled, pod, uid, "to node \(node)"))
        }
        if before?.metadata.deletionTimestamp == nil, pod.metadata.deletionTimestamp != nil {
            var terminating = observation(.podTerminating, pod, uid, time: pod.metadata.deletionRequested)
            terminating.gracePeriod = pod.metadata.deletionGracePeriodSeconds
            found.append(terminating)
        }
        found += exits(from: before, to: pod, uid)
        for status in pod.status?.containerStatuses ?? [] {
            let earlier = before?.containerStatus(status.name)
            if let waiting = status.state?.waiting, waiting.reason == Self.backOff, earlier?.state?.waiting?.reason != Self.backOff {
                found.append(observation(.crashLoopBackOff, pod, uid, waiting.message))
            }
            if let running = status.state?.running, earlier?.state?.running == nil || earlier?.containerID != status.containerID {
                found.append(observation(.containerStarted, pod, uid, status.name, time: running.startedAt))
            }
        }
        if before?.isReady != true, pod.isReady { found.append(observation(.podReady, pod, uid)) }
        if before?.isReady == true, !pod.isReady { found.append(observation(.podNotReady, pod, uid)) }
        return found
    }

    /// The containers that have ended since `before`.
    private func exits(from before: Pod?, to pod: Pod, _ uid: String) -> [ClusterObservation] {
        (pod.status?.containerStatuses ?? []).compactMap { status in
            let earlier = before?.containerStatus(status.name)
            guard let ended = status.state?.terminated ?? status.lastState?.terminated,
                ended.containerID != (earlier?.state?.terminated ?? earlier?.lastState?.terminated)?.containerID
                    || (earlier?.restartCount ?? 0) < status.restartCount
            else { return nil }
            var exit = observation(
                .containerTerminated, pod, uid, "\(status.name): exit code \(ended.exitCode), \(ended.reason ?? "no reason")",
                time: ended.finishedAt)
            exit.exit = ContainerExit(
                container: status.name, containerID: ended.containerID, code: ended.exitCode, reason: ended.reason)
            return exit
        }
    }

    private func observation(
        _ kind: ClusterObservation.Kind, _ pod: Pod, _ uid: String, _ detail: String? = nil, time: KubernetesTime? = nil
    ) -> ClusterObservation {
        ClusterObservation(
            kind: kind, object: "pod/\(pod.metadata.name)", uid: uid, node: pod.spec.nodeName, detail: detail, serverTime: time?.description
        )
    }
}
