public import Journal

/// The service as it was seen from a place beside the judged address.
public struct ViewFindings: Sendable {
    public var view: VantagePoint
    /// The first address that was asked; `nil`: there was none.
    public var address: String?
    public var isReached: Bool
    /// Why it was not asked from there.
    public var detail: String?
    /// `connect` and `login`.
    public var tracks: [TrackFindings]
    /// When a login succeeded again after a time in which there was no address to ask, if there was one.
    public var answeredAfterGap: RunTime?

    public func track(_ track: Track) -> TrackFindings? { tracks.first { $0.track == track } }
}

/// A length of time by its bounds.
public struct DurationBounds: Sendable, Hashable {
    public var lower: Duration
    /// `nil`: its end was not seen.
    public var upper: Duration?

    public init(lower: Duration, upper: Duration?) {
        self.lower = lower
        self.upper = upper
    }
}

/// The time from the fault until logins succeeded for good, seen from several places, and what lies between these.
public struct DowntimeSplit: Sendable, Hashable {
    /// At the serving pod's own address: the server's part.
    public var server: DurationBounds
    /// At the cluster IP: with kube-proxy's part.
    public var clusterIP: DurationBounds?
    /// At the judged address.
    public var service: DurationBounds

    /// The time that the network took after the server was back.
    public var network: DurationBounds { service - server }
    public var kubeProxy: DurationBounds? { clusterIP.map { $0 - server } }
    /// `nil` where the judged address is the cluster IP.
    public var loadBalancer: DurationBounds?

    public var sentence: String {
        var parts: [String] = []
        if let kubeProxy { parts.append("kube-proxy \(kubeProxy.text)") }
        if let loadBalancer { parts.append("load balancer \(loadBalancer.text)") }
        let split = parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
        return "after the fault the server answered at the pod's address after \(server.text), at the Service after \(service.text): "
            + "\(network.text) of it is the network's\(split)"
    }
}

extension DurationBounds {
    /// The difference of two ends; never below zero.
    static func - (end: DurationBounds, start: DurationBounds) -> DurationBounds {
        DurationBounds(
            lower: start.upper.map { max(.zero, end.lower - $0) } ?? .zero,
            upper: end.upper.map { max(.zero, $0 - start.lower) })
    }

    public var text: String { upper.map { "\(lower.textRoundedDown) to \($0.textRoundedUp)" } ?? "at least \(lower.textRoundedDown)" }
}

extension DowntimeSplit {
    /// `nil`: the pod's own address was not asked, or nothing was out after the fault.
    init?(_ facts: RepeatReducer, views: [ViewFindings], logins: TrackFindings?) {
        guard let fault = facts.faultBegan, let logins, logins.outages.contains(where: { ($0.firstSuccessDone ?? fault) >= fault }),
            let pod = views.first(where: { $0.view == .pod }), let podLogins = pod.track(.login), podLogins.results > 0
        else { return nil }
        server = DurationBounds(fault, podLogins, gap: pod.answeredAfterGap)
        service = DurationBounds(fault, logins)
        let cluster = views.first { $0.view == .clusterIP }?.track(.login)
        if let cluster, cluster.results > 0 {
            let seen = DurationBounds(fault, cluster)
            clusterIP = seen
            loadBalancer = service - seen
        } else if let before = facts.before, before.address.hasPrefix(before.service.clusterIP) {
            clusterIP = service
        }
    }
}

extension DurationBounds {
    /// From the fault to the end of the last outage of a track; of one that was not out, what may have been overlooked.
    ///
    /// - Parameter gap: when it answered after a time in which there was nobody to ask: not an outage that was seen, and no service either.
    fileprivate init(_ fault: RunTime, _ track: TrackFindings, gap: RunTime? = nil) {
        let last = track.outages.last { $0.firstSuccessDone.map { $0 >= fault } ?? true }
        let least = last.map { ($0.certain?.upperBound ?? fault) - fault } ?? .zero
        let ends = [last?.firstSuccessDone, gap].compactMap { $0 }.map { $0 - fault }
        lower = max(.zero, least)
        upper = last?.isOpen == true ? nil : ends.max() ?? track.resolution
    }
}

extension VantagePoint {
    /// For people.
    public var name: String {
        switch self {
        case .clusterIP: "cluster IP"
        case .pod: "pod address"
        case .dns: "DNS name"
        }
    }
}
