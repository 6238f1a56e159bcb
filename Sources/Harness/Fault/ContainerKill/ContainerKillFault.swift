import Experiment
import Journal
import Kubernetes
import KubernetesAPI

/// Sends SIGKILL to the container's init from a helper pod in the node's PID namespace. From inside, PID 1 cannot be killed.
///
/// The helper finds the process by the container's ID in `/proc/PID/cgroup`, or in the variable `AFTERSHOCK_CONTAINER_ID` of its
/// environment where containers have no cgroup of their own (the sandbox), and takes the one whose innermost PID is 1, or the oldest.
struct ContainerKillFault: FaultInjection {
    static let kind = "containerKill"
    static let summary = "Kills the container's init from its node, by a helper pod."
    static let fields = HelperPod.fields(image: "busybox:1.36", needs: "a POSIX shell")
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

    var replacesPod: Bool { false }

    func plan(_ target: FaultTarget) -> [String] {
        [
            "create a privileged helper pod (image \(image)) with hostPID on node \(target.node) in namespace \(helperNamespace ?? target.namespace)",
            "send SIGKILL to the init of container \(target.container) (\(target.containerID)) of pod \(target.namespace)/\(target.pod)",
            "delete the helper pod",
        ]
    }

    func permissions(_ scope: FaultScope) -> [ResourceAttributes] { HelperPod.permissions(in: helperNamespace ?? scope.namespace) }

    func rehearse(_ target: FaultTarget, _ client: KubernetesClient) async throws {
        try await HelperPod.rehearse(target, in: helperNamespace, image: image, fault: Self.kind, client)
    }

    func inject(_ target: FaultTarget, _ context: FaultContext) async throws -> String {
        let helper = HelperPod("kill", for: target, in: helperNamespace, image: image, runID: context.runID)
        let intent = try context.intend(DeletePod(namespace: helper.namespace, pod: helper.name))
        return try await helper.run(
            HelperPod.Script(Self.script, [target.containerDigits]), mark: try context.undo.annotation(intent, runID: context.runID),
            context.client)
    }

    func prove(_ target: FaultTarget, _ context: FaultContext, timeout: Duration) async throws -> FaultEffect {
        try await Proof(context: context, target: target, timeout: timeout).containerRestarted()
    }

    /// If containers share a PID namespace, the container's init is not PID 1, but the oldest of its processes whose parent is not one of
    /// them. The same holds for processes that exec started.
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
}
