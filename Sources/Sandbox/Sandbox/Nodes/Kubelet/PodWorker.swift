import Foundation
import JSON

/// Runs one pod on its node, from its volumes to the confirmation that nothing of it is left.
actor PodWorker {
    enum Update: Sendable {
        case changed(JSONValue)
        /// The object is gone: the pod was deleted by force.
        case gone(JSONValue)
    }

    struct Live {
        var namespace: ContainerNamespace?
        var log: ContainerLog?
        var previousLog: ContainerLog?
    }

    let services: KubeletServices
    let uid: String
    let key: ObjectKey
    var pod: JSONValue
    var records: [String: ContainerRecord] = [:]
    var live: [String: Live] = [:]
    var podIP: String?
    var isInitialized = false
    var isTerminating = false
    var startTime: JSONValue
    var mounts: [String: String] = [:]
    var mountedVolumes: [String] = []
    private let updates: AsyncStream<Update>
    private nonisolated let update: AsyncStream<Update>.Continuation
    private let changes: AsyncStream<Void>
    private nonisolated let change: AsyncStream<Void>.Continuation

    init(_ pod: JSONValue, _ services: KubeletServices) {
        self.pod = pod
        self.services = services
        uid = pod.uid
        key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
        let now = services.now
        startTime = pod[path: "status", "startTime"] ?? now
        (updates, update) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let hasInit = !(pod[path: "spec", "initContainers"]?.array ?? []).isEmpty
        for (list, statuses) in [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")] {
            for container in pod[path: "spec", list]?.array ?? [] {
                var record = ContainerRecord(container, waiting: hasInit ? "PodInitializing" : "ContainerCreating")
                record.restore(pod[path: "status", statuses]?.array?.first { $0["name"] == container["name"] }, at: now)
                records[record.name] = record
            }
        }
    }

    nonisolated func send(_ new: Update) { update.yield(new) }

    // MARK: The pod's life

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.publishChanges() }
            // A pod that was already to go when this kubelet began is not started any more.
            let running = Task { [isDoomed = pod.isBeingDeleted] in if !isDoomed { await self.bringUp() } }
            let ending = await withTaskCancellationHandler {
                await waitForEnd()
            } onCancel: {
                running.cancel()
            }
            guard !Task.isCancelled, let ending else {
                // The node has lost its power: there is nobody left to tidy up.
                running.cancel()
                await running.value
                group.cancelAll()
                return
            }
            isTerminating = true
            running.cancel()
            let hurry = Task { await self.followWhileStopping() }
            await stopContainers(grace: ending)
            hurry.cancel()
            await running.value
            group.cancelAll()
        }
        releaseAddress()
        guard !Task.isCancelled, isTerminating else { return }
        await services.online()
        guard !Task.isCancelled else { return }
        publish()
        unmount()
        _ = try? services.store.delete(key, .confirmed(uid: uid))
    }

    /// Follows the object until the pod has to go; the grace period in seconds, or `nil` when the node stops first.
    private func waitForEnd() async -> Int64? {
        if pod.isBeingDeleted { return pod[path: "metadata", "deletionGracePeriodSeconds"]?.integer ?? 30 }
        for await update in updates {
            switch update {
            case .gone:
                // Nobody waits any more; the kubelet's shortest grace period still holds.
                return 1
            case .changed(let new):
                pod = new
                if new.isBeingDeleted { return new[path: "metadata", "deletionGracePeriodSeconds"]?.integer ?? 30 }
                // Somebody else may have written the status: what the kubelet knows prevails.
                change.yield()
            }
        }
        return nil
    }

    /// A grace period can be cut short by deleting the pod once more.
    private func followWhileStopping() async {
        for await update in updates {
            let grace: Int64
            switch update {
            case .gone: grace = 1
            case .changed(let new): grace = new[path: "metadata", "deletionGracePeriodSeconds"]?.integer ?? 30
            }
            guard grace <= 1, (try? await services.time.sleep(for: .seconds(grace))) != nil else { continue }
            for entry in live.values { entry.namespace?.kill() }
        }
    }

    private func bringUp() async {
        change.yield()
        guard await mount() else { return }
        takeAddress()
        change.yield()
        for container in pod[path: "spec", "initContainers"]?.array ?? [] {
            guard await runContainer(container, isInit: true) else { return }
        }
        isInitialized = true
        change.yield()
        await withTaskGroup(of: Void.self) { group in
            for container in pod[path: "spec", "containers"]?.array ?? [] {
                group.addTask { _ = await self.runContainer(container, isInit: false) }
            }
        }
    }

    func changed() { change.yield() }

    // MARK: Status

    private func publishChanges() async {
        for await _ in changes {
            await services.online()
            guard !Task.isCancelled else { return }
            publish()
        }
    }

    func publish() {
        _ = try? services.store.modify(key, part: .status, Preconditions(uid: uid)) { [status] in status(&$0) }
    }

    private func status(_ object: inout JSONValue) {
        let now = services.now
        let names = (pod[path: "spec", "containers"]?.array ?? []).compactMap { $0["name"]?.string }
        let initNames = (pod[path: "spec", "initContainers"]?.array ?? []).compactMap { $0["name"]?.string }
        let main = names.compactMap { records[$0] }
        object[path: "status", "hostIP"] = .string(services.address)
        object[path: "status", "hostIPs"] = [["ip": .string(services.address)]]
        object[path: "status", "startTime"] = startTime
        object[path: "status", "podIP"] = podIP.map(JSONValue.string)
        object[path: "status", "podIPs"] = podIP.map { [["ip": .string($0)]] }
        object[path: "status", "containerStatuses"] = .array(main.map(\.status))
        if !initNames.isEmpty { object[path: "status", "initContainerStatuses"] = .array(initNames.compactMap { records[$0]?.status }) }
        let phase = Self.phase(
            main, policy: pod[path: "spec", "restartPolicy"]?.string ?? "Always", isInitialized, hasFailedInit(initNames))
        object[path: "status", "phase"] = .string(phase)

        let probe: JSONValue = ["lastProbeTime": nil]
        object.updateCondition("PodReadyToStartContainers", podIP == nil ? "False" : "True", nil, nil, at: now, extra: probe)
        let isOver = phase == "Succeeded"
        object.updateCondition(
            "Initialized", isInitialized ? "True" : "False", isInitialized ? (isOver ? "PodCompleted" : nil) : "ContainersNotInitialized",
            isInitialized ? nil : "containers with incomplete status: [\(initNames.joined(separator: " "))]", at: now, extra: probe)
        let unready = main.filter { !$0.isReady }.map(\.name)
        for type in ["Ready", "ContainersReady"] {
            if unready.isEmpty, phase == "Running" {
                object.updateCondition(type, "True", nil, nil, at: now, extra: probe)
            } else {
                object.updateCondition(
                    type, "False", isOver ? "PodCompleted" : "ContainersNotReady",
                    isOver ? nil : "containers with unready status: [\(unready.joined(separator: " "))]", at: now, extra: probe)
            }
        }
        object.updateCondition("PodScheduled", "True", nil, nil, at: now, extra: probe)
    }

    private func hasFailedInit(_ names: [String]) -> Bool {
        pod[path: "spec", "restartPolicy"]?.string == "Never"
            && names.contains { (records[$0]?.terminated?["exitCode"]?.integer ?? 0) != 0 }
    }

    /// `status.phase` (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase).
    private static func phase(_ containers: [ContainerRecord], policy: String, _ isInitialized: Bool, _ hasFailedInit: Bool) -> String {
        if hasFailedInit { return "Failed" }
        guard isInitialized, containers.allSatisfy({ $0.containerID != nil }) else { return "Pending" }
        guard policy != "Always", containers.allSatisfy({ $0.terminated != nil }) else { return "Running" }
        let isSuccess = containers.allSatisfy { $0.terminated?["exitCode"]?.integer == 0 }
        if !isSuccess, policy == "OnFailure" { return "Running" }
        return isSuccess ? "Succeeded" : "Failed"
    }
}

extension KubeletServices {
    var now: JSONValue { .string(StoreEnvironment.timestamp(store.environment.now())) }
}
