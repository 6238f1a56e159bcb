# shellcheck shell=bash
# A control plane that is late before a run, or fails in the middle of one: the harness waits, or goes on measuring, reports the gap, and
# ends.

control_plane=$top/ci/cluster/control-plane
file=$(experiment pod-delete)

# This host does not know yet where the new Service's address leads.
"$control_plane" freeze kube-proxy
deploy azure-sql-edge
kubectl rollout status -n e2e-sql deployment/azure-sql-edge --timeout=120s >/dev/null
(sleep 2 && "$control_plane" thaw kube-proxy) &
log=$work/late-address
late_address() { "$aftershock" plan "$file" --confirm-context aftershock-cluster >"$log" 2>&1 && grep 'until the address led there; at first' "$log"; }
check "an address that does not lead to the pod yet is waited for" late_address
wait $!

# during STAGE REPORT-NAME COMMAND...: runs the experiment once, and the command when its journal says that the stage was entered.
during() {
    local stage=$1 name=$2 journal=$reports/$2/journal.ndjson
    shift 2
    settles
    (recorded "$journal" "\"stage\":\"$stage\"" && "$@") &
    local watcher=$!
    run_experiments "$name" "$file" --repeat 1
    wait "$watcher"
}
# Both stay well below the 8 s after which the cluster takes its nodes, which cannot report meanwhile, for lost, and their pods with them.
frozen() { "$control_plane" freeze kube-apiserver && sleep 4 && "$control_plane" thaw kube-apiserver; }
# Not before the harness has looked again at its watches, which it does after 5 s of silence: it counts as blind since its last look.
stopped() { sleep 7 && "$control_plane" stop kube-apiserver && sleep 1 && "$control_plane" start kube-apiserver; } # its start takes seconds more

during recovering frozen frozen
check "an API server that hangs while the pod comes back makes the repeat invalid, not a pass" [ $status = 4 ]
check "the reason is that the cluster could not be watched" each_repeat '[.doubts[].name] == ["blind"] and ([.remarks[] | select(contains("could not be watched"))] | length) == 1'
check "what the clients felt is measured all the same, and the rows are read back" \
    each_repeat '.downtime.login.lowerMs > 3000 and .ledger.lost == 0 and .ledger.acknowledged > 200'

sed -i -E 's#^  stableFor: .*#  stableFor: 15s#' "$file"
during recovered stopped stopped
check "an API server that is away after the recovery does not spoil the run" [ $status = 0 ]
check "the run says that it could not see" each_repeat '.verdict == "pass" and ([.remarks[] | select(contains("could not be watched"))] | length) == 1'

# A kubelet that stands still accepts the exec and never answers it.
settles
worker=$(target_node)
file=$(experiment process-kill)
sed -i -E 's#^  steadyFor: .*#  steadyFor: 1s#' "$file"
kubelet() { "$HERE/node" enter "${worker#worker}" sh -c "kill -$1 \"\$(cat /run/kubelet.pid)\""; }
kubelet STOP
run_experiments frozen-kubelet "$file" --repeat 1
kubelet CONT
check "an exec that is never answered ends by the harness's own deadline, and nothing is touched" [ $status = 5 ]
check "the reason names the deadline" result '[.. | strings] | any(test("no end of the command within"))'
