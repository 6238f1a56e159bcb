import Experiment
import Journal
import Kubernetes
import KubernetesAPI

/// Fails the node by a command: powers it off, stops its kubelet, or cuts its network. Another command restores it.
struct NodeFailureFault: FaultInjection {
    static let kind = "nodeFailure"
    static let summary = "Fails the pod's node by a command: power off, stop the kubelet, cut the network."
    static let fields: [Format.Field] = [
        .required("inject", .strings, "The command that fails the node; {node} is its name."),
        .required("undo", .strings, "The command that restores the node."),
        .optional("timeout", .positive, .duration(.seconds(60)), "The timeout of each command."),
        .optional("noticedWithin", .positive, .duration(.seconds(120)), "The time within which the node must show as not ready."),
        .optional("readyWithin", .positive, .duration(.seconds(300)), "The time within which the node must be ready again after the undo."),
        .optional("remedy", .object(NodeLossRemedy.fields), "The help that is given if no other pod has taken over by then."),
    ]
    static let manual = [
        FaultManual(
            "`nodeFailure`", happens: "a command of the experiment", proof: "the node is not Ready", restored: "another command",
            restoredProof: "the node is Ready")
    ]
    static var undoActions: [any UndoAction.Type] { [RunCommand.self, RemoveOutOfService.self, RestoreNode.self] }

    /// The argument vectors of both commands.
    let commands: (inject: [String], undo: [String])
    let timeout: Duration
    let noticedWithin: Duration
    let readyWithin: Duration
    let nodeRemedy: NodeLossRemedy?

    init(_ fields: FormatValue, options: FaultOptions) {
        commands = (fields.strings("inject") ?? [], fields.strings("undo") ?? [])
        timeout = fields.requiredDuration("timeout")
        noticedWithin = fields.requiredDuration("noticedWithin")
        readyWithin = fields.requiredDuration("readyWithin")
        nodeRemedy = fields.has("remedy") ? NodeLossRemedy(fields.object("remedy")) : nil
    }

    var remedy: (any Remedy)? { nodeRemedy }

    var takesNode: Bool { true }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "run: \(HookCommand(commands.inject, target, timeout: timeout).text)",
            "wait up to \(noticedWithin.text) for node \(target.node) to show as not ready",
        ] + (nodeRemedy?.plan(target) ?? []) + [
            "run: \(HookCommand(commands.undo, target, timeout: timeout).text)",
            "wait up to \(readyWithin.text) for node \(target.node) to be Ready",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["get", "list", "watch", "patch"].map { ResourceAttributes(verb: $0, resource: "nodes") } + (nodeRemedy?.permissions(scope) ?? [])
    }

    /// Reports how long the pod stays on a lost node, and whether it stays there until somebody acts.
    func preflight(_ subject: FaultSubject) async throws -> [PreflightCheck] {
        var checks = try await nodeRemedy?.preflight(subject) ?? []
        if subject.pod.metadata.controller?.kind == "StatefulSet" {
            checks.append(
                PreflightCheck(
                    name: "node-loss", status: .warning,
                    message:
                        "a StatefulSet's pod is not replaced while its node is only lost: it waits until the old pod is known to be gone",
                    hint: "for an outage that lasts put the taint \(TaintKey.outOfService) on the node"))
        }
        let key = TaintKey.unreachable
        let tolerated = (subject.pod.spec.tolerations ?? []).first { $0.key == key || $0.key == nil && $0.operator == "Exists" }
        if let tolerated, let seconds = tolerated.tolerationSeconds {
            checks.append(
                PreflightCheck(
                    name: "toleration", status: .passed, message: "the pod stays on a lost node for \(seconds) s before it is deleted"))
        } else if tolerated != nil {
            checks.append(
                PreflightCheck(
                    name: "toleration", status: .warning, message: "the pod tolerates \(key) without an end: it stays on a lost node",
                    hint: "set tolerationSeconds"))
        }
        return checks
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await client.rehearseMark(Node.self, target.node, in: nil, of: RunCommand.self)
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let undo = HookCommand(commands.undo, target, timeout: timeout)
        let intent = try context.intend(
            RunCommand(undo, node: target.node, readyWithin: readyWithin))
        try await context.mark(Node.self, target.node, in: nil, with: intent)
        return try await HookCommand(commands.inject, target, timeout: timeout).run(for: context.client)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let noticed = try await firstResult(within: noticedWithin) { () async throws -> Node? in
            try await context.client.firstState(Node.self, target.node, in: nil) { node in node.flatMap { $0.isReady ? nil : $0 } }
        }
        guard let noticed else {
            return FaultEffect(
                proven: false,
                evidence: ["node \(target.node) was still Ready \(noticedWithin.text) after the command had ended with 0"])
        }
        return FaultEffect(proven: true, evidence: ["node \(target.node): Ready is \(noticed.readiness)"])
    }
}
