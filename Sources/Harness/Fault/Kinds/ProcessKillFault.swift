import Experiment
import JSON
import Journal
import Kubernetes

/// A signal to a named process inside the container.
///
/// SQL Server is a parent that watches over a child of the same name: the child is meant. PID 1 ignores SIGKILL and SIGSTOP that
/// come from inside its PID namespace (pid_namespaces(7)), so that it is no target for those.
struct ProcessKillFault: FaultInjection {
    let spec: FaultSpec.ProcessKill

    var undoAfter: Duration? { spec.signal == .stop ? spec.resumeAfter : nil }

    func plan(_ target: FaultTarget) -> [String] {
        let what = "send SIG\(spec.signal.rawValue) to process '\(spec.process)' in container \(target.container)"
        var lines = ["\(what) of pod \(target.namespace)/\(target.pod), by exec"]
        if spec.signal == .stop { lines.append("send it SIGCONT after \(spec.resumeAfter.gep2257)") }
        return lines
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        var verbs = Self.execPermissions(scope)
        if spec.signal == .stop { verbs.append(ResourceAttributes(verb: "patch", resource: "pods", namespace: scope.namespace)) }
        return verbs
    }

    /// Before 1.35 exec over WebSocket is a `get`, since then also a `create`.
    static func execPermissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "create"].map {
            ResourceAttributes(verb: $0, resource: "pods", subresource: "exec", namespace: scope.namespace)
        }
    }

    func examine(_ target: FaultTarget, _ client: KubernetesClient) async throws -> [String] {
        let candidates = try await processes(target, client).named(spec.process)
        return ["it would hit \(try describe(victim(of: candidates), among: candidates, target))"]
    }

    /// Which process it is, and of several of its name which one: the end of a child need not end the container.
    func describe(_ process: ContainerProcess, among candidates: [ContainerProcess], _ target: FaultTarget) -> String {
        let name = "\(spec.process), pid \(process.pid) in container \(target.container)"
        guard candidates.count > 1 else { return name }
        let isChild = candidates.contains { $0.pid == process.parent }
        let which = isChild ? "a child of pid \(process.parent) of the same name" : "the youngest"
        return "\(name) (\(which); \(candidates.count) processes have that name)"
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let processes = processes(target, context.client)
        let candidates = try await processes.named(spec.process)
        let process = try victim(of: candidates)
        if spec.signal == .stop {
            let intent = try context.intend(
                .continueProcess, "continue process \(process.pid) in pod \(target.namespace)/\(target.pod)",
                [
                    "namespace": .string(target.namespace), "pod": .string(target.pod), "uid": .string(target.podUID),
                    "container": .string(target.container), "process": .string(spec.process), "pid": .integer(Int64(process.pid)),
                    "startTime": .string(process.startTime),
                ])
            try await context.mark(Pod.self, target.pod, in: target.namespace, with: intent)
        }
        try await processes.signal(spec.signal.rawValue, to: process)
        return "SIG\(spec.signal.rawValue) sent to \(describe(process, among: candidates, target))"
    }

    /// The child where there is a parent of the same name, never PID 1 for a signal that it ignores.
    func victim(of candidates: [ContainerProcess]) throws(FaultError) -> ContainerProcess {
        guard !candidates.isEmpty else {
            throw FaultError(
                .targetNotRunning, "no process is called '\(spec.process)' in the container",
                hint: "see 'kubectl exec POD -- ps', and set fault.processKill.process")
        }
        let pids = Set(candidates.map(\.pid))
        let children = candidates.filter { pids.contains($0.parent) }
        let reachable = (children.isEmpty ? candidates : children).filter { $0.pid != 1 || spec.signal == .terminate }
        guard let process = reachable.last else {
            throw FaultError(
                .notInjected, "'\(spec.process)' is PID 1 of its container, which ignores SIG\(spec.signal.rawValue) from inside",
                hint: "use the fault containerKill")
        }
        return process
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        guard spec.signal == .stop else {
            return try await Proof(context: context, target: target, timeout: timeout).containerRestarted()
        }
        let stopped = try await processes(target, context.client).named(spec.process).filter { $0.state == "T" }
        return FaultEffect(
            proven: !stopped.isEmpty,
            evidence: stopped.isEmpty
                ? ["no process '\(spec.process)' is stopped"]
                : stopped.map { "process \(spec.process), pid \($0.pid), is in state T (stopped)" })
    }

    private func processes(_ target: FaultTarget, _ client: KubernetesClient) -> ContainerProcesses {
        ContainerProcesses(client: client, namespace: target.namespace, pod: target.pod, container: target.container)
    }
}
