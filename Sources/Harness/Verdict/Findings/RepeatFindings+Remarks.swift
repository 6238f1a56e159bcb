import Journal

extension RepeatFindings {
    /// The facts that a reader needs before he compares this repeat with another. Nothing is judged by them.
    public var remarks: [String] {
        var remarks: [String] = []
        if let wait = observations.first(where: { $0.at >= (faultBegan ?? started) && $0.observation.kind == .crashLoopBackOff }) {
            let message = wait.observation.detail.map { ", \($0)" } ?? ""
            remarks.append(
                "the kubelet held the restart back (CrashLoopBackOff\(message)): the downtime contains a wait that grows with each restart")
        }
        if let stop { remarks.append(stop) }
        if let remedied { remarks.append(remedied) }
        if let clientBehind { remarks.append(clientBehind) }
        if let split { remarks.append(split.sentence) }
        let unreached = views.filter { !$0.isReached }
        if !unreached.isEmpty, unreached.count < views.count {
            let names = unreached.map { "\($0.view.name)\($0.address.map { " \($0)" } ?? "") (\($0.detail ?? "not reached"))" }
            remarks.append("not asked from here: \(names.joined(separator: "; "))")
        }
        if let readyNotServedSentence { remarks.append(readyNotServedSentence) }
        remarks += idle?.sentences ?? []
        if let overlap { remarks.append(overlap.sentence) }
        remarks += recoveries.map(\.sentence)
        if let start { remarks.append(start) }
        if let recovery, !recoveries.isEmpty || recovery.time.lower > .zero { remarks.append(recovery.sentence) }
        for interval in blind {
            remarks.append("the cluster could not be watched for \((interval.to - interval.from).textRoundedUp): \(interval.reason)")
        }
        if !isChained { remarks.append("the journal has no checksums, as earlier versions wrote it: damage may go unnoticed") }
        return remarks
    }

    /// Says how much longer the experiment's own client was dead than the service.
    private var clientBehind: String? {
        guard let client = track(.client), client.downtime.count > 0, let fault = faultBegan else { return nil }
        let service = serviceTracks.flatMap(\.outages)
        guard let last = client.outages.last, !service.contains(where: \.isOpen) else { return nil }
        let back = service.compactMap(\.firstSuccessDone).max() ?? fault
        // Until the last failure that was surely one, until the first success.
        let least = max(.zero, (last.certain?.upperBound ?? last.lastFailureStarted) - back)
        guard least > .zero || last.isOpen else { return nil }
        let served = "the service was back \(max(.zero, back - fault).textRoundedUp) after the fault"
        guard let end = last.firstSuccessDone else {
            return "\(served); its client was still dead when the run ended, at least \(least.textRoundedDown) later"
        }
        return "\(served); its client only \((end - fault).textRoundedUp) after it: "
            + "it stayed dead for at least \(least.textRoundedDown) more, with the server back"
    }

    /// Says how long the service was stuck without the experiment's remedy, and how long it took with it.
    public var remedied: String? {
        guard let fault = faultBegan, let remedy = observations.first(where: { $0.at >= fault && $0.observation.kind == .remedy }) else {
            return nil
        }
        let what = remedy.observation.detail ?? "a remedy"
        let stuck = "stuck for \((remedy.at - fault).textRoundedDown) without a remedy"
        // As long as a track is out, the service is not back.
        guard how != .gaveUp, let back = serviceTracks.compactMap({ $0.outages.last?.firstSuccessDone }).max(), back > remedy.at else {
            return "\(stuck); then: \(what); not served again until it was given up"
        }
        return "\(stuck); \((back - remedy.at).textRoundedUp) with it: \(what)"
    }

    /// Says how long the server took from the start of its container, as it was measured here, to stand beside its own words.
    private var start: String? {
        guard !recoveries.isEmpty else { return nil }
        let own: Set<Phase.Name> = [.tcpOpen, .loginAccepted, .databaseOnline, .firstQuery, .firstWrite]
        let parts = phases.filter { own.contains($0.name) && $0.duration > .zero }
        guard !parts.isEmpty else { return nil }
        let total = parts.reduce(Duration.zero) { $0 + $1.duration }
        let listed = parts.map { "\($0.name.rawValue) \($0.duration.textRoundedUp)" }.joined(separator: ", ")
        return "measured from outside, the server's start and recovery are \(total.textRoundedUp) of the downtime (\(listed))"
    }

    /// Says how much of the downtime was the wait for a server that did not stop by itself.
    public var stop: String? {
        guard let shutdown, shutdown.isClean == false, let ended = shutdown.ended else { return nil }
        let outages = judgedTrack.flatMap { track($0) }?.outages ?? []
        let shared = outages.reduce(Duration.zero) { sum, outage in
            sum + max(.zero, min(outage.firstSuccessDone ?? ended, ended) - max(outage.firstFailureStarted, shutdown.told))
        }
        return "\(shutdown.sentence); \(shared.textRoundedDown) of the downtime are that wait"
    }
}
