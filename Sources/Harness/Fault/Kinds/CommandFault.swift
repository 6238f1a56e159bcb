import Experiment
import JSON
import Journal
import Kubernetes

/// Any pair of commands, with a third that tells whether the fault is in effect.
struct CommandFault: FaultInjection {
    let spec: FaultSpec.Command

    func plan(_ target: FaultTarget) -> [String] {
        var lines = [spec.inject, spec.probe].map { "run: \(HookCommand($0, target, timeout: spec.timeout).text)" }
        if let undo = spec.undo { lines.append("run: \(HookCommand(undo, target, timeout: spec.timeout).text)") }
        return lines
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] { [] }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        if let undo = spec.undo {
            let command = HookCommand(undo, target, timeout: spec.timeout)
            let intent = try context.intend(
                .runCommand, "run: \(command.text)",
                [
                    "arguments": .array(command.arguments.map(JSONValue.string)), "timeout": .string(spec.timeout.gep2257),
                    "namespace": .string(target.namespace), "lease": .string(target.lease),
                ])
            try await context.mark(Lease.self, target.lease, in: target.namespace, with: intent)
        }
        return try await HookCommand(spec.inject, target, timeout: spec.timeout).run(for: context.client)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        let probe = HookCommand(spec.probe, target, timeout: spec.timeout)
        do {
            return FaultEffect(proven: true, evidence: [try await probe.run(for: context.client)])
        } catch let error as FaultError {
            return FaultEffect(proven: false, evidence: [error.description])
        }
    }
}
