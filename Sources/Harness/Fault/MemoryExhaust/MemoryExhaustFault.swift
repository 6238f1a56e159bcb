import Experiment
import Journal
import Kubernetes

/// Takes memory up to the container's limit, so that the kernel kills the server in it.
///
/// Many small processes take memory in the container's control group until the kernel must kill a process of the group. It kills the one
/// with the most memory and the highest `oom_score_adj`, which this fault raises for the server's processes.
///
/// Source: https://docs.kernel.org/filesystems/proc.html (3.1), https://docs.kernel.org/admin-guide/cgroup-v2.html (memory)
struct MemoryExhaustFault: FaultInjection {
    static let kind = "memoryExhaust"
    static let summary = "Fills the container's memory up to its limit, so that the kernel kills the server (OOMKilled)."
    static let fields: [Format.Field] = [
        .optional("process", .text, .string("sqlservr"), "The name of the processes that the kernel is to kill first."),
        .optional("timeout", .positive, .duration(.seconds(120)), "The time limit of filling the memory."),
    ]
    static let manual = [
        FaultManual(
            "`memoryExhaust`", happens: "memory is taken in the container up to its limit, until the kernel kills the server",
            proof: "another container in the pod, the reason OOMKilled or exit code 137",
            restored: "the process that took it, and the server's `oom_score_adj`, where the container lives on",
            restoredProof: "the container has ended, or its processes have the values that they had")
    ]
    static var undoActions: [any UndoAction.Type] { [CalmMemory.self] }

    let process: String
    let timeout: Duration

    init(_ fields: FormatValue, options: FaultOptions) {
        process = fields.requiredText("process")
        timeout = fields.requiredDuration("timeout")
    }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "name the processes '\(process)' in container \(target.container) of pod \(target.namespace)/\(target.pod) to the kernel as the first to kill",
            "take memory in that container, by exec, until its limit is reached and the kernel kills them",
            "end the process that took it, where it is still there",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ContainerShell.permissions(in: scope.namespace) + [ResourceAttributes(verb: "patch", resource: "pods", namespace: scope.namespace)]
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await client.rehearseMark(Pod.self, target.pod, in: target.namespace, of: CalmMemory.self)
    }

    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        let target = subject.instance
        let container = subject.pod.spec.containers.first { $0.name == target.container }
        guard let text = container?.resources?.limits?["memory"], let limit = Quantity.bytes(text) else {
            throw FaultError(
                .refused, "container \(target.container) has no memory limit: to exhaust its memory would exhaust its node's",
                hint: "set resources.limits.memory of the container")
        }
        let shell = ContainerShell(subject.client, target)
        let enforced = try await shell.run(Self.limitScript, []).split(separator: "\n").compactMap { Int64($0) }
        // The kernel rounds down to whole pages.
        guard enforced.contains(where: { $0 <= limit && $0 > limit - 65_536 }) else {
            let seen = enforced.first.map { "\($0) bytes" } ?? "none"
            throw FaultError(
                .refused,
                "nothing enforces the memory limit \(text) of container \(target.container): its control group's limit is \(seen), as in the sandbox",
                hint: "run this experiment on a cluster whose nodes have control groups")
        }
        let victims = try await victims(shell)
        return [
            PreflightCheck(
                name: "fault", status: .passed,
                message:
                    "it would fill the \(text) of container \(target.container); the kernel would kill \(counted(victims.count, "process", "processes")) '\(process)'"
            )
        ]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let shell = ContainerShell(context.client, target)
        let victims = try await victims(shell)
        let undo = CalmMemory(
            namespace: target.namespace, pod: target.pod, uid: target.podUID, container: target.container, containerID: target.containerID,
            victims: victims, mark: "memory-\(context.runID)")
        let intent = try context.intend(undo)
        try await context.mark(Pod.self, target.pod, in: target.namespace, with: intent)
        let result = try await shell.execute(Self.script, [undo.mark] + victims.map { "\($0.pid)" }, deadline: timeout)
        // On success the shell dies with its container, so that its exit code may be lost.
        guard ContainerProcesses.mayHaveEndedWithItsContainer(result.outcome) else {
            throw FaultError(
                .notInjected,
                "the memory of container \(target.container) could not be exhausted: \(result.text)\(result.errorText)\(result.outcome)",
                hint: "does the container's user own the processes '\(process)', and does swap keep its limit from being reached?")
        }
        return
            "memory taken up to the limit of container \(target.container), with \(counted(victims.count, "process", "processes")) '\(process)' as the first to be killed"
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let proof = Proof(context: context, target: target, timeout: timeout)
        let effect = try await proof.containerRestarted()
        guard effect.proven else { return effect }
        let pod = try await context.client.get(Pod.self, target.pod, in: target.namespace)
        let status = pod.containerStatus(target.container)
        guard let ended = status?.state?.terminated ?? status?.lastState?.terminated, ended.reason == "OOMKilled" || ended.exitCode == 137
        else {
            return FaultEffect(
                proven: false, evidence: effect.evidence + ["the container has not ended by the kernel's hand: no OOMKilled, no 137"])
        }
        return FaultEffect(proven: true, evidence: effect.evidence + ["\(ended.reason ?? "no reason"), exit code \(ended.exitCode)"])
    }

    /// Returns the processes to kill, with their current values.
    private func victims(_ shell: ContainerShell) async throws -> [CalmMemory.Victim] {
        let found = try await ContainerProcesses(shell: shell).named(process)
        guard !found.isEmpty else {
            throw FaultError(
                .targetNotRunning, "no process is called '\(process)' in the container",
                hint: "see 'kubectl exec POD -- ps', and set fault.memoryExhaust.process")
        }
        let values = try await shell.run(CalmMemory.valuesScript, found.map { "\($0.pid)" }).split(separator: "\n").compactMap { Int($0) }
        guard values.count == found.count else {
            throw FaultError(.notInjected, "the oom_score_adj of the processes '\(process)' cannot be read")
        }
        return zip(found, values).map { CalmMemory.Victim(pid: $0.pid, startTime: $0.startTime, value: $1) }
    }

    private static let limitScript = """
        for f in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do cat "$f" 2>/dev/null; done
        exit 0
        """

    /// `tail` keeps a whole line, and this line never ends. Together the processes keep more than the limit.
    private static let script = """
        \(ContainerShell.mark)=$1
        export \(ContainerShell.mark)
        shift
        for pid in "$@"; do
          echo 1000 >"/proc/$pid/oom_score_adj" || exit 3
        done
        limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes)
        i=0
        while [ $i -lt 72 ]; do
          { head -c "$((limit / 64))" /dev/zero; sleep 20; } | tail >/dev/null 2>&1 &
          i=$((i + 1))
        done
        wait
        echo "more than the limit was taken, and the kernel killed none of the server's processes"
        exit 4
        """
}
