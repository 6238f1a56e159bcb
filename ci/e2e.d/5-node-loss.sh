# shellcheck shell=bash
# A node is lost: its power, its network, its kubelet, and with a disk that is attached to it.

repeats=${AFTERSHOCK_E2E_REPEATS:-3}
# failing_by INJECT UNDO NAME: node failure by two commands, given as YAML lists.
failing_by() { with "$(experiment node-failure)" "s#^( *inject:) .*#\1 $1#; s#^( *undo:) .*#\1 $2#; s#^( *noticedWithin:) .*#\1 60s#" "$3"; }

give_up_soon='s#giveUpAfter: .*#giveUpAfter: 40s#; s#max: 60s#max: 40s#; s#recoveredWithin: .*#recoveredWithin: 40s#'

target
settles
run_experiments poweroff "$(failing_by "[\"$HERE/node\", poweroff, \"{node}\"]" "[\"$HERE/node\", start, \"{node}\"]" node-poweroff)" --repeat "$repeats"
check "power off: $repeats repeats pass" result "[.experiments[].repeats[] | .verdict == \"pass\" and .effect.proven and .restore.complete] | length == $repeats and all"
check "power off: another node, the same volume, nothing lost" each_repeat '(.infrastructure | .node.before != .node.after and .volume.before == .volume.after) and .ledger.lost == 0'
check "power off: the report shows what had become of the old pod" each_repeat \
    '.nodeLoss | .ready == "Unknown" and .oldPod.state == "terminating" and .attachments == [] and (.tolerationSeconds | length == 2)'

# The network of a node is cut. Its server runs on, and keeps its files open; where the storage is shared, as here, another server
# cannot open them, and there is no recovery. Writes of the old one, unreachable as it is, must not look like one.
# The undo command looks at it before the cable is plugged in again.
cat >"$work/heal" <<SH
#!/bin/sh
"$HERE/node" enter "\$1" sh -c 'grep -l sqlservr /proc/[0-9]*/comm' >>"$work/still-running"
exec "$HERE/node" heal "\$1"
SH
chmod +x "$work/heal"
settles
run_experiments cut "$(with "$(failing_by "[\"$HERE/node\", cut, \"{node}\"]" "[\"$work/heal\", \"{node}\"]" node-cut)" "$give_up_soon" node-cut-soon)"
check "cut: not recovered, which is a failure and not 'could not tell'" [ $status = 1 ]
check "cut: the old server ran on all the time" [ -s "$work/still-running" ]
# A service that comes back with the cable, after the experiment has given up, is no recovery.
check "cut: and is not what was measured: every track is out until it is given up" each_repeat \
    '.verdict == "fail" and .effect.proven and .restore.complete and all(.downtime[]; .lowerMs > 30000) and .nodeLoss.oldPod.state == "terminating"'

# The same with a server that removes the lock of another one at its start: both have the folder open until the node is back and the old one
# has ended. Its shutdown may still damage the data: nothing is read before.
kubectl set env deployment/azure-sql-edge --namespace e2e-sql SANDBOX_SQL_FLAWS=unlink-lock >/dev/null
check "no lock: the server runs with its flaw" kubectl rollout status deployment/azure-sql-edge --namespace e2e-sql --timeout=180s
settles
pods_when_read() {
    recorded "$reports/no-lock/journal.ndjson" '"event":"ledger.*hecked"'
    kubectl get pods -n e2e-sql -l app=azure-sql-edge -o json >"$work/pods-when-read"
}
pods_when_read &
run_experiments no-lock "$(failing_by "[\"$HERE/node\", cut, \"{node}\"]" "[\"$HERE/node\", heal, \"{node}\"]" node-no-lock)"
wait $! || true
check "no lock: the new server took over, and everything is put back" each_repeat '.effect.proven and .restore.complete and (.ledger.acknowledged // 0) > 0'
check "no lock: the old server was gone when the rows were read" jq -e '.items | length == 1 and all(.metadata.deletionTimestamp == null)' "$work/pods-when-read"
check "no lock: the report says that two servers may have had the volume open" each_repeat '(.remarks // []) | any(test("open at the same time"))'
kubectl set env deployment/azure-sql-edge --namespace e2e-sql SANDBOX_SQL_FLAWS- >/dev/null
check "no lock: the server runs without its flaw again" kubectl rollout status deployment/azure-sql-edge --namespace e2e-sql --timeout=180s

# The kubelet alone stands still. The node is lost to Kubernetes, and its server is not to the clients that hold a connection.
settles
run_experiments kubelet "$(with "$(failing_by "[\"$HERE/node\", stop-kubelet, \"{node}\"]" "[\"$HERE/node\", start-kubelet, \"{node}\"]" node-kubelet)" "$give_up_soon" node-kubelet-soon)"
check "kubelet: not recovered, which is a failure and not 'could not tell'" [ $status = 1 ]
check "kubelet: new connections are refused to the end, and the held ones never broke" each_repeat \
    '.downtime | ([.connect, .login] | all(.open and .lowerMs > 25000)) and ([.session, .write] | all(.count == 0 and (.open | not)))'
check "kubelet: what was written is accounted for when the node is back" each_repeat '.ledger.lost == 0 and .ledger.acknowledged > 1000'

settles
target disk
run_experiments disk "$(with "$(failing_by "[\"$HERE/node\", poweroff, \"{node}\"]" "[\"$HERE/node\", start, \"{node}\"]" node-disk)" "$give_up_soon" node-disk-soon)"
check "a disk on a lost node: not recovered, which is a failure and not 'could not tell'" [ $status = 1 ]
check "a disk on a lost node: the report has the reasons" each_repeat '.verdict == "fail" and (.nodeLoss | .oldPod.state == "terminating" and .outOfService == false
    and any(.attachments[]; .attached) and (.multiAttach | length > 0))'
check "a disk on a lost node: summary.md and report.html tell it" grep -q 'Multi-Attach error' "$report/summary.md" "$report/report.html"
settles
