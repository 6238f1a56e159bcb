import KubernetesAPI

/// A command to run in a container.
struct ExecRequest: Sendable {
    var namespace: String
    var pod: String
    var container: String?
    var command: [String]
    var hasInput: Bool

    /// v5 lets the client close standard input; v4 is what servers before 1.29 and their container runtimes speak.
    /// Asking for v5 alone gets a 403 from those.
    static let subprotocols = ExecProtocol.allCases.map(\.rawValue)

    var target: String {
        var request = KubernetesRequest(
            path: KubernetesRequest.path(Pod.self, version: "v1", namespace: namespace, name: pod, subresource: "exec"))
        if let container { request.query.append(("container", container)) }
        request.query += command.map { ("command", $0) }
        request.query += [("stdout", "true"), ("stderr", "true")]
        if hasInput { request.query.append(("stdin", "true")) }
        return request.target
    }

    var description: String {
        "GET \(KubernetesRequest.path(Pod.self, version: "v1", namespace: namespace, name: pod, subresource: "exec"))"
    }
}
