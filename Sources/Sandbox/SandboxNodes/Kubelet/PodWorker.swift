import Foundation
package import JSON
import SandboxStore

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
    /// The namespaces of containers that share their processes.
    var podNamespace: NodeNamespace?
    var isInitialized = false
    /// When what still runs of the pod is killed; set once the pod is to end, from when on nothing is started again.
    var stopDeadline: Duration?
    /// Sidecars that have started, or need not be waited for.
    var sidecars: [String: Gate] = [:]
    /// Is `true` when the containers proper have ended for good: sidecars are not kept running any longer.
    var isWorkDone = false
    var startTime: JSONValue
    var mounts: [String: VolumeSource] = [:]
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
                record.restore(
                    pod[path: "status", statuses]?.array?.first { $0["name"] == container["name"] }, at: now,
                    isRestarted: !pod.isBeingDeleted)
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
            await services.agent.pass()
            let deadline = services.time.now + .seconds(max(ending, 0))
            stopDeadline = deadline
            running.cancel()
            let hurry = Task { await self.followWhileStopping() }
            await stopContainers(hasGrace: ending > 0, until: deadline)
            // A container that was just starting is not among those: it is stopped as soon as it has started.
            await running.value
            hurry.cancel()
            await podNamespace?.powerOff()
            group.cancelAll()
        }
        releaseAddress()
        guard !Task.isCancelled, isTerminating else { return }
        await services.online()
        guard !Task.isCancelled else { return }
        for name in records.keys { records[name]?.giveUp(at: services.now) }
        publish()
        unmount()
        _ = try? services.store.delete(key, .confirmed(uid: uid))
    }

    var isTerminating: Bool { stopDeadline != nil }

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
        await withTaskGroup(of: Void.self) { group in
            for await update in updates {
                let grace: Int64
                switch update {
                case .gone: grace = 1
                case .changed(let new): grace = new[path: "metadata", "deletionGracePeriodSeconds"]?.integer ?? 30
                }
                let deadline = services.time.now + .seconds(max(grace, 0))
                guard let earlier = stopDeadline, deadline < earlier else { continue }
                stopDeadline = deadline
                group.addTask {
                    guard (try? await self.services.time.sleep(until: deadline)) != nil else { return }
                    await self.killContainers()
                }
            }
            group.cancelAll()
        }
    }

    private func killContainers() { for entry in live.values { entry.namespace?.kill() } }

    private func bringUp() async {
        change.yield()
        guard await mount() else { return }
        takeAddress()
        guard await shareProcesses() else { return }
        change.yield()
        await withTaskGroup(of: Void.self) { group in
            if await initialize(&group) {
                isInitialized = true
                change.yield()
                await withTaskGroup(of: Void.self) { group in
                    for container in containers { group.addTask { _ = await self.runContainer(container, .main) } }
                }
            }
            isWorkDone = true
            if !isTerminating { await stopSidecars(until: ownGraceEnd) }
        }
    }

    /// Runs the init containers one after the other; sidecars among them go on running.
    private func initialize(_ group: inout TaskGroup<Void>) async -> Bool {
        for container in initContainers {
            guard container.isSidecar else {
                guard await runContainer(container, .initial) else { return false }
                continue
            }
            let started = Gate()
            started.close()
            sidecars[container.name] = started
            group.addTask { _ = await self.runContainer(container, .sidecar) }
            await started.pass()
            if Task.isCancelled || isTerminating { return false }
        }
        return true
    }

    var containers: [ContainerDefinition] { ContainerDefinition.list(pod, "containers") }
    var initContainers: [ContainerDefinition] { ContainerDefinition.list(pod, "initContainers") }

    nonisolated func changed() { change.yield() }

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
}

extension KubeletServices {
    package var now: JSONValue { .string(StoreEnvironment.timestamp(store.environment.now())) }
}
