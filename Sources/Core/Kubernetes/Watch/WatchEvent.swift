/// Something that a watch has learnt.
public struct WatchEvent<Resource: KubernetesResource>: Sendable {
    /// When its bytes arrived here. Times of faults and recoveries are measured on this clock, not on the server's.
    public var receivedAt: ContinuousClock.Instant
    public var change: Change

    /// The content of an event.
    public enum Change: Sendable {
        /// It is new, or was there when the watch began.
        case added(Resource)
        case modified(Resource)
        /// Its last state. Inferred, when it vanished while the watch could not see.
        case deleted(Resource)
        /// Everything that existed at this resource version has been told.
        case synced(resourceVersion: String)
        /// From here on nothing is known, until ``sighted(_:)``.
        case blind(BlindInterval)
        /// The API server is heard again. The changes of the interval are told right before this (after a new list) or right after it
        /// (when the server replays them), in both cases with times that are too late.
        case sighted(BlindInterval)
    }
}

/// A time in which the API server could not be watched.
public struct BlindInterval: Sendable {
    /// The last sign of life: changes from here on may have gone unseen.
    public var from: ContinuousClock.Instant
    /// When it was noticed.
    public var noticed: ContinuousClock.Instant
    /// When the server was heard again; `nil` while it is not.
    public var until: ContinuousClock.Instant?
    public var reason: KubernetesError
}
