package import JSON
import SandboxControllers
package import SandboxStore

/// All controllers over one store, with a clock that stands still and a kubelet that makes every bound pod ready: run until nothing changes.
package struct ControlPlane {
    package let store: ObjectStore
    package var now = Duration.zero
    /// Nodes whose kubelets do nothing and renew no lease.
    package var deadNodes: Set<String> = []
    private var deployments = DeploymentController()
    private var replicaSets: ReplicaSetController
    private var statefulSets: StatefulSetController
    private var daemonSets = DaemonSetController()
    private var scheduler: Scheduler
    private var lifecycle = NodeLifecycleController(timings: SandboxProfile.fast.timings)
    private var collector = PodGarbageCollector(timings: SandboxProfile.fast.timings)
    private var volumes = VolumeController()
    private var attaching = AttachDetachController(timings: SandboxProfile.fast.timings)
    private var endpoints: EndpointsController
    private var disruption = DisruptionController()
    private var balancer = LoadBalancerController(prefix: "127.96")
    private var renewals = 0

    package init(flaws: Set<SandboxFlaw> = [], nodes: [String] = ["a", "b"]) throws {
        store = try .testing()
        replicaSets = ReplicaSetController(flaws: flaws)
        statefulSets = StatefulSetController(flaws: flaws)
        scheduler = Scheduler(flaws: flaws)
        endpoints = EndpointsController(flaws: flaws)
        try store.create(.namespaces, ["metadata": ["name": "kube-node-lease"]])
        try store.create(
            .storageClasses,
            [
                "metadata": ["name": "standard", "annotations": ["storageclass.kubernetes.io/is-default-class": "true"]],
                "provisioner": .string(FolderVolume.provisioner),
            ])
        for node in nodes {
            try store.create(.nodes, ["metadata": ["name": .string(node)]])
            try store.modify(ObjectKey(.nodes, name: node)) { $0.updateCondition("Ready", "True", nil, nil, at: "now") }
            try store.create(.leases, ["metadata": ["name": .string(node)], "spec": ["renewTime": "0"]], namespace: "kube-node-lease")
        }
    }

    package mutating func settle() throws {
        for _ in 0..<100 {
            let before = store.revision
            try step()
            if store.revision == before { return }
        }
        throw UnexpectedAnswer("the control plane does not come to rest")
    }

    /// Lets time pass in steps of a quarter second, in which living nodes renew their leases.
    package mutating func advance(_ seconds: Double) throws {
        let end = now + .seconds(seconds)
        while now < end {
            now += .milliseconds(250)
            renewals += 1
            for node in store.list(.nodes) where !deadNodes.contains(node.name) {
                try store.modify(ObjectKey(.leases, namespace: "kube-node-lease", name: node.name)) { [renewals] in
                    $0[path: "spec", "renewTime"] = .string("\(renewals)")
                }
            }
            try settle()
        }
    }

    package mutating func step() throws {
        var copy = self
        copy = try store.transaction { [now] state in
            var next = copy
            _ = next.deployments.reconcile(&state, at: now)
            _ = next.replicaSets.reconcile(&state, at: now)
            _ = next.statefulSets.reconcile(&state, at: now)
            _ = next.daemonSets.reconcile(&state, at: now)
            _ = next.volumes.reconcile(&state, at: now)
            _ = next.scheduler.reconcile(&state, at: now)
            _ = next.attaching.reconcile(&state, at: now)
            _ = next.lifecycle.reconcile(&state, at: now)
            _ = next.collector.reconcile(&state, at: now)
            _ = next.endpoints.reconcile(&state, at: now)
            _ = next.disruption.reconcile(&state, at: now)
            _ = next.balancer.reconcile(&state, at: now)
            return next
        }
        self = copy
        try runPods()
    }

    /// The kubelets: a pod whose volumes are attached is ready, and one that is deleted is gone.
    private func runPods() throws {
        for pod in store.list(.pods) where !pod.nodeName.isEmpty && !deadNodes.contains(pod.nodeName) {
            let key = ObjectKey(.pods, namespace: pod.namespace, name: pod.name)
            if pod.isBeingDeleted {
                setInUse(pod, false)
                try store.delete(key, .confirmed(uid: pod.uid))
                continue
            }
            let attached = store.list(.volumeAttachments).filter { $0.nodeName == pod.nodeName }
            let isMounted = volumes(of: pod).allSatisfy { volume in
                attached.contains { $0[path: "spec", "source", "persistentVolumeName"]?.string == volume }
            }
            guard isMounted else { continue }
            setInUse(pod, true)
            try store.modify(key, part: .status) { pod in
                pod[path: "status", "phase"] = "Running"
                pod[path: "status", "podIP"] = .string("127.160.0.\(StableHash.value(pod.uid) % 250 + 1)")
                pod.updateCondition("Ready", "True", nil, nil, at: "now")
            }
        }
    }

    private func volumes(of pod: JSONValue) -> [String] {
        pod.claimNames.map {
            store[ObjectKey(.persistentVolumeClaims, namespace: pod.namespace, name: $0)]?[path: "spec", "volumeName"]?.string ?? "?"
        }
    }

    private func setInUse(_ pod: JSONValue, _ isInUse: Bool) {
        let names = volumes(of: pod).map { JSONValue.string(FolderVolume.uniqueName($0)) }
        guard !names.isEmpty else { return }
        _ = try? store.modify(ObjectKey(.nodes, name: pod.nodeName), part: .status) {
            let others = ($0[path: "status", "volumesInUse"]?.array ?? []).filter { !names.contains($0) }
            let all = isInUse ? others + names : others
            $0[path: "status", "volumesInUse"] = all.isEmpty ? nil : .array(all.sorted { ($0.string ?? "") < ($1.string ?? "") })
        }
    }

    // MARK: What is there

    package var pods: [JSONValue] { store.list(.pods) }
    package var ready: [JSONValue] { pods.filter { $0.isReady && !$0.isBeingDeleted } }

    package func deploy(_ replicas: Int64 = 1, strategy: String = "Recreate", image: String = "busybox:1") throws {
        let labels: JSONValue = ["app": "db"]
        try store.create(
            .deployments,
            [
                "metadata": ["name": "db"],
                "spec": [
                    "replicas": .integer(replicas), "strategy": ["type": .string(strategy)], "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": Self.podSpec(image)],
                ],
            ], namespace: "default")
        try store.create(
            .persistentVolumeClaims,
            [
                "metadata": ["name": "data"],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
            ], namespace: "default")
        try store.create(
            .services, ["metadata": ["name": "db"], "spec": ["type": "LoadBalancer", "selector": labels, "ports": [["port": 1433]]]],
            namespace: "default")
    }

    package static func podSpec(_ image: String, claim: String? = "data") -> JSONValue {
        var spec: JSONValue = ["containers": [["name": "db", "image": .string(image)]]]
        if let claim { spec["volumes"] = [["name": "v", "persistentVolumeClaim": ["claimName": .string(claim)]]] }
        return spec
    }
}

extension ObjectKey {
    package static let deployment = ObjectKey(.deployments, namespace: "default", name: "db")
    package static let service = ObjectKey(.services, namespace: "default", name: "db")
    package static let claim = ObjectKey(.persistentVolumeClaims, namespace: "default", name: "data")
}
