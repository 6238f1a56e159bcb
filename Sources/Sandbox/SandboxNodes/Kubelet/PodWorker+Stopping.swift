import JSON
import SandboxStore

/// Ending a pod's containers.
extension PodWorker {
    /// The end of the grace period that the pod itself asks for, from now on.
    var ownGraceEnd: Duration { services.time.now + .seconds(pod[path: "spec", "terminationGracePeriodSeconds"]?.integer ?? 30) }

    /// Ends all that runs: sidecars after the containers proper, the one that started last first.
    func stopContainers(hasGrace: Bool, until deadline: Duration) async {
        let sidecarNames = Set(initContainers.filter(\.isSidecar).map(\.name))
        await withTaskGroup(of: Void.self) { group in
            for container in initContainers + containers where !sidecarNames.contains(container.name) {
                group.addTask { await self.stop(container, hasGrace: hasGrace, until: deadline) }
            }
        }
        isWorkDone = true
        await stopSidecars(until: deadline)
    }

    func stopSidecars(until deadline: Duration) async {
        for container in initContainers.reversed() where container.isSidecar { await stop(container, hasGrace: true, until: deadline) }
    }

    private func stop(_ container: ContainerDefinition, hasGrace: Bool, until deadline: Duration) async {
        guard let namespace = live[container.name]?.namespace else { return }
        let told = Task { [services, pod] in
            await services.event(pod, .normal, "Killing", "Stopping container \(container.name)")
        }
        if let hook = container.definition[path: "lifecycle", "preStop", "exec", "command"]?.array?.compactMap(\.string), hasGrace {
            await run(hook, in: namespace, until: deadline)
        }
        await stop(namespace, until: deadline)
        told.cancel()
    }

    private func run(_ command: [String], in namespace: ContainerNamespace, until deadline: Duration) async {
        let hook = namespace.exec(command)
        let alarm = Task { [services] in
            try await services.time.sleep(until: deadline)
            await hook.cancel()
        }
        do { for try await _ in hook.output {} } catch {}
        _ = await hook.exit()
        alarm.cancel()
    }

    /// SIGTERM, and SIGKILL when the grace period is over.
    func stop(_ namespace: ContainerNamespace, until deadline: Duration) async {
        namespace.terminate()
        let alarm = Task { [services] in
            try await services.time.sleep(until: deadline)
            namespace.kill()
        }
        _ = await namespace.exit
        alarm.cancel()
    }
}
