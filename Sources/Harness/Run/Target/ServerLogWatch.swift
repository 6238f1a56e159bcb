import Journal
import Kubernetes
import KubernetesAPI
import Synchronization

/// Records the notable lines of the server container's log, of every instance that runs during a repeat.
final class ServerLogWatch: Sendable {
    let client: KubernetesClient
    let journal: JournalWriter
    let namespace: String
    let pods: Workload.Pods
    let container: String
    private let state = Mutex(State())

    private struct State {
        var kept = 0
        var isForbidden = false
    }

    /// The most lines of one repeat: a flood of them must not fill the journal.
    private static let limit = 200
    /// The most bytes that are read from the log of an instance that has ended.
    private static let previousLimit = 4 << 20
    /// The pause before a broken stream is opened again.
    private static let pause = Duration.milliseconds(500)

    init(client: KubernetesClient, journal: JournalWriter, namespace: String, pods: Workload.Pods, container: String) {
        self.client = client
        self.journal = journal
        self.namespace = namespace
        self.pods = pods
        self.container = container
    }

    /// One instance of the container.
    private struct Instance: Hashable, Sendable {
        var pod: String
        var uid: String
        var containerID: String
    }

    /// Watches until it is cancelled.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            var known: Set<Instance> = []
            var isSynced = false
            do {
                for try await event in client.watch(Pod.self, in: .namespace(namespace), labels: pods.labels) {
                    if case .synced = event.change { isSynced = true }
                    guard let pod = event.change.pod, pods.contains(pod), let uid = pod.metadata.uid,
                        let status = pod.containerStatus(container)
                    else { continue }
                    let name = pod.metadata.name
                    if let id = status.containerID, status.state?.running != nil,
                        known.insert(Instance(pod: name, uid: uid, containerID: id)).inserted
                    {
                        let instance = Instance(pod: name, uid: uid, containerID: id)
                        let isNew = isSynced
                        group.addTask { try await self.follow(instance, fromStart: isNew) }
                    }
                    // An instance may have started and ended between two looks.
                    if isSynced, let ended = status.lastState?.terminated?.containerID,
                        known.insert(Instance(pod: name, uid: uid, containerID: ended)).inserted
                    {
                        let instance = Instance(pod: name, uid: uid, containerID: ended)
                        group.addTask { try await self.readPrevious(instance, Progress()) }
                    }
                    if !isSynced, let ended = status.lastState?.terminated?.containerID {
                        known.insert(Instance(pod: name, uid: uid, containerID: ended))
                    }
                }
            } catch let error as KubernetesError where error.code == .cancelled {
            } catch let error as KubernetesError where error.code == .forbidden {
                try forbidden(error, Instance(pod: "", uid: "", containerID: ""))
            }
            group.cancelAll()
        }
    }

    /// The reading of one instance's log, which can be interrupted and resumed.
    private struct Progress {
        var reader = ServerLogReader()
        /// The kubelet's time stamp of the last line.
        var last: String?
        /// Lines from that second on may be repeated.
        var seen: Set<String> = []
    }

    /// - Parameter fromStart: `false` skips the lines from before.
    private func follow(_ instance: Instance, fromStart: Bool) async throws {
        var progress = Progress()
        try append(.followed, instance, "the log of container \(container)", at: journal.clock.now)
        while !Task.isCancelled {
            do {
                let options = LogOptions(
                    container: container, tailLines: progress.last == nil && !fromStart ? 0 : nil, timestamps: true,
                    sinceTime: progress.last)
                for try await line in client.followLogs(pod: instance.pod, in: namespace, options) {
                    try take(line.text, of: instance, at: journal.clock.time(of: line.receivedAt), &progress)
                }
            } catch let error as KubernetesError {
                if error.code == .cancelled { return }
                if error.code == .forbidden { return try forbidden(error, instance) }
            }
            guard !Task.isCancelled else { return }
            switch await whereabouts(instance) {
            case .running, .unknown: break
            case .ended: return try await readPrevious(instance, progress)
            case .gone: return
            }
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
        }
    }

    private enum Whereabouts {
        case running, ended, gone, unknown
    }

    private func whereabouts(_ instance: Instance) async -> Whereabouts {
        do throws(KubernetesError) {
            guard let pod = try await client.find(Pod.self, instance.pod, in: namespace), pod.metadata.uid == instance.uid,
                let status = pod.containerStatus(container)
            else { return .gone }
            if status.lastState?.terminated?.containerID == instance.containerID { return .ended }
            guard status.containerID == instance.containerID else { return .gone }
            // The request that follows the log reads it until another instance replaces this one.
            return status.state?.terminated != nil && pod.spec.restartPolicy == "Never" ? .gone : .running
        } catch {
            return .unknown
        }
    }

    /// Reads the lines that the instance wrote after its stream broke.
    private func readPrevious(_ instance: Instance, _ progress: Progress) async throws {
        var progress = progress
        do throws(KubernetesError) {
            let options = LogOptions(
                container: container, previous: true, timestamps: true, limitBytes: Self.previousLimit, sinceTime: progress.last)
            let text = try await client.logs(pod: instance.pod, in: namespace, options)
            let now = journal.clock.now
            for line in text.split(separator: "\n") {
                do { try take(String(line.prefix(4096)), of: instance, at: now, &progress) } catch { return }
            }
        } catch {
            if error.code == .forbidden { try forbidden(error, instance) }
        }
    }

    private func take(_ line: String, of instance: Instance, at time: RunTime, _ progress: inout Progress) throws {
        guard progress.seen.insert(line).inserted else { return }
        let parts = line.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return }
        let stamp = String(parts[0])
        // Lines that cannot be repeated need not be remembered.
        if stamp.prefix(19) != progress.last?.prefix(19) { progress.seen = [line] }
        progress.last = stamp
        guard let found = progress.reader.take(String(parts[1])) else { return }
        let count = state.withLock { state in
            state.kept += 1
            return state.kept
        }
        if count == Self.limit + 1 {
            return try append(.truncated, instance, "more than \(Self.limit) notable lines: the rest is left out", at: time)
        }
        guard count <= Self.limit else { return }
        try append(found.kind, instance, found.text, at: time, number: found.number, serverTime: stamp)
    }

    private func forbidden(_ error: KubernetesError, _ instance: Instance) throws {
        let isFirst = state.withLock { state in
            defer { state.isForbidden = true }
            return !state.isForbidden
        }
        if isFirst { try append(.unreadable, instance, error.message, at: journal.clock.now) }
    }

    private func append(
        _ kind: ServerLogEntry.Kind, _ instance: Instance, _ text: String, at time: RunTime, number: Int? = nil, serverTime: String? = nil
    ) throws {
        try journal.append(
            .serverLog(
                ServerLogEntry(
                    kind: kind, pod: instance.pod, uid: instance.uid,
                    containerID: instance.containerID.isEmpty ? nil : instance.containerID, number: number, text: text,
                    serverTime: serverTime)), at: time)
    }
}

extension WatchEvent<Pod>.Change {
    fileprivate var pod: Pod? {
        switch self {
        case .added(let pod), .modified(let pod), .deleted(let pod): pod
        case .synced, .blind, .sighted: nil
        }
    }
}
