import JSON
import SandboxStore

/// The effects of a pod's probes on its containers.
extension PodWorker {
    func startProbes(
        _ container: JSONValue, _ name: String, _ role: Role, _ namespace: ContainerNamespace
    ) -> Task<Void, Never> {
        // An init container is ready when it has done its work, and has no probes.
        guard role != .initial else { return Task {} }
        if container["startupProbe"] == nil { setStarted(name, isReady: container["readinessProbe"] == nil) }
        return Task {
            if let startup = container["startupProbe"] {
                var threshold = ProbeThreshold(startup)
                await self.probe(startup, container, namespace, "Startup") { isSuccess in
                    let verdict = threshold.record(isSuccess)
                    if verdict == true { self.setStarted(name, isReady: container["readinessProbe"] == nil) }
                    if verdict == false { await self.restart(name, "failed startup probe", namespace) }
                    return verdict == nil
                }
            }
            await withTaskGroup(of: Void.self) { group in
                if let readiness = container["readinessProbe"] {
                    group.addTask {
                        var threshold = ProbeThreshold(readiness)
                        await self.probe(readiness, container, namespace, "Readiness") { isSuccess in
                            if let verdict = threshold.record(isSuccess) { await self.setReady(name, verdict) }
                            return true
                        }
                    }
                }
                if let liveness = container["livenessProbe"] {
                    group.addTask {
                        var threshold = ProbeThreshold(liveness)
                        await self.probe(liveness, container, namespace, "Liveness") { isSuccess in
                            guard threshold.record(isSuccess) == false else { return true }
                            await self.restart(name, "failed liveness probe", namespace)
                            return false
                        }
                    }
                }
            }
        }
    }

    /// Runs a probe at its period until the handler has heard enough.
    private nonisolated func probe(
        _ probe: JSONValue, _ container: JSONValue, _ namespace: ContainerNamespace, _ kind: String, _ handle: (Bool) async -> Bool
    ) async {
        let initial = Double(probe["initialDelaySeconds"]?.integer ?? 0)
        let period = Double(max(probe["periodSeconds"]?.integer ?? 10, 1))
        var next = services.time.now + .seconds(initial)
        while !Task.isCancelled {
            guard (try? await services.time.sleep(until: next)) != nil else { return }
            await services.agent.pass()
            let problem = await services.prober.check(probe, container, namespace, podIP: podIP ?? services.address)
            guard !Task.isCancelled else { return }
            if let problem { await services.event(pod, .warning, "Unhealthy", "\(kind) probe failed: \(problem)") }
            guard await handle(problem == nil) else { return }
            next = max(next + .seconds(period), services.time.now)
        }
    }

    private func setStarted(_ name: String, isReady: Bool) {
        records[name]?.isStarted = true
        records[name]?.isReady = isReady
        sidecars[name]?.open()
        changed()
    }

    private func setReady(_ name: String, _ isReady: Bool) {
        guard records[name]?.isRunning == true, records[name]?.isReady != isReady, !isTerminating else { return }
        records[name]?.isReady = isReady
        changed()
    }

    private func restart(_ name: String, _ why: String, _ namespace: ContainerNamespace) async {
        await services.event(pod, .normal, "Killing", "Container \(name) \(why), will be restarted")
        await stop(namespace, until: ownGraceEnd)
    }
}
