import Experiment
import Journal
import Kubernetes

/// Runs the experiment's undo command. The mark is on the node that the command restores, or else on the Lease.
struct RunCommand: UndoAction {
    static let kind = "runCommand"

    var arguments: [String]
    var timeout: DurationText
    var node: String?
    /// The time within which the node must be Ready again.
    var readyWithin: DurationText?
    var namespace: String?
    var lease: String?

    init(_ command: HookCommand, node: String, readyWithin: Duration) {
        arguments = command.arguments
        timeout = DurationText(command.timeout)
        self.node = node
        self.readyWithin = DurationText(readyWithin)
    }

    init(_ command: HookCommand, namespace: String, lease: String) {
        arguments = command.arguments
        timeout = DurationText(command.timeout)
        self.namespace = namespace
        self.lease = lease
    }

    private var command: HookCommand { HookCommand(arguments: arguments, timeout: timeout.duration) }

    var summary: String { "run: \(command.text)" }

    var object: MarkedObject { node.map(MarkedObject.node) ?? .lease(lease ?? "", in: namespace ?? "") }

    var consent: String? { "a command that a journal or a mark names is run only with --run-commands" }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let ended = try await command.run(for: undo.client)
        if let node { return "\(ended); \(try await becomesReady(node, intent, undo))" }
        if let lease, let namespace { try await undo.unmarkLease(lease, in: namespace, of: intent) }
        return ended
    }

    private func becomesReady(_ node: String, _ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let within = readyWithin?.duration ?? Undo.timeout
        let ready = try await firstResult(within: within) { () async throws -> Bool? in
            try await undo.client.firstState(Node.self, node, in: nil) { $0?.isReady == true ? true : nil }
        }
        guard ready == true else {
            throw FaultError(.notInjected, "node \(node) was not Ready within \(within.text) after '\(command.text)'")
        }
        try await undo.unmark(Node.self, node, in: nil, of: intent)
        return "node \(node) is Ready"
    }
}
