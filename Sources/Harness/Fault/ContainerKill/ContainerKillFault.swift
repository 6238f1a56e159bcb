import Experiment
import JSON
import Journal
import Kubernetes

/// SIGKILL to the container's init, from a helper pod in the node's PID namespace: from inside, PID 1 cannot be killed.
///
/// The helper finds the process by the container's ID in `/proc/PID/cgroup`, or in the variable `AFTERSHOCK_CONTAINER_ID` of its
/// environment where containers have no cgroup of their own (the sandbox), and takes the one whose innermost PID is 1.
struct ContainerKillFault: FaultInjection {
    static let kind = "containerKill"
    static let summary = "Kills the container's init from its node, by a helper pod."
    static let fields: [Format.Field] = [
        .optional("helperImage", .text, .string("busybox:1.36"), "The helper pod's image: any with a POSIX shell."),
        .optional("helperNamespace", .dnsName, "Where the helper pod runs; the target's namespace where not said."),
    ]
    static let manual = [
        FaultManual(
            "`containerKill`", happens: "SIGKILL to the container's init, by a helper pod on the node",
            proof: "another container, exit code 137", restored: "the helper pod", restoredProof: "it is gone")
    ]
    static var undoActions: [any UndoAction.Type] { [DeletePod.self] }

    let image: String
    let helperNamespace: String?

    init(_ fields: FormatValue, options: FaultOptions) {
        image = options.helperImage ?? fields.requiredText("helperImage")
        helperNamespace = fields.text("helperNamespace")
    }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "create a privileged helper pod (image \(image)) with hostPID on node \(target.node) in namespace \(namespace(target))",
            "send SIGKILL to the init of container \(target.containerID) of pod \(target.namespace)/\(target.pod)",
            "delete the helper pod",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["create", "get", "list", "watch", "delete"].map {
            ResourceAttributes(verb: $0, resource: "pods", namespace: helperNamespace ?? scope.namespace)
        } + [ResourceAttributes(verb: "get", resource: "pods", subresource: "log", namespace: helperNamespace ?? scope.namespace)]
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let name = "aftershock-kill-\(context.runID)-\(target.podUID.prefix(8))-\(target.restartCount)"
        let namespace = namespace(target)
        let intent = try context.intend(DeletePod(namespace: namespace, pod: name))
        let digits = target.containerID.split(separator: "/").last.map(String.init) ?? target.containerID
        let mark = try context.undo.annotation(intent, runID: context.runID)
        _ = try await context.client.create(
            Pod.self, manifest(name, node: target.node, containerID: digits, runID: context.runID, mark: mark), in: namespace)
        let finished = try await firstResult(within: Self.deadline) { () async throws -> Pod? in
            try await context.client.firstState(Pod.self, name, in: namespace) { pod in pod.flatMap { $0.isFinished ? $0 : nil } }
        }
        guard let finished else {
            throw FaultError(
                .notInjected, "helper pod \(namespace)/\(name) did not finish within \(Self.deadline.gep2257)",
                hint: "is the image \(image) available on node \(target.node), and are privileged pods allowed in namespace \(namespace)?")
        }
        let words = try await context.client.logs(pod: name, in: namespace).split(separator: "\n").joined(separator: "; ")
        guard finished.status?.phase == "Succeeded" else {
            throw FaultError(.notInjected, "helper pod \(namespace)/\(name) failed: \(words)")
        }
        return words
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).containerRestarted()
    }

    private static let deadline = Duration.seconds(60)

    private func namespace(_ target: FaultTarget) -> String { helperNamespace ?? target.namespace }

    private static let script = """
        for d in /proc/[0-9]*; do
          pid=${d#/proc/}
          grep -q "$1" "$d/cgroup" 2>/dev/null || tr '\\0' '\\n' <"$d/environ" 2>/dev/null | grep -q "^AFTERSHOCK_CONTAINER_ID=$1$" || continue
          set -- "$1" $(grep '^NSpid:' "$d/status" 2>/dev/null)
          [ $# -ge 4 ] || continue
          shift $(($# - 1)); inner=$1; set -- "$ID"
          [ "$inner" = 1 ] || continue
          kill -s KILL "$pid" && { echo "SIGKILL sent to pid $pid on the node, init of container $1"; exit 0; }
          exit 4
        done
        echo "no process on this node is the init of container $1"; exit 3
        """

    private func manifest(_ name: String, node: String, containerID: String, runID: String, mark: JSONValue) -> JSONValue {
        [
            "metadata": [
                "name": .string(name), "labels": ["app.kubernetes.io/managed-by": "aftershock", "aftershock/run-id": .string(runID)],
                "annotations": mark,
            ],
            "spec": [
                "nodeName": .string(node), "hostPID": true, "restartPolicy": "Never", "automountServiceAccountToken": false,
                // Not 0: its object would vanish before its process, which could still kill then.
                "activeDeadlineSeconds": 60, "terminationGracePeriodSeconds": 1,
                "tolerations": [["operator": "Exists"]],
                "containers": [
                    [
                        "name": "kill", "image": .string(image), "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", .string(Self.script), "sh", .string(containerID)],
                        "env": [["name": "ID", "value": .string(containerID)]],
                        "securityContext": ["privileged": true, "runAsUser": 0],
                    ]
                ],
            ],
        ]
    }
}
