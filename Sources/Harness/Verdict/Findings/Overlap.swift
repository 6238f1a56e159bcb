public import Journal

/// A new server that was ready before the cluster showed the end of the old one: both mount the same claim.
public struct Overlap: Sendable, Hashable {
    public var old: String
    public var new: String
    public var claim: String
    /// When the new pod was seen to be ready.
    public var began: RunTime
    /// When the end of the old one was seen; `nil`: it was not.
    public var ended: RunTime?

    public var sentence: String {
        let span = ended.map { "for \(($0 - began).textRoundedUp)" } ?? "until the watch ended"
        return "\(new) served while \(old) was not known to have ended, \(span): "
            + "two servers may have had the claim \(claim) open at the same time"
    }
}

extension Overlap {
    /// `nil`: the old server was seen to end first, or there was no new one.
    init?(_ facts: RepeatReducer) {
        guard let old = facts.before?.servingPod, let claim = facts.before?.volumes.first?.claim else { return nil }
        let since = facts.faultBegan ?? facts.started
        func first(_ kinds: Set<ClusterObservation.Kind>, _ isMeant: (ClusterObservation) -> Bool) -> RepeatFindings.TimedObservation? {
            facts.observations.first { $0.at >= since && kinds.contains($0.observation.kind) && isMeant($0.observation) }
        }
        guard let ready = first([.podReady], { $0.uid != nil && $0.uid != old.uid && $0.object.hasPrefix("pod/") }) else { return nil }
        let end = first([.podGone, .containerTerminated]) { $0.uid == old.uid }
        guard end.map({ $0.at > ready.at }) ?? true else { return nil }
        self.init(
            old: old.name, new: ready.observation.object.replacing("pod/", with: ""), claim: claim, began: ready.at, ended: end?.at)
    }
}
