import Foundation
import JSON
import KubernetesAPI
import SandboxStore
import Synchronization

/// The agent of one node: it runs the pods that are bound to it and says that the node is alive.
final class Kubelet: Sendable {
    private let services: KubeletServices
    private let workers = Mutex<[String: PodWorker]>([:])
    /// Pods of which nothing is left here, but whose objects stay until somebody takes their finalizers away.
    private let ended = Mutex<Set<String>>([])

    init(_ services: KubeletServices) { self.services = services }

    /// Runs until the task is cancelled, which is what a power cut looks like from in here.
    func run() async {
        await register()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.renewLease() }
            await followPods(&group)
        }
    }

    func worker(_ uid: String) -> PodWorker? { workers.withLock { $0[uid] } }

    // MARK: Pods

    private func followPods(_ group: inout TaskGroup<Void>) async {
        var filter = ObjectFilter.everything
        guard let fields = try? FieldSelector(parsing: "spec.nodeName=\(services.nodeName)", for: .pods) else { return }
        filter.fields = fields
        while !Task.isCancelled {
            guard let watch = try? services.store.watch(.pods, filter) else { return }
            do {
                for try await event in watch {
                    await services.online()
                    guard !Task.isCancelled else { return }
                    handle(event, &group)
                }
            } catch {
                // Behind by more than the event window: the next watch begins with the present pods; those that went meanwhile have to go.
                let present = Set(services.store.list(.pods, filter).map(\.uid))
                for (uid, worker) in workers.withLock({ $0 }) where !present.contains(uid) { await worker.forget() }
            }
        }
    }

    private func handle(_ event: WatchEvent, _ group: inout TaskGroup<Void>) {
        let pod = event.object
        if let worker = worker(pod.uid) {
            worker.send(event.kind == .deleted ? .gone(pod) : .changed(pod))
            // Somebody may have opened a gate.
            if pod[path: "spec", "readinessGates"] != nil { worker.changed() }
            return
        }
        guard event.kind != .deleted else {
            ended.withLock { _ = $0.remove(pod.uid) }
            return
        }
        if ended.withLock({ $0.contains(pod.uid) }) { return }
        if pod.isFinished, !pod.isBeingDeleted { return }
        let worker = PodWorker(pod, services)
        workers.withLock { $0[pod.uid] = worker }
        group.addTask {
            await worker.run()
            if self.services.store[worker.key]?.uid == pod.uid { self.ended.withLock { _ = $0.insert(pod.uid) } }
            self.workers.withLock { _ = $0.removeValue(forKey: pod.uid) }
        }
    }

    // MARK: The node's own object

    private func renewLease() async {
        let name = services.nodeName
        let key = ObjectKey(.leases, namespace: "kube-node-lease", name: name)
        while !Task.isCancelled {
            await services.online()
            guard !Task.isCancelled else { return }
            let now = JSONValue.string(StoreEnvironment.microTimestamp(services.store.environment.now()))
            if services.store[key] == nil {
                let owner = services.store[ObjectKey(.nodes, name: name)].map { node -> JSONValue in
                    [["apiVersion": "v1", "kind": "Node", "name": .string(name), "uid": .string(node.uid)]]
                }
                let lease: JSONValue = [
                    "metadata": ["name": .string(name), "ownerReferences": owner ?? []],
                    "spec": [
                        "holderIdentity": .string(name), "renewTime": now,
                        "leaseDurationSeconds": .integer(max(Int64(services.timings.nodeMonitorGrace / .seconds(1)), 1)),
                    ],
                ]
                _ = try? services.store.create(.leases, lease, namespace: "kube-node-lease")
            } else {
                _ = try? services.store.modify(key) { $0[path: "spec", "renewTime"] = now }
            }
            if services.store[ObjectKey(.nodes, name: name)]?.isReady == false { postStatus() }
            guard (try? await services.time.sleep(for: services.timings.heartbeat)) != nil else { return }
        }
    }

    private func register() async {
        await services.online()
        let key = ObjectKey(.nodes, name: services.nodeName)
        if services.store[key] == nil {
            let node: JSONValue = [
                "metadata": [
                    "name": .string(services.nodeName),
                    "labels": [
                        LabelKey.hostname: .string(services.nodeName), "kubernetes.io/os": "linux",
                        "kubernetes.io/arch": .string(NodeFacts.architecture), "beta.kubernetes.io/os": "linux",
                    ],
                    "annotations": ["node.alpha.kubernetes.io/ttl": "0"],
                ],
                "spec": [:],
            ]
            _ = try? services.store.create(.nodes, node)
        }
        postStatus()
        // Nothing is mounted on a node that has just come up.
        _ = try? services.store.modify(key, part: .status) { $0[path: "status", "volumesInUse"] = nil }
        _ = try? services.store.transaction { state in
            guard let node = state[key] else { return false }
            state.recordEvent(node, .normal, "Starting", "Starting kubelet.", from: "kubelet", host: node.name)
            return true
        }
    }

    private func postStatus() {
        let now = services.now
        _ = try? services.store.modify(ObjectKey(.nodes, name: services.nodeName), part: .status) { [services] node in
            node[path: "status", "addresses"] = [
                ["type": "InternalIP", "address": .string(services.address)], ["type": "Hostname", "address": .string(services.nodeName)],
            ]
            node[path: "status", "capacity"] = NodeFacts.capacity
            node[path: "status", "allocatable"] = NodeFacts.capacity
            node[path: "status", "nodeInfo"] = NodeFacts.nodeInfo(services.nodeName)
            node[path: "status", "daemonEndpoints"] = ["kubeletEndpoint": ["Port": 10250]]
            let fine: [(String, String, String)] = [
                ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                ("Ready", "KubeletReady", "kubelet is posting ready status"),
            ]
            for (type, reason, message) in fine {
                node.updateCondition(type, type == "Ready" ? "True" : "False", reason, message, at: now, extra: ["lastHeartbeatTime": now])
            }
        }
    }
}

extension PodWorker {
    /// The pod's object went while nobody looked.
    func forget() { send(.gone(pod)) }
}

/// A node's description of its machine.
enum NodeFacts {
    static let architecture: String = {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }()

    static let capacity: JSONValue = [
        "cpu": .string(String(ProcessInfo.processInfo.processorCount)),
        "memory": .string("\(ProcessInfo.processInfo.physicalMemory / 1024)Ki"), "pods": "110", "ephemeral-storage": "104857600Ki",
    ]

    static func nodeInfo(_ name: String) -> JSONValue {
        let identity = StableHash.hexadecimal(name)
        return [
            "architecture": .string(architecture), "operatingSystem": "linux", "kernelVersion": .string(kernel),
            "osImage": .string(system), "containerRuntimeVersion": "containerd://sandbox", "kubeletVersion": "v1.34.0",
            "kubeProxyVersion": "", "machineID": .string(identity), "systemUUID": .string(identity), "bootID": .string(identity),
        ]
    }

    private static let kernel =
        (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
        ?? "unknown"

    private static let system: String = {
        let lines = ((try? String(contentsOfFile: "/etc/os-release", encoding: .utf8)) ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { $0.dropFirst("PRETTY_NAME=".count).trimmingCharacters(in: ["\""]) } ?? "Linux"
    }()
}
