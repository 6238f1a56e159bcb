import Foundation
import JSON

/// Starting, restarting and stopping a pod's containers.
extension PodWorker {
    /// Runs a container again and again as the restart policy says. For an init container: whether it has done its work.
    func runContainer(_ container: JSONValue, isInit: Bool) async -> Bool {
        let name = container["name"]?.string ?? ""
        let policy = pod[path: "spec", "restartPolicy"]?.string ?? "Always"
        var crashes = 0
        while !Task.isCancelled, !isTerminating {
            await services.agent.pass()
            guard !Task.isCancelled, let code = await runOnce(container, name) else { return false }
            if code.exit == 0, isInit {
                records[name]?.isReady = true
                changed()
                return true
            }
            if Task.isCancelled || isTerminating { return false }
            if policy == "Never" || (policy == "OnFailure" && code.exit == 0) { return false }
            if code.ran >= services.timings.crashBackOffReset { crashes = 0 }
            await backOff(name, crashes)
            crashes += 1
        }
        return false
    }

    /// The first restart is at once; then the wait doubles (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy).
    private func backOff(_ name: String, _ crashes: Int) async {
        if crashes > 0 {
            let delay = min(services.timings.crashBackOff * (1 << min(crashes - 1, 16)), services.timings.longestCrashBackOff)
            let text = "back-off \(Self.describe(delay)) restarting failed container=\(name) pod=\(pod.name)_\(pod.namespace)(\(uid))"
            records[name]?.wait("CrashLoopBackOff", text)
            changed()
            await services.event(
                pod, .warning, "BackOff", "Back-off restarting failed container \(name) in pod \(pod.name)_\(pod.namespace)(\(uid))")
            try? await services.time.sleep(for: delay)
        }
        guard !Task.isCancelled, !isTerminating else { return }
        records[name]?.restartCount += 1
    }

    private static func describe(_ delay: Duration) -> String {
        let seconds = delay / .seconds(1)
        if seconds < 1 { return "\(Int(delay / .milliseconds(1)))ms" }
        return seconds < 60 ? "\(Int(seconds))s" : "\(Int(seconds) / 60)m\(Int(seconds) % 60)s"
    }

    /// One instance of a container, from its start to its end; `nil` when it never came to a start.
    private func runOnce(_ container: JSONValue, _ name: String) async -> (exit: Int32, ran: Duration)? {
        guard let (specification, id) = await prepare(container, name) else { return nil }
        let log = ContainerLog(now: services.store.environment.now)
        live[name, default: Live()].previousLog = live[name]?.log
        live[name]?.log = log
        await services.event(pod, .normal, "Pulled", "Container image \"\(container["image"]?.string ?? "")\" already present on machine")
        let started = services.time.now
        let namespace: ContainerNamespace
        do {
            namespace = try await start(specification, log)
        } catch {
            log.append(Array((error.description + "\n").utf8))
            log.finish()
            if Task.isCancelled || error.code == .gone { return nil }
            if let last = records[name]?.terminated { records[name]?.lastState = ["terminated": last] }
            records[name]?.containerID = "containerd://\(id)"
            records[name]?.end(code: 128, reason: "StartError", message: error.description, at: services.now)
            changed()
            await services.event(pod, .warning, "Failed", "Error: \(error.description)")
            return (128, .zero)
        }
        live[name]?.namespace = namespace
        if let last = records[name]?.terminated { records[name]?.lastState = ["terminated": last] }
        records[name]?.run(id, at: services.now)
        let probes = startProbes(container, name, namespace)
        changed()
        let events = Task { [services, pod] in
            await services.event(pod, .normal, "Created", "Created container: \(name)")
            await services.event(pod, .normal, "Started", "Started container \(name)")
        }
        let exit = await namespace.exit
        probes.cancel()
        events.cancel()
        log.finish()
        live[name]?.namespace = nil
        records[name]?.end(exit, at: services.now)
        changed()
        return (exit.containerCode, services.time.now - started)
    }

    /// A start that has begun is finished even when the pod is to end meanwhile: nobody else would know the process.
    private func start(
        _ specification: ContainerSpecification, _ log: ContainerLog
    ) async throws(IsolationError) -> ContainerNamespace {
        let namespace = services.namespace
        let result = await Task { () async -> Result<ContainerNamespace, IsolationError> in
            do throws(IsolationError) {
                return .success(try await namespace.startContainer(specification) { log.append($0) })
            } catch {
                return .failure(error)
            }
        }.value
        return try result.get()
    }

    /// Returns the program of a container; waits while something it refers to is missing.
    private func prepare(_ container: JSONValue, _ name: String) async -> (ContainerSpecification, String)? {
        let id = services.makeContainerID()
        while !Task.isCancelled {
            do throws(KubeletProblem) {
                return (try specification(container, id), id)
            } catch {
                if records[name]?.state[path: "waiting", "message"]?.string != error.message {
                    records[name]?.wait(error.reason, error.message)
                    changed()
                    await services.event(pod, .warning, "Failed", "Error: \(error.message)")
                }
                // A secret, a config map or a key of one is missing.
                let before = services.store.revision
                let repaired = await services.wait(for: [.secrets, .configMaps]) { state in state.revision > before ? true : nil }
                if repaired == nil { return nil }
            }
        }
        return nil
    }

    private func specification(_ container: JSONValue, _ id: String) throws(KubeletProblem) -> ContainerSpecification {
        let address = podIP ?? services.address
        let state: StoreState
        do { state = try services.store.read { $0 } } catch { throw KubeletProblem("CreateContainerConfigError", error.message) }
        var environment: [String: String] = [
            "HOSTNAME": hostName, "POD_IP": address, ContainerNamespace.identifierVariable: id, "PATH": HostTools.standardPath,
        ]
        if ContainerImage.isDatabase(container["image"]?.string ?? "") {
            environment["MSSQL_IP_ADDRESS"] = address
            environment.merge(services.databaseVariables) { _, new in new }
        }
        let own = try PodEnvironment(pod: pod, state: state, hostIP: services.address).variables(container, podIP: address)
        environment.merge(own) { _, new in new }
        let security = container["securityContext"] ?? [:]
        do {
            var specification = ContainerSpecification(
                command: try ContainerImage.command(container, environment: environment), environment: environment,
                rootFolder: try services.machine.makeFolder("pods/\(uid)/roots/\(id)"))
            specification.hostName = hostName
            specification.workingDirectory = container["workingDir"]?.string ?? "/"
            specification.isRootReadOnly = security["readOnlyRootFilesystem"]?.bool ?? false
            specification.sharesNodeProcesses = pod[path: "spec", "hostPID"]?.bool ?? false
            specification.isPrivileged = specification.sharesNodeProcesses && security["privileged"]?.bool == true
            specification.mounts = try containerMounts(container)
            return specification
        } catch let problem as KubeletProblem {
            throw problem
        } catch {
            throw KubeletProblem("CreateContainerError", "\(error)")
        }
    }

    var hostName: String { pod[path: "spec", "hostname"]?.string ?? String(pod.name.prefix(63)) }

    // MARK: Probes

    private func startProbes(_ container: JSONValue, _ name: String, _ namespace: ContainerNamespace) -> Task<Void, Never> {
        records[name]?.isStarted = container["startupProbe"] == nil
        records[name]?.isReady = container["startupProbe"] == nil && container["readinessProbe"] == nil
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
        let pace = services.timings.probePace
        let initial = Double(probe["initialDelaySeconds"]?.integer ?? 0) * pace
        let period = Double(max(probe["periodSeconds"]?.integer ?? 10, 1)) * pace
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
        changed()
    }

    private func setReady(_ name: String, _ isReady: Bool) {
        guard records[name]?.isRunning == true, records[name]?.isReady != isReady, !isTerminating else { return }
        records[name]?.isReady = isReady
        changed()
    }

    private func restart(_ name: String, _ why: String, _ namespace: ContainerNamespace) async {
        await services.event(pod, .normal, "Killing", "Container \(name) \(why), will be restarted")
        await stop(namespace, grace: .seconds(pod[path: "spec", "terminationGracePeriodSeconds"]?.integer ?? 30))
    }

    // MARK: Stopping

    func stopContainers(grace: Int64) async {
        await withTaskGroup(of: Void.self) { group in
            for container in pod[path: "spec", "containers"]?.array ?? [] {
                let name = container["name"]?.string ?? ""
                guard let namespace = live[name]?.namespace else { continue }
                group.addTask { [services, pod] in
                    await services.agent.pass()
                    let deadline = services.time.now + .seconds(max(grace, 0))
                    let told = Task { await services.event(pod, .normal, "Killing", "Stopping container \(name)") }
                    if let hook = container[path: "lifecycle", "preStop", "exec", "command"]?.array?.compactMap(\.string), grace > 0 {
                        await Self.run(hook, in: namespace, until: deadline, services.time)
                    }
                    await self.stop(namespace, grace: deadline - services.time.now)
                    told.cancel()
                }
            }
            for (name, live) in live where !(pod[path: "spec", "containers"]?.array ?? []).contains(where: { $0["name"]?.string == name }) {
                if let namespace = live.namespace { group.addTask { await self.stop(namespace, grace: .seconds(grace)) } }
            }
        }
    }

    private static func run(_ command: [String], in namespace: ContainerNamespace, until deadline: Duration, _ time: any SandboxTime) async
    {
        let hook = namespace.exec(command)
        let alarm = Task {
            try await time.sleep(until: deadline)
            await hook.cancel()
        }
        do { for try await _ in hook.output {} } catch {}
        _ = await hook.exit()
        alarm.cancel()
    }

    /// SIGTERM, and SIGKILL when the grace period is over.
    private nonisolated func stop(_ namespace: ContainerNamespace, grace: Duration) async {
        namespace.terminate()
        let alarm = Task { [services] in
            try await services.time.sleep(for: grace)
            namespace.kill()
        }
        _ = await namespace.exit
        alarm.cancel()
    }
}
