# shellcheck shell=bash
# Every fault of the library but the loss of a node.

repeats=${AFTERSHOCK_E2E_REPEATS:-3}
target

# Between faults that restart the container there are others that replace the pod, and with it its CrashLoopBackOff.
kinds=(process-kill pod-delete process-terminate pod-delete-force container-kill pod-evict process-freeze rollout command node-drain node-taint)
files=()
for kind in "${kinds[@]}"; do files+=("$(experiment "$kind")"); done
run_experiments faults "${files[@]}" --repeat "$repeats" --helper-image localhost/sandbox-sql:dev
check "every fault: the run exits 0" [ $status = 0 ]
for kind in "${kinds[@]}"; do
    of_kind() { result "[.experiments[] | select(.name == \"$kind\") | .repeats[] | $1] | length == $repeats and all"; }
    check "$kind: $repeats repeats pass" of_kind '.verdict == "pass"'
    check "$kind: its effect is proven, and what it changed is restored" of_kind '.effect.proven and (.effect.evidence | length > 0) and .restore.complete'
    check "$kind: nothing is lost" of_kind '.ledger | .acknowledged > 100 and [.lost, .corrupt, .duplicate, .unexpected, .stale, .seededLost] == [0, 0, 0, 0, 0, 0]'
    check "$kind: same address, same volume" of_kind '.infrastructure | .serviceIP.before == .serviceIP.after and .volume.before == .volume.after'
    case $kind in
    process-kill | process-terminate | container-kill)
        check "$kind: the same pod, restarted once" of_kind '.infrastructure.pod | .before.uid == .after.uid and .after.restartCount == .before.restartCount + 1' ;;
    process-freeze)
        check "$kind: the same container, which accepted connections and answered nothing" of_kind \
            '(.infrastructure.pod | .before == .after) and .downtime.connect.count == 0 and .downtime.login.count == 1 and .downtime.login.lowerMs > 8000' ;;
    node-*) check "$kind: another node" of_kind '.infrastructure.node | .before != .after' ;;
    *) check "$kind: another pod" of_kind '.infrastructure.pod | .before.uid != .after.uid' ;;
    esac
    case $kind in
    pod-delete | pod-evict | rollout | command | node-*)
        # A kubelet of this version may take the pod away before it tells how its container ended.
        check "$kind: the server was told to stop, and not killed" of_kind '.shutdown | .clean != false and .gracePeriodMs > 0' ;;
    *) check "$kind: nobody told the server to stop" of_kind '.shutdown == null' ;;
    esac
done
check "a server that stopped by itself is seen" result '[.experiments[].repeats[].shutdown | select(.clean) | .exitCode == 0] | length > 0 and all'
check "container-kill: exit code 137 is the evidence" result \
    '[.experiments[] | select(.name == "container-kill") | .repeats[].effect.evidence | any(contains("exit code 137"))] | length > 0 and all'
