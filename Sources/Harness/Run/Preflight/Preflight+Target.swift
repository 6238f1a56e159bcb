import Experiment
import Fault
import Journal
import Kubernetes

/// Checks of the server behind the Service's address: there must be exactly one instance, and it must be healthy.
extension Preflight {
    func checkTarget(_ target: ResolvedTarget, _ outcome: inout Outcome) async {
        let workload = "\(target.workload.name) in namespace \(target.namespace)"
        let pods = "see 'kubectl -n \(target.namespace) get pods'"
        let terminating = target.pods.filter { $0.metadata.deletionTimestamp != nil }.map(\.metadata.name)
        if let ambiguity = target.ambiguity {
            return outcome.fail(ambiguity.check, ambiguity.message, hint: ambiguity.hint)
        }
        if !terminating.isEmpty {
            outcome.fail(
                "workload", "\(workload) has a pod on its way out: \(terminating.joined(separator: ", "))", hint: "wait until it is gone")
        } else if target.workload.desiredReplicas != 1 {
            outcome.fail(
                "workload",
                "\(workload) wants \(target.workload.desiredReplicas) replicas; this experiment is about one instance on one volume",
                hint: "scale it to 1")
        } else if target.pods.isEmpty {
            let reason = await Obstacle(client: client, namespace: target.namespace, workload: target.workload).sentence()
            outcome.fail("workload", "\(workload) has no pod\(reason.map { ": \($0)" } ?? "")", hint: pods)
        } else if target.pods.count > 1 {
            let names = target.pods.map(\.metadata.name).joined(separator: ", ")
            outcome.fail("workload", "\(workload) wants 1 pod and has \(target.pods.count): \(names)", hint: "wait for its rollout to end")
        } else if !target.pods[0].isReady {
            let reason = await Obstacle(client: client, namespace: target.namespace, workload: target.workload).sentence()
            outcome.fail(
                "workload", "the pod \(target.pods[0].metadata.name) of \(workload) is not ready\(reason.map { ": \($0)" } ?? "")",
                hint: pods)
        } else if target.servingPods.isEmpty {
            outcome.fail(
                "service", "Service \(target.service.metadata.name) does not lead to the ready pod \(target.pods[0].metadata.name)",
                hint: "compare its spec.selector and ports with the pod's labels and ports")
        } else {
            outcome.pass(
                "workload", "\(workload): pod \(target.servingPods[0].metadata.name) on node \(target.servingPods[0].spec.nodeName ?? "?")")
            outcome.pass("service", "Service \(target.service.metadata.name), address \(target.address)")
        }
        if let reason = target.endpointsByHand {
            outcome.warn(
                "service", "\(reason): Kubernetes will not lead it to a new pod, and who writes its endpoints has a part in every downtime",
                hint: "give the Service a spec.selector, unless an operator leads it to the new pod")
        }
        let waiting = target.backends.filter { backend in !backend.isReady && !target.pods.contains { backend.leads(to: $0) } }
        if !waiting.isEmpty {
            outcome.warn(
                "service",
                "Service \(target.service.metadata.name) also selects \(waiting.map(\.name).joined(separator: ", ")), not ready now",
                hint: "when it becomes ready in mid run, the run is invalid; let the selector match one instance only")
        }
    }

    /// Checks the container, its storage, and the settings that may make the recovery longer than necessary.
    func checkInstance(_ instance: FaultTarget, _ target: ResolvedTarget, _ outcome: inout Outcome) async throws {
        guard let pod = target.servingPods.first else { return }
        let container = try target.container(of: pod)
        outcome.pass("container", "container \(container.name) of pod \(pod.metadata.name), target port \(target.targetPort)")
        checkStorage(container, pod, target, &outcome)
        if container.readinessProbe == nil {
            outcome.warn(
                "readiness", "container \(container.name) has no readiness probe: the Service sends clients to it before it accepts logins",
                hint: "add a readinessProbe")
        }
        if container.livenessProbe != nil, container.startupProbe == nil {
            outcome.warn(
                "liveness", "container \(container.name) has a liveness probe and no startup probe: a long recovery may be killed by it",
                hint: "add a startupProbe that allows the longest recovery")
        }
        try await checkStrategy(target, &outcome)
        checkGracePeriod(pod, target, &outcome)
        if fault.takesNode { checkNodeLoss(pod, target, &outcome) }
        do {
            outcome.checks += try await fault.preflight(FaultSubject(client: client, pod: pod, instance: instance))
        } catch let error as FaultError {
            outcome.fail("fault", error.message, hint: error.hint)
        }
    }

    private func checkStorage(_ container: Container, _ pod: Pod, _ target: ResolvedTarget, _ outcome: inout Outcome) {
        let mounted = Set((container.volumeMounts ?? []).map(\.name))
        let claims = (pod.spec.volumes ?? []).filter { mounted.contains($0.name) }.compactMap { $0.persistentVolumeClaim?.claimName }
        guard !claims.isEmpty else {
            return outcome.fail(
                "storage", "container \(container.name) mounts no PersistentVolumeClaim: a new instance finds no storage",
                hint: "mount a claim at /var/opt/mssql; an emptyDir or hostPath does not move with the pod")
        }
        outcome.pass("storage", "container \(container.name) mounts \(claims.joined(separator: ", "))")
    }

    /// Says how long Kubernetes leaves the pod on a lost node, and whether the pod ever moves by itself.
    private func checkNodeLoss(_ pod: Pod, _ target: ResolvedTarget, _ outcome: inout Outcome) {
        if target.workload.isStatefulSet {
            outcome.warn(
                "node-loss",
                "\(target.workload.name) does not move by itself: its pod is replaced only when the old one is known to be gone",
                hint: "let a remedy of the fault, or an operator, taint the dead node node.kubernetes.io/out-of-service or delete the pod")
        }
        let taint = "node.kubernetes.io/unreachable"
        let tolerations = (pod.spec.tolerations ?? []).filter { $0.key == nil || $0.key == taint }
        guard !tolerations.isEmpty else { return }
        if let seconds = tolerations.compactMap(\.tolerationSeconds).min() {
            guard seconds > Self.shortToleration else { return }
            outcome.warn(
                "toleration",
                "the pod stays for \(seconds) s on a node that is unreachable, which is a part of every downtime by node loss",
                hint: "a toleration of \(taint) with a shorter tolerationSeconds in the pod's template")
        } else {
            outcome.warn(
                "toleration", "the pod tolerates an unreachable node without a limit: Kubernetes never moves it",
                hint: "tolerationSeconds on the toleration of \(taint)")
        }
    }

    /// In seconds. Kubernetes' default is 300.
    private static let shortToleration = 60

    /// Warns of a rollout that could deadlock: the new pod waits for the volume, and the old pod for the new one.
    private func checkStrategy(_ target: ResolvedTarget, _ outcome: inout Outcome) async throws {
        guard let strategy = target.workload.strategy, strategy != "Recreate" else { return }
        let claims = target.servingPods.flatMap { $0.spec.volumes ?? [] }.compactMap { $0.persistentVolumeClaim?.claimName }
        for name in claims {
            let modes = try await client.get(PersistentVolumeClaim.self, name, in: target.namespace).spec.accessModes ?? []
            let shared = modes.contains("ReadWriteMany")
            outcome.warn(
                "strategy",
                shared
                    ? "the Deployment's strategy is \(strategy): in a rollout, two servers have the claim \(name) open at the same time"
                    : "the Deployment's strategy is \(strategy): with the \(modes.joined(separator: ", ")) claim \(name) a rollout can wait for itself",
                hint: "spec.strategy.type: Recreate")
        }
    }
}
