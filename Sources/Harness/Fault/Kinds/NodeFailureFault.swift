import Experiment
import JSON
import Journal
import Kubernetes

/// The node is failed by a command: powered off, its kubelet stopped, its network cut. Another command brings it back.
struct NodeFailureFault: FaultInjection {
    let spec: FaultSpec.NodeFailure

    func plan(_ target: FaultTarget) -> [String] {
        [
            "run: \(HookCommand(spec.inject, target, timeout: spec.timeout).text)",
            "wait up to \(spec.noticedWithin.gep2257) for node \(target.node) to show as not ready",
            "run: \(HookCommand(spec.undo, target, timeout: spec.timeout).text)",
            "wait up to \(spec.readyWithin.gep2257) for node \(target.node) to be Ready",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") }
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let undo = HookCommand(spec.undo, target, timeout: spec.timeout)
        let intent = try context.intend(
            .runCommand, "run: \(undo.text)",
            [
                "arguments": .array(undo.arguments.map(JSONValue.string)), "timeout": .string(spec.timeout.gep2257),
                "node": .string(target.node), "readyWithin": .string(spec.readyWithin.gep2257),
            ])
        try await context.mark(Node.self, target.node, in: nil, with: intent)
        return try await HookCommand(spec.inject, target, timeout: spec.timeout).run(for: context.client)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let noticed = try await firstResult(within: spec.noticedWithin) { () async throws -> Node? in
            try await context.client.firstState(Node.self, target.node, in: nil) { node in node.flatMap { $0.isReady ? nil : $0 } }
        }
        guard let noticed else {
            return FaultEffect(
                proven: false,
                evidence: ["node \(target.node) was still Ready \(spec.noticedWithin.gep2257) after the command had ended with 0"])
        }
        return FaultEffect(proven: true, evidence: ["node \(target.node): Ready is \(noticed.readiness)"])
    }
}
