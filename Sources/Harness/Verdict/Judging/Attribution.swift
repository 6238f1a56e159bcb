import Journal

/// A part of the downtime, named after the event that ended it.
public struct Phase: Sendable, Hashable {
    /// The names of the phases.
    public enum Name: String, Sendable, Hashable, CaseIterable {
        /// From the last success to the fault.
        case beforeFault
        /// Up to the first failure of any track.
        case noticed
        case oldPodGone
        /// Up to the old container's end, if the pod stays.
        case oldContainerGone
        case scheduled
        case volumeAttached
        case containerStarted
        case tcpOpen
        case loginAccepted
        case databaseOnline
        case firstQuery
        case firstWrite
        /// The cluster's events in it could not be seen.
        case unobserved
        /// All outages but the longest.
        case otherOutages
        /// The rest of an outage whose end was not seen.
        case notRecovered
    }

    public var name: Name
    public var duration: Duration

    public init(name: Name, duration: Duration) {
        self.name = name
        self.duration = duration
    }
}

/// Splits the judged downtime of a repeat into consecutive phases that sum to it exactly.
struct Attribution {
    private struct Mark {
        var name: Phase.Name
        var at: RunTime
    }

    let facts: RepeatReducer
    let tracks: [TrackFindings]

    func phases(of judged: Track) -> [Phase] {
        guard let track = tracks.first(where: { $0.track == judged }), let main = longest(of: track.outages) else { return [] }
        let (from, to) = span(of: main)
        var phases = phases(from: from, to: to, main: main, judged: judged)
        let others = track.outages.reduce(Duration.zero) { $0 + length(of: $1) } - length(of: main)
        if others > .zero { phases.append(Phase(name: .otherOutages, duration: others)) }
        return phases
    }

    /// The start of the first phase.
    func begins(of judged: Track) -> RunTime? {
        tracks.first { $0.track == judged }.flatMap { longest(of: $0.outages) }.map { span(of: $0).from }
    }

    private func span(of main: Outage) -> (from: RunTime, to: RunTime) {
        let to = main.firstSuccessDone ?? main.lastFailureStarted
        return (to + (.zero - length(of: main)), to)
    }

    private func phases(from: RunTime, to: RunTime, main: Outage, judged: Track) -> [Phase] {
        var marks = clusterMarks() + probeMarks(of: judged, from: from, to: to)
        if let fault = facts.faultBegan { marks.append(Mark(name: .beforeFault, at: fault)) }
        marks = marks.filter { $0.at > from && $0.at < to }
        marks.append(Mark(name: lastName(judged, main), at: to))
        marks.sort { ($0.at, $0.name.order) < ($1.at, $1.name.order) }

        var missing = missingMarks(among: marks)
        var phases: [Phase] = []
        var position = from
        for mark in marks {
            // An unseen event must lie before the next event that depends on it.
            let hidden = missing.contains { $0.order < mark.name.order }
            missing.removeAll { $0.order < mark.name.order }
            split(position, mark, hidden: hidden, into: &phases)
            position = mark.at
        }
        return phases
    }

    private func split(_ from: RunTime, _ mark: Mark, hidden: Bool, into phases: inout [Phase]) {
        let whole = mark.at - from
        guard !hidden else { return append(.unobserved, whole, to: &phases) }
        var unseen = Duration.zero
        if mark.name.isOfCluster {
            for interval in facts.blind {
                unseen += max(.zero, min(interval.to, mark.at) - max(interval.from, from))
            }
        }
        unseen = min(unseen, whole)
        if unseen > .zero { append(.unobserved, unseen, to: &phases) }
        append(mark.name, whole - unseen, to: &phases)
    }

    private func append(_ name: Phase.Name, _ duration: Duration, to phases: inout [Phase]) {
        if let last = phases.last, last.name == name {
            phases[phases.count - 1].duration = last.duration + duration
        } else {
            phases.append(Phase(name: name, duration: duration))
        }
    }

    private func lastName(_ judged: Track, _ main: Outage) -> Phase.Name {
        guard !main.isOpen else { return .notRecovered }
        return switch judged {
        case .connect: .tcpOpen
        case .login, .session, .client: .firstQuery
        case .write: .firstWrite
        }
    }

    /// The events that a replaced pod or a restarted container implies, but that were not seen.
    private func missingMarks(among marks: [Mark]) -> [Phase.Name] {
        guard let old = facts.before?.servingPod, let new = facts.after?.servingPod else { return [] }
        var expected: [Phase.Name] = []
        if old.uid != new.uid {
            expected = [.oldPodGone, .scheduled, .containerStarted]
        } else if old.containerID != new.containerID || old.restartCount != new.restartCount {
            expected = [.containerStarted]
        }
        // An event outside the outage counts as seen.
        let seen = Set(clusterMarks().map(\.name))
        return expected.filter { !seen.contains($0) }
    }

    private func clusterMarks() -> [Mark] {
        guard let fault = facts.faultBegan else { return [] }
        let old = facts.before?.servingPod?.uid
        let new = facts.after?.servingPod?.uid
        var marks: [Phase.Name: RunTime] = [:]
        for seen in facts.observations where seen.at >= fault {
            let isOld = old != nil && seen.observation.uid == old
            let isNew = new == nil ? !isOld : seen.observation.uid == new
            switch seen.observation.kind {
            case .podGone where isOld: marks[.oldPodGone] = marks[.oldPodGone] ?? seen.at
            case .containerTerminated where isOld && old == new: marks[.oldContainerGone] = marks[.oldContainerGone] ?? seen.at
            case .podScheduled where isNew && !isOld: marks[.scheduled] = marks[.scheduled] ?? seen.at
            case .volumeAttached: marks[.volumeAttached] = marks[.volumeAttached] ?? seen.at
            // Of several starts, the last one lasted.
            case .containerStarted where isNew: marks[.containerStarted] = seen.at
            default: break
            }
        }
        return marks.map { Mark(name: $0.key, at: $0.value) }
    }

    private func probeMarks(of judged: Track, from: RunTime, to: RunTime) -> [Mark] {
        var marks: [Mark] = []
        let during = { (track: Track) in
            longest(
                of: tracks.first { $0.track == track }?.outages.filter { outage in
                    outage.firstFailureStarted <= to && (outage.firstSuccessDone.map { $0 >= from } ?? true)
                } ?? [])
        }
        if let noticed = Track.ofService.compactMap({ during($0)?.firstFailureDone }).min() {
            marks.append(Mark(name: .noticed, at: noticed))
        }
        if let open = during(.connect)?.firstSuccessDone { marks.append(Mark(name: .tcpOpen, at: open)) }
        let query = [Track.login, .session].compactMap { during($0)?.firstSuccessDone }.min()
        // An answered query proves a login, so the session track may show it before the next login probe does.
        let login = facts.loginRecoveries.recoveries.last { $0.queryAnswered > from && $0.loginAccepted < to }
        if let accepted = [login?.loginAccepted, query].compactMap({ $0 }).min() {
            marks.append(Mark(name: .loginAccepted, at: accepted))
            // The probes and the ledger use two databases, and the ledger's has more to recover.
            let written = judged == .write ? facts.writeRecoveries.refusedUntil.last { $0 > from && $0 < to } : nil
            let online = written ?? [login?.databaseOnline, query].compactMap { $0 }.min() ?? accepted
            marks.append(Mark(name: .databaseOnline, at: max(accepted, online)))
        }
        // On tracks that query, it is the end of the downtime itself.
        if judged == .connect || judged == .write, let query { marks.append(Mark(name: .firstQuery, at: query)) }
        return marks
    }

    private func longest(of outages: [Outage]) -> Outage? {
        outages.max { length(of: $0) < length(of: $1) }
    }

    /// The part of the outage that counts as downtime.
    private func length(of outage: Outage) -> Duration { outage.upper ?? outage.lower }
}

extension Phase.Name {
    /// The order in which the steps of a recovery depend on each other.
    fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    fileprivate var isOfCluster: Bool {
        switch self {
        case .oldPodGone, .oldContainerGone, .scheduled, .volumeAttached, .containerStarted: true
        case .beforeFault, .noticed, .tcpOpen, .loginAccepted, .databaseOnline, .firstQuery, .firstWrite, .unobserved, .otherOutages,
            .notRecovered:
            false
        }
    }
}
