import Experiment
import Journal
import Kubernetes

/// Sends a signal to a named process inside the container.
///
/// SQL Server is a parent process that watches a child of the same name; the target is the child. PID 1 ignores SIGKILL and SIGSTOP from
/// inside its PID namespace (pid_namespaces(7)) and cannot be their target.
struct ProcessKillFault: FaultInjection {
    static let kind = "processKill"
    static let summary = "Signals a process inside the container."
    static let fields: [Format.Field] = [
        .optional("process", .text, .string("sqlservr"), "The process's name; of a parent and child of one name the child."),
        .optional("signal", .choice(Signal.allCases.map(\.rawValue)), .string("KILL"), "The signal; STOP freezes it."),
        .optional("resumeAfter", .positive, .duration(.seconds(15)), "For STOP: when SIGCONT is sent."),
    ]
    static let manual = [
        FaultManual(
            "`processKill`", happens: "SIGKILL or SIGTERM to a process in the container, by exec",
            proof: "the container has ended, or another one runs in the pod"),
        FaultManual(
            "`processKill`, `STOP`", happens: "SIGSTOP, and SIGCONT after `resumeAfter`", proof: "the process is in state T",
            restored: "SIGCONT", restoredProof: "it is not in state T"),
    ]
    static var undoActions: [any UndoAction.Type] { [ContinueProcess.self] }

    enum Signal: String, Sendable, CaseIterable {
        case kill = "KILL"
        case terminate = "TERM"
        /// SIGSTOP, and SIGCONT after `resumeAfter`: the server is frozen while its kernel still accepts TCP connections.
        case stop = "STOP"
    }

    /// The process's name as in `/proc/PID/comm`.
    let process: String
    let signal: Signal
    let resumeAfter: Duration

    init(_ fields: FormatValue, options: FaultOptions) {
        process = fields.requiredText("process")
        signal = fields.choice("signal")
        resumeAfter = fields.requiredDuration("resumeAfter")
    }

    var replacesPod: Bool { false }

    var sparesInstance: Bool { signal == .stop }

    var undoAfter: Duration? { signal == .stop ? resumeAfter : nil }

    func plan(_ target: FaultTarget) -> [String] {
        let what = "send SIG\(signal.rawValue) to process '\(self.process)' in container \(target.container)"
        var lines = ["\(what) of pod \(target.namespace)/\(target.pod), by exec"]
        if signal == .stop { lines.append("send it SIGCONT after \(resumeAfter.text)") }
        return lines
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        var verbs = ContainerShell.permissions(in: scope.namespace)
        if signal == .stop { verbs.append(ResourceAttributes(verb: "patch", resource: "pods", namespace: scope.namespace)) }
        return verbs
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let candidates = try await processes(subject.instance, subject.client).named(process)
        let victim = describe(try victim(of: candidates), among: candidates, subject.instance)
        return [PreflightCheck(name: "fault", status: .passed, message: "it would hit \(victim)")]
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        guard signal == .stop else { return }
        try await client.rehearseMark(Pod.self, target.pod, in: target.namespace, of: ContinueProcess.self)
    }

    /// Describes the process, and which one of several with its name it is: the end of a child need not end the container.
    func describe(_ process: ContainerProcess, among candidates: [ContainerProcess], _ target: FaultTarget) -> String {
        let name = "\(self.process), pid \(process.pid) in container \(target.container)"
        guard candidates.count > 1 else { return name }
        let isChild = candidates.contains { $0.pid == process.parent }
        let which = isChild ? "a child of pid \(process.parent) of the same name" : "the youngest"
        return "\(name) (\(which); \(candidates.count) processes have that name)"
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let processes = processes(target, context.client)
        let candidates = try await processes.named(self.process)
        let process = try victim(of: candidates)
        if signal == .stop {
            let intent = try context.intend(
                ContinueProcess(
                    namespace: target.namespace, pod: target.pod, uid: target.podUID, container: target.container, process: self.process,
                    pid: process.pid, startTime: process.startTime))
            try await context.mark(Pod.self, target.pod, in: target.namespace, with: intent)
        }
        try await processes.signal(signal.rawValue, to: process)
        return "SIG\(signal.rawValue) sent to \(describe(process, among: candidates, target))"
    }

    /// Returns the child if it has a parent of the same name, and never PID 1 for a signal that it ignores.
    func victim(of candidates: [ContainerProcess]) throws(FaultError) -> ContainerProcess {
        guard !candidates.isEmpty else {
            throw FaultError(
                .targetNotRunning, "no process is called '\(self.process)' in the container",
                hint: "see 'kubectl exec POD -- ps', and set fault.processKill.process")
        }
        let pids = Set(candidates.map(\.pid))
        let children = candidates.filter { pids.contains($0.parent) }
        let reachable = (children.isEmpty ? candidates : children).filter { $0.pid != 1 || signal == .terminate }
        guard let process = reachable.last else {
            throw FaultError(
                .notInjected, "'\(self.process)' is PID 1 of its container, which ignores SIG\(signal.rawValue) from inside",
                hint: "use the fault containerKill")
        }
        return process
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        guard signal == .stop else {
            return try await Proof(context: context, target: target, timeout: timeout).containerRestarted()
        }
        let stopped = try await processes(target, context.client).named(self.process).filter { $0.state == "T" }
        return FaultEffect(
            proven: !stopped.isEmpty,
            evidence: stopped.isEmpty
                ? ["no process '\(self.process)' is stopped"]
                : stopped.map { "process \(self.process), pid \($0.pid), is in state T (stopped)" })
    }

    private func processes(_ target: FaultTarget, _ client: KubernetesClient) -> ContainerProcesses {
        ContainerProcesses(shell: ContainerShell(client, target))
    }
}
