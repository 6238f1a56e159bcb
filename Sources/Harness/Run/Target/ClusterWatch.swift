import Journal
import Kubernetes
import KubernetesAPI
import Probe

/// Records the events in the cluster around the target during a repeat. They give context and phases, never the downtime itself.
struct ClusterWatch: Sendable {
    let client: KubernetesClient
    let journal: JournalWriter
    let namespace: String
    let pods: Workload.Pods
    let service: String
    /// The name of the Service's probed port; empty if it has none.
    let port: String
    /// The serving pod's own address and its port, which are kept up to date for the probes there.
    let podAddress: (address: PodAddress, port: Int)?
    private let heartbeat = ServerHeartbeat()

    /// Watches until it is cancelled. Skips a resource that may not be watched, and says so in the journal.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await followPods() }
            group.addTask { try await endpoints() }
            group.addTask { try await nodes() }
            group.addTask { try await volumes() }
            group.addTask { try await events() }
            group.addTask { try await heartbeat.run(client, journal) }
            try await group.waitForAll()
        }
    }

    private func followPods() async throws {
        var tracker = PodTracker()
        var serving = ServingPod()
        try await follow(Pod.self, in: .namespace(namespace), labels: pods.labels) { change in
            if let pod = change.object, !pods.contains(pod) { return [] }
            serving.take(change)
            if let podAddress, serving.isSynced, podAddress.address.update(serving.address) {
                try journal.append(
                    .vantage(VantageSeen(view: .pod, address: serving.address, port: podAddress.port, isReached: true)))
            }
            return tracker.take(change)
        }
    }

    private func endpoints() async throws {
        var ready: Set<String>?
        var several: [String] = []
        var slices: [String: EndpointSlice] = [:]
        try await follow(EndpointSlice.self, in: .namespace(namespace), labels: "\(LabelKey.serviceName)=\(service)") { change in
            switch change {
            case .added(let slice), .modified(let slice): slices[slice.metadata.name] = slice
            case .deleted(let slice): slices[slice.metadata.name] = nil
            case .synced, .blind, .sighted: break
            }
            let backends = Backend.all(slices.values, port: port).filter(\.isReady)
            let now = Set(backends.flatMap(\.addresses))
            let names = backends.map(\.name)
            defer {
                ready = now
                several = names
            }
            let ambiguity =
                names.count > 1 && names != several
                ? [ClusterObservation(kind: .severalBackends, object: "service/\(service)", detail: names.joined(separator: ", "))] : []
            guard let before = ready else { return ambiguity }
            return ambiguity
                + before.subtracting(now).sorted().map {
                    ClusterObservation(kind: .endpointGone, object: "service/\(service)", detail: $0)
                }
                + now.subtracting(before).sorted().map {
                    ClusterObservation(kind: .endpointReady, object: "service/\(service)", detail: $0)
                }
        }
    }

    private func nodes() async throws {
        var known: [String: (ready: Bool, cordoned: Bool)] = [:]
        try await follow(Node.self, in: .all) { change in
            guard case .added(let node) = change.state, let name = Optional(node.metadata.name) else { return [] }
            let before = known.updateValue((node.isReady, node.isCordoned), forKey: name)
            guard let before else { return [] }
            var found: [ClusterObservation] = []
            func note(_ kind: ClusterObservation.Kind, _ detail: String?) {
                found.append(ClusterObservation(kind: kind, object: "node/\(name)", uid: node.metadata.uid, node: name, detail: detail))
            }
            if before.ready != node.isReady { note(node.isReady ? .nodeReady : .nodeNotReady, "Ready=\(node.readiness)") }
            if before.cordoned != node.isCordoned { note(node.isCordoned ? .nodeUnschedulable : .nodeSchedulable, nil) }
            return found
        }
    }

    private func volumes() async throws {
        var attached: [String: Bool] = [:]
        try await follow(VolumeAttachment.self, in: .all) { change in
            func note(_ kind: ClusterObservation.Kind, _ attachment: VolumeAttachment) -> [ClusterObservation] {
                [
                    ClusterObservation(
                        kind: kind, object: "volume/\(attachment.spec.source.persistentVolumeName ?? "")", uid: attachment.metadata.uid,
                        node: attachment.spec.nodeName)
                ]
            }
            switch change.state {
            case .added(let attachment):
                let isAttached = attachment.status?.attached ?? false
                let before = attached.updateValue(isAttached, forKey: attachment.metadata.uid ?? attachment.metadata.name)
                return isAttached && before != true ? note(.volumeAttached, attachment) : []
            case .deleted(let attachment):
                attached[attachment.metadata.uid ?? attachment.metadata.name] = nil
                return note(.volumeDetached, attachment)
            case .modified, .synced, .blind, .sighted:
                return []
            }
        }
    }

    /// Events from before the watch are not recorded.
    private func events() async throws {
        var isSynced = false
        try await follow(ClusterEvent.self, in: .namespace(namespace)) { change in
            if case .synced = change { isSynced = true }
            guard isSynced, case .added(let event) = change.state, let involved = event.involvedObject.name else { return [] }
            return [
                ClusterObservation(
                    kind: .event, object: "\((event.involvedObject.kind ?? "object").lowercased())/\(involved)",
                    uid: event.involvedObject.uid,
                    detail: "\(event.reason ?? ""): \(event.message ?? "")",
                    serverTime: (event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp)?.description)
            ]
        }
    }

    /// Appends the observations that `changes` makes of each event, with the time at which its bytes arrived.
    private func follow<Resource: KubernetesResource>(
        _ type: Resource.Type, in scope: NamespaceScope, labels: String? = nil,
        _ changes: (WatchEvent<Resource>.Change) throws -> [ClusterObservation]
    ) async throws {
        do {
            for try await event in client.watch(type, in: scope, labels: labels) {
                let time = journal.clock.time(of: event.receivedAt)
                for observation in try changes(event.change) { try journal.append(.observation(observation), at: time) }
                if case .sighted(let interval) = event.change {
                    let from = journal.clock.time(of: heartbeat.lastAnswer(before: interval, at: event.receivedAt))
                    try journal.append(
                        .blind(BlindInterval(from: from, to: time, reason: "\(Resource.plural): \(interval.reason.message)")), at: time)
                }
            }
        } catch let error as KubernetesError where error.code == .cancelled {
            return
        } catch let error as KubernetesError where error.code == .forbidden || error.code == .notFound {
            try journal.append(
                .observation(ClusterObservation(kind: .event, object: "watch/\(Resource.plural)", detail: "not watched: \(error.message)")))
        }
    }
}

extension WatchEvent.Change {
    /// The object of the change, if it has one.
    fileprivate var object: Resource? {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object
        case .synced, .blind, .sighted: nil
        }
    }

    /// New and changed objects, both as `added`.
    fileprivate var state: Self {
        if case .modified(let object) = self { return .added(object) }
        return self
    }
}
