import Foundation
import JSON
import SandboxStore

/// Starting a pod's containers, again and again.
extension PodWorker {
    /// The purpose of a container.
    enum Role: Sendable {
        /// To do its work before the others start.
        case initial
        /// To run from before the containers proper until after them.
        case sidecar
        case main
    }

    /// Runs a container again and again as the restart policy says. For an init container: whether it has done its work.
    func runContainer(_ container: ContainerDefinition, _ role: Role) async -> Bool {
        let name = container.name
        let policy = role == .sidecar ? "Always" : pod[path: "spec", "restartPolicy"]?.string ?? "Always"
        var crashes = 0
        while isWanted(role) {
            await services.agent.pass()
            guard isWanted(role), let code = await runOnce(container.definition, name, role) else { return false }
            if code.exit == 0, role == .initial {
                records[name]?.isReady = true
                changed()
                return true
            }
            guard isWanted(role) else { return false }
            if policy == "Never" || (policy == "OnFailure" && code.exit == 0) { return false }
            if code.ran >= services.timings.crashBackOffReset { crashes = 0 }
            await backOff(name, crashes)
            guard isWanted(role) else { return false }
            records[name]?.restartCount += 1
            crashes += 1
        }
        return false
    }

    private func isWanted(_ role: Role) -> Bool { !Task.isCancelled && !isTerminating && !(role == .sidecar && isWorkDone) }

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
    }

    private static func describe(_ delay: Duration) -> String {
        let seconds = delay / .seconds(1)
        if seconds < 1 { return "\(Int(delay / .milliseconds(1)))ms" }
        return seconds < 60 ? "\(Int(seconds))s" : "\(Int(seconds) / 60)m\(Int(seconds) % 60)s"
    }

    /// One instance of a container, from its start to its end; `nil` when it never came to a start.
    private func runOnce(_ container: JSONValue, _ name: String, _ role: Role) async -> (exit: Int32, ran: Duration)? {
        guard let (specification, id) = await prepare(container, name) else { return nil }
        let log = ContainerLog(now: services.store.environment.now)
        live[name, default: Live()].previousLog = live[name]?.log
        live[name]?.log = log
        await services.event(pod, .normal, "Pulled", "Container image \"\(container["image"]?.string ?? "")\" already present on machine")
        guard isWanted(role) else { return nil }
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
        let probes = startProbes(container, name, role, namespace)
        changed()
        let events = Task { [services, pod] in
            await services.event(pod, .normal, "Created", "Created container: \(name)")
            await services.event(pod, .normal, "Started", "Started container \(name)")
        }
        // Told to end while it started: nobody else has seen it yet.
        if !isWanted(role) { await stop(namespace, until: stopDeadline ?? ownGraceEnd) }
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
        let namespace = podNamespace ?? services.namespace
        let result = await Task { () async -> Result<ContainerNamespace, IsolationError> in
            do throws(IsolationError) {
                return .success(try await namespace.startContainer(specification) { log.append($0) })
            } catch {
                return .failure(error)
            }
        }.value
        return try result.get()
    }

    /// Starts what the containers of a pod with `shareProcessNamespace` share; `false` when that fails.
    func shareProcesses() async -> Bool {
        guard sharesProcesses else { return true }
        let (node, name) = (services.namespace, hostName)
        // Each container that is not root's takes one.
        let count = (initContainers + containers).count { container in
            ["runAsUser", "runAsGroup"].contains { security($0, of: container.definition)?.integer ?? 0 != 0 }
        }
        let result = await Task { () async -> Result<NodeNamespace, IsolationError> in
            do throws(IsolationError) {
                return .success(try await node.startPod(hostName: name, userNamespaces: count))
            } catch {
                return .failure(error)
            }
        }.value
        do throws(IsolationError) {
            podNamespace = try result.get()
            return true
        } catch {
            await services.event(pod, .warning, "FailedCreatePodSandBox", "Failed to create pod sandbox: \(error.description)")
            return false
        }
    }

    private var sharesProcesses: Bool {
        pod[path: "spec", "shareProcessNamespace"]?.bool == true && pod[path: "spec", "hostPID"]?.bool != true
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
            "HOSTNAME": hostName, "POD_IP": address, "PATH": HostTools.standardPath,
        ]
        if ContainerImage.isDatabase(container["image"]?.string ?? "") {
            environment["MSSQL_IP_ADDRESS"] = address
            environment.merge(services.databaseVariables) { _, new in new }
        }
        let own = try PodEnvironment(pod: pod, state: state, hostIP: services.address, makeToken: services.makeToken)
            .variables(container, podIP: address)
        environment.merge(own) { _, new in new }
        let security = container["securityContext"] ?? [:]
        do {
            var specification = ContainerSpecification(
                command: try ContainerImage.command(container, environment: environment), environment: environment,
                rootFolder: try services.machine.makeFolder("pods/\(uid)/roots/\(id)"))
            specification.hostName = hostName
            specification.workingDirectory = container["workingDir"]?.string ?? "/"
            specification.isRootReadOnly = security["readOnlyRootFilesystem"]?.bool ?? false
            specification.identifier = id
            if pod[path: "spec", "hostPID"]?.bool == true {
                specification.processes = .host
                specification.isPrivileged = security["privileged"]?.bool == true
            } else if sharesProcesses {
                specification.processes = .shared
            }
            try setUser(of: container, in: &specification)
            specification.mounts = try containerMounts(container)
            return specification
        } catch let problem as KubeletProblem {
            throw problem
        } catch {
            throw KubeletProblem("CreateContainerError", "\(error)")
        }
    }

    /// A member of the container's security context, or of the pod's.
    private func security(_ name: String, of container: JSONValue) -> JSONValue? {
        container[path: "securityContext", name] ?? pod[path: "spec", "securityContext", name]
    }

    /// `runAsUser` and its kin.
    private func setUser(of container: JSONValue, in specification: inout ContainerSpecification) throws(KubeletProblem) {
        let user = security("runAsUser", of: container)?.integer
        specification.user = UInt32(clamping: user ?? 0)
        specification.group = UInt32(clamping: security("runAsGroup", of: container)?.integer ?? 0)
        guard security("runAsNonRoot", of: container)?.bool == true else { return }
        // Microsoft's images name a user of their own.
        guard user ?? (ContainerImage.isDatabase(container["image"]?.string ?? "") ? 10001 : 0) != 0 else {
            let problem =
                user == 0 ? "container's runAsUser breaks non-root policy" : "container has runAsNonRoot and image will run as root"
            let names = "(pod: \"\(pod.name)_\(pod.namespace)(\(uid))\", container: \(container["name"]?.string ?? ""))"
            throw KubeletProblem("CreateContainerConfigError", "\(problem) \(names)")
        }
    }

    var hostName: String { pod[path: "spec", "hostname"]?.string ?? String(pod.name.prefix(63)) }
}
