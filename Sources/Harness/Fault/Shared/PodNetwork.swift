import Experiment
import JSON
import Journal
import Kubernetes

/// A change of a pod's network. A helper pod on its node makes it in the pod's network namespace, so that it works with every CNI.
///
/// The helper runs for as long as the change lasts. It reverts the change on request, on SIGTERM, and by itself at its timeout: neither a
/// dead harness nor an unreachable API server leaves a pod changed.
struct PodNetwork: Codable, Sendable, Hashable {
    enum Change: String, Codable, Sendable {
        case cut, delay
    }

    var helper: HelperPod
    var namespace: String
    var pod: String
    var uid: String
    /// The script's arguments after its action.
    var arguments: [String]

    /// The time after which the helper reverts the change by itself.
    static let margin = Duration.seconds(60)

    /// - Parameters:
    ///   - address: the pod's address, which the helper pings before and after the change.
    ///   - delay, jitter: the delay of every packet that the pod sends and its variation, in milliseconds.
    init(
        _ change: Change, of target: FaultTarget, at address: String, for duration: Duration, delay: Int = 0, jitter: Int = 0,
        by helper: HelperPod
    ) {
        self.helper = helper
        namespace = target.namespace
        pod = target.pod
        uid = target.podUID
        let bound = (duration + Self.margin).components.seconds
        arguments = [change.rawValue, target.podUID, target.containerDigits, address, "\(bound)", "\(delay)", "\(jitter)"]
    }

    /// Makes the change, which lasts until ``revert(_:)`` or the helper's own end.
    func apply(_ intent: UndoIntent, _ context: FaultContext) async throws -> String {
        let bound = Duration.seconds(Int(arguments[4]) ?? 60)
        let script = HelperPod.Script(
            Self.script, ["apply"] + arguments, deadline: bound + Self.margin, gracePeriod: 10, ready: ["cat", "/tmp/aftershock-applied"])
        return try await helper.run(script, mark: try context.undo.annotation(intent, runID: context.runID), context.client)
    }

    /// Checks from the helper whether the change is in effect.
    func observe(_ client: KubernetesClient) async throws -> FaultEffect {
        let result = try await ask("prove", client)
        let words = result.isSuccess ? result.text : result.text + result.errorText
        let lines = words.split(separator: "\n").map(String.init)
        return FaultEffect(proven: result.isSuccess && !lines.isEmpty, evidence: lines.isEmpty ? ["\(result.outcome)"] : lines)
    }

    private func ask(_ action: String, _ client: KubernetesClient) async throws -> ExecResult {
        try await client.exec(
            ["sh", "-c", Self.script, "sh", action] + arguments, pod: helper.name, in: helper.namespace, container: "helper",
            deadline: .seconds(30))
    }

    /// Refuses a pod with the network of its node: the change would hit the node.
    static func checkOwnNetwork(_ subject: FaultSubject) throws(FaultError) {
        let pod = subject.pod.metadata.name
        guard subject.pod.spec.hostNetwork != true else {
            throw FaultError(
                .refused, "pod \(pod) has the network of its node (hostNetwork): a change would hit the whole node",
                hint: "use nodeFailure, with commands that cut the node")
        }
        guard let address = subject.pod.status?.podIP else {
            throw FaultError(.targetNotRunning, "pod \(pod) has no address yet")
        }
        guard !address.hasPrefix("127."), address != "::1" else {
            throw FaultError(
                .refused,
                "pod \(pod) has the address \(address): it has no network of its own, as in the sandbox, so that nothing can be cut",
                hint: "run this experiment on a cluster whose pods have network namespaces")
        }
    }

    /// Returns the address at which the target answers.
    static func address(of target: FaultTarget, _ client: KubernetesClient) async throws -> String {
        let pod = try await client.get(Pod.self, target.pod, in: target.namespace)
        guard pod.metadata.uid == target.podUID, let address = pod.status?.podIP else {
            throw FaultError(.targetNotRunning, "pod \(target.pod) is another one by now, or has no address")
        }
        return address
    }

    /// Two routing rules before the pod's own ones make the cut: the pod then reaches only itself. Restoring needs no record of routes,
    /// neighbours or addresses, which every CNI creates in its own way.
    ///
    /// Source: https://man7.org/linux/man-pages/man8/ip-rule.8.html, https://man7.org/linux/man-pages/man8/tc-netem.8.html
    private static let script = #"""
        action=$1 change=$2 uid=$3 id=$4 address=$5 bound=$6 delay=$7 jitter=$8 table=211
        other=$(echo "$uid" | tr - _)
        find_pod() {
          for d in /proc/[0-9]*; do
            grep -q -e "$uid" -e "$other" -e "$id" "$d/cgroup" 2>/dev/null || continue
            pid=${d#/proc/}
            return 0
          done
          return 1
        }
        in_pod() { nsenter -t "$pid" -n "$@"; }
        # The second word of each line of two that end with a colon is a device; lo is not on the way to anybody else.
        devices() { in_pod cat /proc/self/net/dev | sed -n 's/^ *\([^: ]*\):.*/\1/p' | grep -v '^lo$'; }
        answers() { ping -c 1 -W 1 "$address" >/dev/null 2>&1; }
        # In whole milliseconds, as busybox and iputils print it.
        round_trip() { ping -c 3 -W 2 "$address" 2>/dev/null | sed -n 's#.*= [0-9.]*/\([0-9]*\)[0-9.]*/.*#\1#p'; }
        revert() {
          find_pod || { echo "no process of pod $uid is left on this node: its network is gone with it"; return 0; }
          if [ "$change" = delay ]; then
            for d in $(devices); do
              in_pod tc qdisc show dev "$d" | grep -q 'netem.*root' && in_pod tc qdisc del dev "$d" root
              in_pod tc qdisc show dev "$d" | grep -q netem && { echo "device $d of the pod still has its delay"; return 1; }
            done
            echo "no device of the pod has a delay"
            return 0
          fi
          for family in -4 -6; do
            in_pod ip $family rule 2>/dev/null | grep -q "lookup $table" || continue
            in_pod ip $family rule | grep -q '^0:' || in_pod ip $family rule add pref 0 table local
            in_pod ip $family rule del pref 1
            in_pod ip $family rule del pref 2
            in_pod ip $family route flush table $table
          done
          in_pod ip rule | grep -q "lookup $table" && { echo "the pod still has a rule to table $table"; return 1; }
          in_pod ip rule | grep -q '^0:.*local' || { echo "the pod has lost its rule to the table local"; return 1; }
          echo "the pod has its own routing rules again: $(in_pod ip rule | tr -s '\t\n' ' ;')"
        }
        cut_off() {
          for family in -4 -6; do
            if ! in_pod ip $family rule >/dev/null 2>&1; then
              [ $family = -6 ] && continue
              return 1
            fi
            in_pod ip $family route add blackhole default table $table || { [ $family = -6 ] && continue; return 1; }
            in_pod ip $family rule add pref 1 iif lo table local && in_pod ip $family rule add pref 2 table $table &&
              in_pod ip $family rule del pref 0 || return 1
          done
        }
        slow_down() {
          for d in $(devices); do
            in_pod tc qdisc add dev "$d" root netem delay "${delay}ms" "${jitter}ms" || return 1
          done
        }
        case $action in
        apply)
          tools="nsenter ip ping"
          [ "$change" = cut ] || tools="nsenter tc ping"
          for tool in $tools; do
            command -v $tool >/dev/null || { echo "the helper's image has no program '$tool'; it needs: $tools"; exit 3; }
          done
          find_pod || { echo "no process of pod $uid is on this node"; exit 3; }
          [ "$(readlink /proc/1/ns/net)" != "$(readlink "/proc/$pid/ns/net")" ] || { echo "the pod has the network of its node"; exit 3; }
          if [ "$change" = cut ]; then
            in_pod ip rule | grep -q '^[12]:' && { echo "the pod has routing rules of its own before the usual ones: $(in_pod ip rule)"; exit 3; }
          else
            for d in $(devices); do
              in_pod tc qdisc show dev "$d" | grep root | grep -vq ' 0: ' && { echo "device $d of the pod has a queue of its own"; exit 3; }
            done
          fi
          answers && echo "$(round_trip)" >/tmp/aftershock-before
          trap 'revert; exit 0' TERM INT
          done_by=cut_off
          [ "$change" = cut ] || done_by=slow_down
          if ! $done_by 2>/tmp/aftershock-errors; then
            revert >/dev/null
            echo "the node's kernel or the helper's image cannot do it: $(tr '\n' ' ' </tmp/aftershock-errors)"
            exit 4
          fi
          echo "network $change of pod $uid, in the network namespace of its process $pid, for ${bound} s at most"
          : >/tmp/aftershock-applied
          sleep "$bound" &
          wait $!
          revert
          ;;
        prove)
          find_pod || { echo "no process of pod $uid is on this node"; exit 3; }
          before=$(cat /tmp/aftershock-before 2>/dev/null)
          if [ "$change" = cut ]; then
            in_pod ip rule | grep -q "lookup $table" || { echo "the pod has no rule to table $table"; exit 3; }
            route=$(in_pod ip route get 192.0.2.1 2>&1) && { echo "the pod has a route to others: $route"; exit 3; }
            echo "the pod has no route to any other address ($route)"
            [ -n "$before" ] || exit 0
            answers && { echo "$address still answers"; exit 3; }
            echo "$address answered a ping from its node before, and does not any more"
          else
            after=$(round_trip)
            if [ -n "$before" ] && [ -n "$after" ]; then
              [ "$after" -ge $((before + delay - jitter - 1)) ] || { echo "a ping to $address takes $after ms, before $before ms"; exit 3; }
              echo "a ping to $address takes $after ms, before $before ms"
            else
              in_pod tc qdisc show | grep netem || { echo "no device of the pod has a delay"; exit 3; }
            fi
          fi
          ;;
        revert) revert ;;
        esac
        """#
}

/// Reverts a change of a pod's network by its helper, and deletes the helper.
struct HealNetwork: UndoAction {
    static let kind = "healNetwork"

    var network: PodNetwork

    var summary: String { "restore the network of pod \(network.namespace)/\(network.pod), and delete helper pod \(network.helper.name)" }
    var object: MarkedObject { .pod(network.helper.name, in: network.helper.namespace) }

    func perform(_ intent: UndoIntent, _ undo: Undo) async throws -> String {
        let helper = network.helper
        let deletion = DeletePod(namespace: helper.namespace, pod: helper.name)
        if let found = try await undo.client.find(Pod.self, helper.name, in: helper.namespace) {
            let words = try await network.revert(found, undo.client)
            let gone = try await deletion.perform(intent, undo)
            if let words { return "\(words); \(gone)" }
        }
        let pod = try await undo.client.find(Pod.self, network.pod, in: network.namespace)
        guard pod?.metadata.uid == network.uid else {
            return "pod \(network.namespace)/\(network.pod) (uid \(network.uid)) is gone, and its network with it"
        }
        // Somebody has deleted the helper, which reverts the change on SIGTERM. A new helper checks that.
        let words = try await network.revertAnew(try undo.annotation(intent, runID: helper.runID), undo.client)
        return "\(words); \(try await deletion.perform(intent, undo))"
    }
}

extension PodNetwork {
    /// Lets the helper revert the change.
    ///
    /// - Returns: the helper's output; `nil` if it has ended without a usable one.
    /// - Throws: ``FaultError`` if the change is still in effect, or the helper cannot be reached.
    fileprivate func revert(_ helper: Pod, _ client: KubernetesClient) async throws -> String? {
        if helper.isFinished {
            return helper.status?.phase == "Succeeded" ? "the helper has ended: \(try await self.helper.words(client))" : nil
        }
        // A helper that never started has changed nothing, and is deleted.
        guard helper.containerStatus("helper")?.state?.running != nil else { return nil }
        let result = try await ask("revert", client)
        guard result.isSuccess else {
            throw FaultError(
                .notInjected, "the network of pod \(namespace)/\(pod) is not restored: \(result.text)\(result.errorText)\(result.outcome)",
                hint: "the helper does it by itself \(arguments[4]) s after the change at the latest")
        }
        return result.text.split(separator: "\n").joined(separator: "; ")
    }

    fileprivate func revertAnew(_ mark: JSONValue, _ client: KubernetesClient) async throws -> String {
        try await helper.run(HelperPod.Script(Self.script, ["revert"] + arguments), mark: mark, client)
    }
}
