import Journal
import Kubernetes

struct ContinueProcess: UndoAction {
    static let kind = "continueProcess"

    var namespace: String
    var pod: String
    var uid: String
    var container: String
    var process: String
    var pid: Int
    var startTime: String

    var summary: String { "continue process \(pid) in pod \(namespace)/\(pod)" }
    var object: MarkedObject { .pod(pod, in: namespace) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        guard let found = try await undo.client.find(Pod.self, pod, in: namespace), found.metadata.uid == uid else {
            return "pod \(namespace)/\(pod) (uid \(uid)) is gone, and its processes with it"
        }
        // The mark was put on the pod before the process was stopped.
        guard try undo.carries(found.metadata, intent) else {
            return "pod \(namespace)/\(pod) does not carry this run's mark: none of its processes was stopped by it, or it runs again"
        }
        let processes = ContainerProcesses(
            shell: ContainerShell(undo.client, namespace: namespace, pod: pod, container: container))
        let stopped = try await processes.named(process).first { $0.startTime == startTime }
        if let stopped, stopped.state == "T" { try await processes.signal("CONT", to: stopped) }
        let after = try await processes.named(process).first { $0.startTime == startTime }
        guard after?.state != "T" else { throw FaultError(.notInjected, "process \(process) in pod \(namespace)/\(pod) is still stopped") }
        try await undo.unmark(Pod.self, pod, in: namespace, of: intent)
        return after == nil
            ? "process \(process) in pod \(namespace)/\(pod) has ended since" : "process \(process) in pod \(namespace)/\(pod) runs"
    }
}
