import Experiment
import JSON
import Journal
import Kubernetes

extension Undo {
    /// The time for which an undo's effect is waited for.
    private static let patience = Duration.seconds(60)

    func uncordon(_ intent: UndoIntent) async throws -> String {
        let name = try intent.text("node")
        guard try await client.find(Node.self, name) != nil else { return "node \(name) is no longer part of the cluster" }
        guard try await unmark(Node.self, name, in: nil, of: intent, and: { _ in ["spec": ["unschedulable": nil]] }) else {
            return "node \(name) does not carry this run's mark: it was not cordoned by it, or is uncordoned already"
        }
        let after = try await client.get(Node.self, name)
        guard !after.isCordoned else { throw FaultError(.notInjected, "node \(name) is still unschedulable") }
        return "node \(name) is schedulable"
    }

    func removeTaint(_ intent: UndoIntent) async throws -> String {
        let (name, key, effect) = (try intent.text("node"), try intent.text("key"), try intent.text("effect"))
        guard try await client.find(Node.self, name) != nil else { return "node \(name) is no longer part of the cluster" }
        let unmarked = try await unmark(Node.self, name, in: nil, of: intent) { node in
            let others = (node.spec?.taints ?? []).filter { $0.key != key || $0.effect != effect }
            return ["spec": ["taints": others.isEmpty ? nil : try JSONValue(encoding: others)]]
        }
        guard unmarked else { return "node \(name) does not carry this run's mark: it was not tainted by it, or is not any more" }
        let after = try await client.get(Node.self, name)
        guard !(after.spec?.taints ?? []).contains(where: { $0.key == key && $0.effect == effect }) else {
            throw FaultError(.notInjected, "node \(name) still has the taint \(key):\(effect)")
        }
        return "node \(name) has no taint \(key):\(effect)"
    }

    func deletePod(_ intent: UndoIntent) async throws -> String {
        let (namespace, name) = (try intent.text("namespace"), try intent.text("pod"))
        guard let pod = try await client.find(Pod.self, name, in: namespace) else { return "pod \(namespace)/\(name) is gone" }
        // By its own grace period: the object is gone then when the kubelet has seen its processes end, and not before.
        try await client.delete(Pod.self, name, in: namespace, options: DeleteOptions(uid: pod.metadata.uid))
        let gone = try await firstResult(within: Self.patience) { () async throws -> Bool? in
            try await client.firstState(Pod.self, name, in: namespace) { $0?.metadata.uid == pod.metadata.uid ? nil : true }
        }
        guard gone == true else { throw FaultError(.notInjected, "pod \(namespace)/\(name) is still there") }
        return "pod \(namespace)/\(name) is gone"
    }

    func continueProcess(_ intent: UndoIntent) async throws -> String {
        let (namespace, name, uid) = (try intent.text("namespace"), try intent.text("pod"), try intent.text("uid"))
        let (container, process, start) = (try intent.text("container"), try intent.text("process"), try intent.text("startTime"))
        guard let pod = try await client.find(Pod.self, name, in: namespace), pod.metadata.uid == uid else {
            return "pod \(namespace)/\(name) (uid \(uid)) is gone, and its processes with it"
        }
        let processes = ContainerProcesses(client: client, namespace: namespace, pod: name, container: container)
        let stopped = try await processes.named(process).first { $0.startTime == start }
        if let stopped, stopped.state == "T" { try await processes.signal("CONT", to: stopped) }
        try await unmark(Pod.self, name, in: namespace, of: intent)
        let after = try await processes.named(process).first { $0.startTime == start }
        guard after?.state != "T" else { throw FaultError(.notInjected, "process \(process) in pod \(namespace)/\(name) is still stopped") }
        return after == nil
            ? "process \(process) in pod \(namespace)/\(name) has ended since" : "process \(process) in pod \(namespace)/\(name) runs"
    }

    func runCommand(_ intent: UndoIntent) async throws -> String {
        guard let arguments = intent.parameters["arguments"]?.array?.compactMap(\.string),
            let timeout = Duration(gep2257: try intent.text("timeout"))
        else {
            throw FaultError(.notInjected, "the undo intent 'runCommand' is damaged")
        }
        let command = HookCommand(arguments: arguments, timeout: timeout)
        let ended = try await command.run(for: client)
        guard let name = intent.parameters["node"]?.string,
            let within = intent.parameters["readyWithin"]?.string.flatMap({ Duration(gep2257: $0) })
        else {
            let (namespace, lease) = (try intent.text("namespace"), try intent.text("lease"))
            if try await client.find(Lease.self, lease, in: namespace) != nil {
                try await unmark(Lease.self, lease, in: namespace, of: intent)
            }
            return ended
        }
        let ready = try await firstResult(within: within) { () async throws -> Bool? in
            try await client.firstState(Node.self, name, in: nil) { $0?.isReady == true ? true : nil }
        }
        guard ready == true else {
            throw FaultError(.notInjected, "node \(name) was not Ready within \(within.gep2257) after '\(command.text)'")
        }
        try await unmark(Node.self, name, in: nil, of: intent)
        return "\(ended); node \(name) is Ready"
    }
}
