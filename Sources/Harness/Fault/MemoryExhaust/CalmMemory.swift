import Journal
import Kubernetes

/// The end of a process that takes memory in a container, and the return of the server's processes to the kernel's usual order.
struct CalmMemory: UndoAction {
    static let kind = "calmMemory"

    struct Victim: Codable, Sendable, Hashable {
        var pid: Int
        var startTime: String
        /// Its `oom_score_adj` before the fault.
        var value: Int
    }

    var namespace: String
    var pod: String
    var uid: String
    var container: String
    var containerID: String
    var victims: [Victim]
    /// By which the process is known that takes memory.
    var mark: String

    var summary: String { "end what takes memory in container \(container) of pod \(namespace)/\(pod)" }
    var object: MarkedObject { .pod(pod, in: namespace) }

    static let valuesScript = #"for pid in "$@"; do cat "/proc/$pid/oom_score_adj" || exit 3; done"#

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        // The kernel may end the container while it is looked at: its status says so a moment later.
        try await undo.retrying(after: { $0 is KubernetesError }) { try await calmOnce(intent, undo) }
    }

    private func calmOnce(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard let found = try await undo.client.find(Pod.self, pod, in: namespace), found.metadata.uid == uid else {
            return "pod \(namespace)/\(pod) (uid \(uid)) is gone, and its processes with it"
        }
        guard try undo.carries(found.metadata, intent) else {
            return "pod \(namespace)/\(pod) does not carry this run's mark: nothing was done to its memory, or it is undone"
        }
        let evidence = try await calm(found, undo.client)
        try await undo.unmark(Pod.self, pod, in: namespace, of: intent)
        return evidence
    }

    private func calm(_ found: Pod, _ client: KubernetesClient) async throws -> String {
        let status = found.containerStatus(container)
        guard status?.containerID == containerID, status?.state?.running != nil else {
            return "container \(container) (\(containerID)) has ended, and all of its processes with it"
        }
        let shell = ContainerShell(client, namespace: namespace, pod: pod, container: container)
        try await shell.killMarked(mark)
        for victim in victims {
            let result = try await shell.execute(Self.restoreScript, ["\(victim.pid)", victim.startTime, "\(victim.value)"])
            guard result.isSuccess else {
                throw FaultError(
                    .notInjected,
                    "process \(victim.pid) in pod \(namespace)/\(pod) does not have its oom_score_adj \(victim.value) again: \(result.errorText)",
                    hint: "it has it again when its container is restarted")
            }
        }
        return
            "nothing takes memory in container \(container) any more; its \(counted(victims.count, "first victim has its oom_score_adj, or has ended", "first victims have their oom_score_adj, or have ended"))"
    }

    /// Without CAP_SYS_RESOURCE, the value can be lowered down to the one that the container's runtime has set (proc(5)).
    private static let restoreScript = """
        stat=$(cat "/proc/$1/stat" 2>/dev/null) || exit 0
        pid=$1 start=$2 value=$3
        set -- ${stat##*) }
        [ "${20}" = "$start" ] || exit 0
        echo "$value" >"/proc/$pid/oom_score_adj"
        [ "$(cat "/proc/$pid/oom_score_adj")" = "$value" ]
        """
}
