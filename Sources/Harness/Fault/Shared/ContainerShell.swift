import Kubernetes

/// Runs POSIX shell scripts in a container, by exec.
struct ContainerShell: Sendable {
    let client: KubernetesClient
    let namespace: String
    let pod: String
    let container: String

    init(_ client: KubernetesClient, _ target: FaultTarget) {
        self.init(client, namespace: target.namespace, pod: target.pod, container: target.container)
    }

    init(_ client: KubernetesClient, namespace: String, pod: String, container: String) {
        self.client = client
        self.namespace = namespace
        self.pod = pod
        self.container = container
    }

    /// The permissions for exec. Before 1.35 exec over WebSocket is a `get`, since then also a `create`.
    static func permissions(in namespace: String) -> [ResourceAttributes] {
        ["get", "create"].map { ResourceAttributes(verb: $0, resource: "pods", subresource: "exec", namespace: namespace) }
    }

    /// - Parameter deadline: for the whole of it; a dead node would block it for the better part of a minute.
    func execute(_ script: String, _ arguments: [String], deadline: Duration = .seconds(15)) async throws -> ExecResult {
        try await client.exec(
            ["sh", "-c", script, "sh"] + arguments, pod: pod, in: namespace, container: container, deadline: deadline)
    }

    /// Returns the output of a script that has to end with 0.
    func run(_ script: String, _ arguments: [String], deadline: Duration = .seconds(15)) async throws -> String {
        try text(try await execute(script, arguments, deadline: deadline))
    }

    func text(_ result: ExecResult) throws(FaultError) -> String {
        guard result.isSuccess else {
            let words = result.errorText.split(separator: "\n").joined(separator: "; ")
            throw FaultError(
                .notInjected, "in container \(container) of pod \(pod): \(words.isEmpty ? "\(result.outcome)" : words)",
                hint: "the container needs a POSIX shell and /proc")
        }
        return result.text
    }

    /// The variable by which the processes of a fault are known, with what they start.
    static let mark = "AFTERSHOCK_FAULT"

    /// Kills the processes that a fault has started under a name and that are still there, because their exec was cut off.
    func killMarked(_ name: String) async throws {
        let script = """
            for d in /proc/[0-9]*; do
              tr '\\0' '\\n' <"$d/environ" 2>/dev/null | grep -q "^\(Self.mark)=$1$" && kill -s KILL "${d#/proc/}" 2>/dev/null
            done
            exit 0
            """
        _ = try await run(script, [name])
    }
}
