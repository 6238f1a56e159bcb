import Experiment
import JSON
import Journal
import Kubernetes
import KubernetesAPI

/// SIGKILL to the container's init, from a helper pod in the node's PID namespace: from inside, PID 1 cannot be killed.
///
/// The helper finds the process by the container's ID in `/proc/PID/cgroup`, or in the variable `AFTERSHOCK_CONTAINER_ID` of its
/// environment where containers have no cgroup of their own (the sandbox), and takes the one whose innermost PID is 1, or the oldest.
struct ContainerKillFault: FaultInjection {
    static let kind = "containerKill"
    static let summary = "Kills the container's init from its node, by a helper pod."
    static let fields: [Format.Field] = [
        .optional("helperImage", .text, .string("busybox:1.36"), "The helper pod's image: any with a POSIX shell."),
        .optional("helperNamespace", .dnsName, "The helper pod's namespace. Default: the target's namespace."),
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
            "send SIGKILL to the init of container \(target.container) (\(target.containerID)) of pod \(target.namespace)/\(target.pod)",
            "delete the helper pod",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] {
        ["create", "get", "list", "watch", "delete"].map {
            ResourceAttributes(verb: $0, resource: "pods", namespace: helperNamespace ?? scope.namespace)
        } + [ResourceAttributes(verb: "get", resource: "pods", subresource: "log", namespace: helperNamespace ?? scope.namespace)]
    }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        let namespace = namespace(target)
        let pod = manifest("aftershock-kill-rehearsal", node: target.node, containerID: "none", runID: "rehearsal", mark: [:])
        do throws(KubernetesError) {
            _ = try await client.create(Pod.self, pod, in: namespace, dryRun: true)
        } catch {
            guard [.forbidden, .invalid, .notFound].contains(error.code) else { throw error }
            throw FaultError(
                .refused, "the helper pod may not be created in namespace \(namespace): \(error.message)",
                hint: "set helperNamespace of fault.containerKill to a namespace that takes a privileged pod with hostPID")
        }
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
            try await context.client.firstState(Pod.self, name, in: namespace) { pod in
                pod.flatMap { $0.isFinished || $0.cannotStart != nil ? $0 : nil }
            }
        }
        if let reason = finished?.cannotStart {
            throw FaultError(
                .notInjected, "helper pod \(namespace)/\(name) cannot start on node \(target.node): \(reason)",
                hint: "name an image that the node can have: --helper-image, or helperImage of fault.containerKill")
        }
        guard let finished else {
            throw FaultError(
                .notInjected, "helper pod \(namespace)/\(name) did not finish within \(Self.deadline.text)",
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

    /// Where containers share a PID namespace, the container's init is not PID 1: then it is the oldest of its processes whose parent is
    /// none of them. Processes that were started by exec have such a parent too.
    private static let script = """
        id=$1 found=' '
        for d in /proc/[0-9]*; do
          grep -q "$id" "$d/cgroup" 2>/dev/null || tr '\\0' '\\n' <"$d/environ" 2>/dev/null | grep -q "^AFTERSHOCK_CONTAINER_ID=$id$" || continue
          set -- $(grep '^NSpid:' "$d/status" 2>/dev/null)
          [ $# -ge 3 ] && found="$found${d#/proc/} "
        done
        init='' oldest=''
        for pid in $found; do
          stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
          set -- ${stat##*) }
          case "$found" in *" $2 "*) continue ;; esac
          start=${20}
          set -- $(grep '^NSpid:' "/proc/$pid/status" 2>/dev/null)
          [ $# -ge 3 ] || continue
          shift $(($# - 1))
          [ "$1" = 1 ] && { init=$pid; break; }
          [ -z "$oldest" ] || [ "$start" -lt "$oldest" ] || continue
          init=$pid oldest=$start
        done
        [ -n "$init" ] || { echo "no process on this node is the init of container $id"; exit 3; }
        kill -s KILL "$init" || exit 4
        echo "SIGKILL sent to pid $init on the node, init of container $id"
        """

    private func manifest(_ name: String, node: String, containerID: String, runID: String, mark: JSONValue) -> JSONValue {
        [
            "metadata": [
                "name": .string(name), "labels": [LabelKey.managedBy: "aftershock", "aftershock/run-id": .string(runID)],
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

extension Pod {
    /// The reason for which its container will not start as things are; `nil` while it may.
    fileprivate var cannotStart: String? {
        let never: Set<String> = [
            "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError",
            "CreateContainerError",
        ]
        let waiting = (status?.containerStatuses ?? []).compactMap { $0.state?.waiting }.first { never.contains($0.reason ?? "") }
        return waiting.map { "\($0.reason ?? "")\($0.message.map { ": \($0)" } ?? "")" }
    }
}
