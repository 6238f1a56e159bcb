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

    /// The permissions for exec. Before Kubernetes 1.35, exec over WebSocket is a `get`, since then also a `create`.
    static func permissions(in namespace: String) -> [ResourceAttributes] {
        ["get", "create"].map { ResourceAttributes(verb: $0, resource: "pods", subresource: "exec", namespace: namespace) }
    }

    /// - Parameter deadline: the timeout of the whole exec, which a dead node would otherwise block for most of a minute.
    func execute(_ script: String, _ arguments: [String], deadline: Duration = .seconds(15)) async throws -> ExecResult {
        try await client.exec(
            ["sh", "-c", script, "sh"] + arguments, pod: pod, in: namespace, container: container, deadline: deadline)
    }

    /// Returns the output of a script, which must exit with 0.
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

    /// The variable that marks the processes of a fault and their children.
    static let mark = "AFTERSHOCK_FAULT"

    /// Kills the remaining processes of a fault's mark, whose exec was interrupted.
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
