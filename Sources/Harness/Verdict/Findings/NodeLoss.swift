public import Journal
import KubernetesAPI

/// The fate of the instance's old pod and its volume after the loss of their node. Reports show it; no check judges it.
///
/// A volume for one node at a time stays attached to a lost node as long as the old pod's object exists. The new pod may have to wait
/// until somebody removes that object or marks the node as out of service.
///
/// Source: https://kubernetes.io/docs/concepts/cluster-administration/node-shutdown/#non-graceful-node-shutdown
public struct NodeLoss: Sendable, Hashable {
    /// The state of the old pod's object.
    public enum OldPod: String, Sendable {
        /// Nothing has deleted it.
        case there
        case terminating, gone
    }

    /// An event about a volume that is still attached to another node.
    public struct MultiAttach: Sendable, Hashable {
        /// The time since the fault.
        public var after: Duration
        public var message: String
    }

    /// The instance's node at the fault.
    public var node: String
    /// `True`, `False` or `Unknown`; `nil` if not seen. Like the other values, it is missing if the cluster did not allow to read it.
    public var ready: String?
    /// The taints as `key:effect`, at the recovery or its timeout, before anything was restored.
    public var taints: [String]?
    /// The time for which the pod tolerates a lost node, by taint.
    public var tolerationSeconds: [String: Int]
    public var oldPodName: String
    public var oldPod: OldPod
    /// The time from the fault to the deletion of the old pod; `nil` if not seen.
    public var oldPodDeletedAfter: Duration?
    /// The time from the fault to the end of the old pod's object; `nil` if not seen.
    public var oldPodGoneAfter: Duration?
    public var attachments: [Snapshot.Attachment]?
    public var multiAttach: [MultiAttach]

    public var isOutOfService: Bool? {
        taints.map { $0.contains { $0.hasPrefix(TaintKey.outOfService + ":") } }
    }

    /// Is `true` if the node still has the volume, so that no other one may use it.
    public var holdsVolume: Bool { (attachments ?? []).contains { $0.node == node && $0.attached } }

    init?(_ facts: RepeatReducer) {
        guard let fault = facts.faultBegan, let faulted = facts.faulted, let old = facts.before?.servingPod else { return nil }
        func moment(_ kind: ClusterObservation.Kind) -> Duration? {
            facts.observations.first { $0.at >= fault && $0.observation.kind == kind && $0.observation.uid == old.uid }.map {
                $0.at - fault
            }
        }
        node = old.node
        let state = faulted.nodes?.first { $0.name == old.node }
        ready = state?.ready
        taints = state?.taints
        tolerationSeconds = old.tolerationSeconds ?? [:]
        oldPodName = old.name
        oldPod = faulted.pods.first { $0.uid == old.uid }.map { $0.terminating ? .terminating : .there } ?? .gone
        oldPodDeletedAfter = moment(.podTerminating)
        oldPodGoneAfter = moment(.podGone)
        attachments = faulted.attachments
        multiAttach = facts.observations.filter { $0.at >= fault && $0.observation.kind == .event }.compactMap { seen in
            guard let message = seen.observation.detail, message.contains("Multi-Attach error") else { return nil }
            return MultiAttach(after: seen.at - fault, message: message)
        }
    }

    /// The fate in sentences, one fact each.
    public var sentences: [String] {
        var sentences: [String] = []
        if let ready, let taints {
            sentences.append(
                "node \(node) was Ready=\(ready), \(taints.isEmpty ? "without taints" : "with the taints \(taints.joined(separator: ", "))")"
            )
        }
        for (taint, seconds) in tolerationSeconds.sorted(by: { $0.key < $1.key }) {
            sentences.append("the pod tolerates \(taint) for \(seconds) s: so long a lost node keeps it")
        }
        sentences.append(oldPodSentence)
        sentences += volumeSentences
        return sentences
    }

    private var oldPodSentence: String {
        let deleted = oldPodDeletedAfter.map { "was deleted \($0.textRoundedUp) after the fault" }
        switch oldPod {
        case .there: return "the old pod \(oldPodName) was still there: nothing had deleted it"
        case .terminating: return "the old pod \(oldPodName) \(deleted ?? "was deleted"), and still Terminating when this was seen"
        case .gone:
            let gone = oldPodGoneAfter.map { "gone \($0.textRoundedUp) after the fault" } ?? "gone when this was seen"
            return "the old pod \(oldPodName) \(deleted.map { "\($0) and " } ?? "was ")\(gone)"
        }
    }

    private var volumeSentences: [String] {
        guard let attachments else { return ["which node the volume was attached to could not be read"] }
        guard !attachments.isEmpty || !multiAttach.isEmpty else {
            return ["the volume has no VolumeAttachment: its storage is not attached to nodes, and any node could use it immediately"]
        }
        var sentences = attachments.map { "volume \($0.volume) was \($0.attached ? "" : "not yet ")attached to node \($0.node)" }
        if let first = multiAttach.first {
            sentences.append("\(first.after.textRoundedUp) after the fault: \(first.message)")
        }
        if holdsVolume, oldPod != .gone {
            sentences.append(
                isOutOfService == true
                    ? "the node carried the taint \(TaintKey.outOfService), which makes Kubernetes release the pod and the volume"
                    : "the volume is not given to another node before the old pod's object is gone: the node comes back, somebody removes the "
                        + "object, or taints the node \(TaintKey.outOfService)=nodeshutdown:NoExecute; nobody did")
        }
        return sentences
    }
}
